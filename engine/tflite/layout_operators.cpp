// Operators that move values and compute none: where a file's tensor has more dimensions than the
// graph's, or a batch, they are expressed through views {outer, n, inner} of the same values.
#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <optional>
#include <span>
#include <utility>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/graph_validator.hpp"
#include "mcunet/engine/graph/shape_inference.hpp"
#include "tflite/operators.hpp"

namespace mcunet::engine {
namespace {

using Dims = std::vector<std::int32_t>;

// Of dimensions that are known to be no more than a tensor may have.
std::int32_t product(std::span<const std::int32_t> dims) {
  return std::accumulate(dims.begin(), dims.end(), 1, std::multiplies<>());
}

// `count` for `dims[axis]`; throws Error if the tensor becomes too large.
void set_dim(Dims& dims, std::size_t axis, std::int64_t count) {
  dims[axis] = 1;
  if (count < 1 || count > kMaxTensorBytes / product(dims)) {
    throw Error("{} elements along axis {} are none or too many", count, axis);
  }
  dims[axis] = static_cast<std::int32_t>(count);
}

// `axis` and what lies before and behind it.
Shape around(const Dims& dims, std::size_t axis) {
  return {product(std::span(dims).first(axis)), dims[axis],
          product(std::span(dims).subspan(axis + 1))};
}

// A part of a tensor {height, width, channels}.
struct PartOfView {
  Shape view;
  std::array<std::int32_t, 3> begin = {};
  std::array<std::int32_t, 3> stride = {1, 1, 1};
  Shape shape;
};

void set_range(PartOfView& part, Axis axis, std::int32_t size, const SliceRange& range) {
  const auto i = static_cast<std::size_t>(axis);
  along(part.view, axis) = size;
  part.begin[i] = range.begin;
  part.stride[i] = range.stride;
  along(part.shape, axis) = range.count;
}

PartOfView part_of_map(const Dims& dims, const std::vector<SliceRange>& ranges) {
  PartOfView part;
  for (std::size_t from_end = 1; from_end <= std::min<std::size_t>(dims.size(), 3); ++from_end) {
    set_range(part, static_cast<Axis>(3 - from_end), dims.end()[-static_cast<int>(from_end)],
              ranges.end()[-static_cast<int>(from_end)]);
  }
  return part;
}

// Of any number of dimensions, of which those that are taken whole join the one before them.
PartOfView part_of_view(const Dims& dims, const std::vector<SliceRange>& ranges) {
  PartOfView part;
  std::int32_t size = 1;
  SliceRange range;
  int axis = 2;
  for (std::size_t i = dims.size(); i-- > 0;) {
    const SliceRange& next = ranges[i];
    if (size == 1) {
      size = dims[i];
      range = next;
      continue;
    }
    if (range.count == size && range.stride == 1 && (next.stride == 1 || next.count == 1)) {
      range = {next.begin * size, 1, next.count * size};
      size *= dims[i];
      continue;
    }
    if (dims[i] == 1) continue;
    if (axis == 0) throw Error("takes a part along more than three axes, which is not supported");
    set_range(part, static_cast<Axis>(axis--), size, range);
    size = dims[i];
    range = next;
  }
  set_range(part, static_cast<Axis>(axis), size, range);
  return part;
}

}  // namespace

void TfliteOperators::append_reshape(Dims dims) {
  op_.kind = OpKind::kReshape;
  const TensorId source = activation(input(0));
  settle_dims(output(), std::move(dims));
  append({source});
}

void TfliteOperators::read_reshape() {
  require_inputs(1, 2);
  const std::int64_t elements = graph_.tensors[activation(input(0))].shape.elements();
  const auto* o = source_->builtin_options_as_ReshapeOptions();
  std::vector<std::int64_t> requested;
  if (has_input(1)) {
    requested = tensors_.integers(input(1)).values;
  } else if (tensors_.has_open_dims(output()) && o != nullptr && o->new_shape() != nullptr) {
    requested.assign(o->new_shape()->begin(), o->new_shape()->end());
  } else {
    const Dims dims = tensors_.dims(output());
    requested.assign(dims.begin(), dims.end());
  }
  append_reshape(reshaped_dims(elements, requested));
}

void TfliteOperators::read_expand_dims() {
  require_inputs(2, 2);
  Dims dims = tensors_.dims(input(0));
  const Dims axis = tensors_.short_integers(input(1));
  if (axis.size() != 1) throw Error("{}: has {} values", tensors_.describe(input(1)), axis.size());
  const std::size_t at = axis_of(axis[0], dims.size() + 1);
  dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(at), 1);
  append_reshape(std::move(dims));
}

void TfliteOperators::read_squeeze() {
  require_inputs(1, 1);
  const auto* axes = options<tflite::SqueezeOptions>().squeeze_dims();
  const Dims removed = axes == nullptr ? Dims{} : Dims(axes->begin(), axes->end());
  append_reshape(squeezed_dims(tensors_.dims(input(0)), removed));
}

// A CAST to the type that the tensor has.
void TfliteOperators::read_identity() {
  require_inputs(1, 1);
  if (tensors_.activation(input(0)).type != tensors_.activation(output()).type) {
    throw Error("converts between types without regard to scales, which is not supported");
  }
  append_reshape(tensors_.dims(input(0)));
}

TensorId TfliteOperators::append_between(Op op, const std::vector<TensorId>& inputs,
                                         const Shape& shape) {
  const Tensor tensor = {shape, graph_.tensors[inputs[0]].type};
  TensorInfo info = graph_.info_of(inputs[0]);
  // A view has the dimensions of its shape; other operators keep how many there are.
  if (op.kind == OpKind::kReshape) info.rank = 3;
  tensors_.charge(sizeof(Op) + sizeof(OpDetails) + info.name.size() +
                  inputs.size() * sizeof(TensorId));
  const TensorId id = append_op(graph_, op, inputs, tensor);
  edit_info(graph_, id) = std::move(info);
  return id;
}

TensorId TfliteOperators::viewed(TensorId tensor, const Shape& shape) {
  // A width needs two dimensions in a file.
  const bool has_width = graph_.info_of(tensor).rank >= 2;
  if (has_width && graph_.tensors[tensor].shape == shape) return tensor;
  return append_between({.kind = OpKind::kReshape, .has_bias = false}, {tensor}, shape);
}

TensorId TfliteOperators::joined(const std::vector<TensorId>& parts) {
  Shape shape = graph_.tensors[parts[0]].shape;
  shape.width = 0;
  for (TensorId part : parts) shape.width += graph_.tensors[part].shape.width;
  Op op{.kind = OpKind::kConcatenation, .has_bias = false};
  edit_details(graph_, op).axis = Axis::kWidth;
  return append_between(op, parts, shape);
}

void TfliteOperators::append_joined(const std::vector<TensorId>& parts) {
  op_.kind = OpKind::kReshape;
  append({joined(parts)});
}

void TfliteOperators::read_concatenation() {
  const auto& o = options<tflite::ConcatenationOptions>();
  if (o.activation() != tflite::ActivationFunction_NONE) {
    throw Error("a fused activation is not supported");
  }
  Dims dims = tensors_.dims(input(0));
  const std::size_t axis = axis_of(o.axis(), dims.size());
  const bool is_plain = axis + 3 >= dims.size() && tensors_.is_map(input(0));
  std::vector<TensorId> parts;
  std::int64_t total = 0;
  for (std::uint32_t i = 0; i < input_count(); ++i) {
    const Dims part = tensors_.dims(input(i));
    dims[axis] = part.size() == dims.size() ? part[axis] : 0;
    if (part != dims) throw Error("its inputs differ beside axis {}", axis);
    total += part[axis];
    const TensorId source = activation(input(i));
    parts.push_back(is_plain ? source : viewed(source, around(part, axis)));
  }
  set_dim(dims, axis, total);
  settle_dims(output(), dims);
  if (!is_plain) return append_joined(parts);
  op_.kind = OpKind::kConcatenation;
  details().axis = static_cast<Axis>(axis + 3 - dims.size());
  append(std::move(parts));
}

// A map is transposed as it is where one element takes the place of its batch, which has one too:
// they change places for free. Anything else through a view.
void TfliteOperators::read_transpose() {
  require_inputs(2, 2);
  const TensorId source = activation(input(0));
  const Dims from = tensors_.dims(input(0));
  std::vector<std::size_t> axes;
  for (std::int32_t axis : tensors_.short_integers(input(1))) {
    axes.push_back(axis_of(axis, from.size()));
  }
  const std::optional<MapPermutation> permutation = map_permutation(from, axes);
  Dims dims;
  for (std::size_t axis : axes) dims.push_back(from[axis]);
  settle_dims(output(), dims);
  const std::size_t leading = 4 - std::min<std::size_t>(from.size(), 4);
  if (tensors_.is_map(input(0)) && (leading > 0 || from[axes[0]] == 1)) {
    if (leading == 0) std::iter_swap(axes.begin(), std::find(axes.begin(), axes.end(), 0));
    for (std::size_t i = 0; i < axes.size(); ++i) {
      const std::size_t to = leading + i;
      if (to > 0) details().permutation[to - 1] = static_cast<std::int8_t>(leading + axes[i] - 1);
    }
    return append({source});
  }
  if (!permutation) throw Error("changes the order of more than three dimensions");
  append_view_transpose(source, *permutation);
}

void TfliteOperators::append_view_transpose(TensorId source, const MapPermutation& permutation) {
  const std::array<std::int32_t, 3> sizes = {permutation.from.height, permutation.from.width,
                                             permutation.from.channels};
  const auto size = [&](int axis) {
    return sizes[static_cast<std::size_t>(permutation.axes[axis])];
  };
  Op op{.kind = OpKind::kTranspose, .has_bias = false};
  edit_details(graph_, op).permutation = permutation.axes;
  const TensorId view = viewed(source, permutation.from);
  op_.kind = OpKind::kReshape;
  append({append_between(op, {view}, {size(0), size(1), size(2)})});
}

TensorId TfliteOperators::exchanged(TensorId tensor, const Shape& view) {
  Op op{.kind = OpKind::kTranspose, .has_bias = false};
  edit_details(graph_, op).permutation = {1, 0, 2};
  return append_between(op, {viewed(tensor, view)}, {view.width, view.height, view.channels});
}

// {height, width, rows of a block, columns of it and channels}: those rows go before the width, by way of the
// front.
void TfliteOperators::read_depth_to_space() {
  require_inputs(1, 1);
  tensors_.require_map(input(0));
  const TensorId source = activation(input(0));
  const Shape from = graph_.tensors[source].shape;
  const std::int32_t block = options<tflite::DepthToSpaceOptions>().block_size();
  if (block < 1 || block > from.channels || from.channels % (std::int64_t{block} * block) != 0) {
    throw Error("{} channels are no blocks of {}x{}", from.channels, block, block);
  }
  const std::int32_t row = from.channels / block;
  Dims dims = {1, from.height, from.width, row / block};
  set_dim(dims, 1, std::int64_t{from.height} * block);
  set_dim(dims, 2, std::int64_t{from.width} * block);
  settle_dims(output(), dims);
  const TensorId rows = exchanged(source, {from.height * from.width, block, row});
  op_.kind = OpKind::kReshape;
  append({exchanged(rows, {block, from.height, from.width * row})});
}

// The way back.
void TfliteOperators::read_space_to_depth() {
  require_inputs(1, 1);
  tensors_.require_map(input(0));
  const TensorId source = activation(input(0));
  const Shape from = graph_.tensors[source].shape;
  const std::int32_t block = options<tflite::SpaceToDepthOptions>().block_size();
  if (block < 1 || from.height % block != 0 || from.width % block != 0) {
    throw Error("a map of {}x{} has no blocks of {}x{}", from.height, from.width, block, block);
  }
  const std::int32_t height = from.height / block;
  const std::int32_t width = from.width / block;
  const std::int32_t row = block * from.channels;
  settle_dims(output(), {1, height, width, block * row});
  const TensorId rows = exchanged(source, {height, block, width * row});
  op_.kind = OpKind::kReshape;
  append({exchanged(rows, {block, height * width, row})});
}

void TfliteOperators::read_pack() {
  Dims dims = tensors_.dims(input(0));
  const std::size_t axis = axis_of(options<tflite::PackOptions>().axis(), dims.size() + 1);
  dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(axis), 1);
  std::vector<TensorId> parts;
  for (std::uint32_t i = 0; i < input_count(); ++i) {
    if (tensors_.dims(input(i)) != tensors_.dims(input(0))) throw Error("its inputs differ");
    parts.push_back(viewed(activation(input(i)), around(dims, axis)));
  }
  set_dim(dims, axis, static_cast<std::int64_t>(parts.size()));
  settle_dims(output(), dims);
  append_joined(parts);
}

void TfliteOperators::read_unpack() {
  require_inputs(1, 1);
  Dims dims = tensors_.dims(input(0));
  const std::size_t axis = axis_of(options<tflite::UnpackOptions>().axis(), dims.size());
  if (dims[axis] != 1) {
    require_outputs(dims[axis]);
    const Dims ones(static_cast<std::size_t>(dims[axis]), 1);
    return append_parts(input(0), axis, ones, /*drops=*/true);
  }
  dims.erase(dims.begin() + static_cast<std::ptrdiff_t>(axis));
  append_reshape(std::move(dims));
}

void TfliteOperators::read_strided_slice() {
  require_inputs(4, 4);
  const auto integers = [this](std::uint32_t i) { return tensors_.integers(input(i)).values; };
  const std::vector<SliceRange> ranges =
      strided_slice_ranges(tensors_.dims(input(0)), integers(1), integers(2), integers(3),
                           options<tflite::StridedSliceOptions>());
  append_part(input(0), ranges, output());
}

void TfliteOperators::read_slice() {
  require_inputs(3, 3);
  append_part(input(0),
              slice_ranges(tensors_.dims(input(0)), tensors_.integers(input(1)).values,
                           tensors_.integers(input(2)).values),
              output());
}

void TfliteOperators::read_split() {
  require_inputs(2, 2);
  const std::int32_t count = options<tflite::SplitOptions>().num_splits();
  const Dims axis = tensors_.short_integers(input(0));
  if (axis.size() != 1) throw Error("{}: has {} values", tensors_.describe(input(0)), axis.size());
  const Dims dims = tensors_.dims(input(1));
  const std::size_t dim = axis_of(axis[0], dims.size());
  if (count < 1 || dims[dim] % count != 0) throw Error("{} elements in {} parts", dims[dim], count);
  require_outputs(count);
  append_parts(input(1), dim, Dims(static_cast<std::size_t>(count), dims[dim] / count),
               /*drops=*/false);
}

void TfliteOperators::read_split_v() {
  require_inputs(3, 3);
  const Dims axis = tensors_.short_integers(input(2));
  if (axis.size() != 1) throw Error("{}: has {} values", tensors_.describe(input(2)), axis.size());
  const Dims dims = tensors_.dims(input(0));
  const std::size_t dim = axis_of(axis[0], dims.size());
  std::vector<std::int64_t> sizes = tensors_.integers(input(1)).values;
  // One of them may be what the others leave.
  const auto rest = std::find(sizes.begin(), sizes.end(), -1);
  if (rest != sizes.end()) *rest = 0;
  std::int64_t total = 0;
  for (std::int64_t size : sizes) {
    if (size < 0 || size > dims[dim]) throw Error("a part of {} of {} elements", size, dims[dim]);
    total += size;
  }
  if (rest != sizes.end()) *rest = dims[dim] - total;
  append_parts(input(0), dim, Dims(sizes.begin(), sizes.end()), /*drops=*/false);
}

void TfliteOperators::require_outputs(std::int64_t parts) const {
  const std::int64_t outputs = source_->outputs() == nullptr ? 0 : source_->outputs()->size();
  if (outputs != parts) throw Error("has {} parts, but {} outputs", parts, outputs);
}

// One slice for every output.
void TfliteOperators::append_parts(std::int32_t source, std::size_t dim, const Dims& sizes,
                                   bool drops) {
  require_outputs(std::ssize(sizes));
  std::vector<SliceRange> ranges;
  for (std::int32_t size : tensors_.dims(source)) ranges.push_back({0, 1, size});
  const std::int64_t size = ranges[dim].count;
  std::int64_t begin = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (begin + sizes[i] > size) throw Error("its parts are more than {} elements", size);
    ranges[dim] = {static_cast<std::int32_t>(begin), 1, sizes[i], drops};
    append_part(source, ranges, source_->outputs()->Get(static_cast<std::uint32_t>(i)));
    begin += sizes[i];
  }
}

// A map is sliced as it is, any other tensor through a view of it.
void TfliteOperators::append_part(std::int32_t source, const std::vector<SliceRange>& ranges,
                                  std::int32_t output) {
  const Dims kept = sliced_dims(ranges);
  if (product(kept) == 0) throw Error("takes nothing");
  settle_dims(output, kept);
  const Dims dims = tensors_.dims(source);
  const bool is_plain = kept.size() == dims.size() && tensors_.is_map(source);
  const PartOfView part = is_plain ? part_of_map(dims, ranges) : part_of_view(dims, ranges);
  const TensorId tensor = is_plain ? activation(source) : viewed(activation(source), part.view);
  Op slice{.kind = OpKind::kStridedSlice, .has_bias = false};
  OpDetails& details = edit_details(graph_, slice);
  details.begin = part.begin;
  details.stride = part.stride;
  details.part = part.shape;
  if (is_plain) {
    op_ = slice;
    return append({tensor}, output);
  }
  op_ = {.kind = OpKind::kReshape, .has_bias = false};
  append({append_between(slice, {tensor}, part.shape)}, output);
}

void TfliteOperators::read_reverse() {
  require_inputs(2, 2);
  std::vector<SliceRange> ranges;
  for (std::int32_t size : tensors_.dims(input(0))) ranges.push_back({0, 1, size});
  for (std::int32_t axis : tensors_.short_integers(input(1))) {
    SliceRange& range = ranges[axis_of(axis, ranges.size())];
    range = {range.count - 1, -1, range.count};
  }
  retell_scale(activation(input(0)));
  append_part(input(0), ranges, output());
}

// TensorFlow's converter may give an LSTM's output another scale once it is reversed. The bytes are the same, those of
// the hidden state: where nobody else reads them, the scale may be the second one from the beginning.
void TfliteOperators::retell_scale(TensorId reversed) {
  const auto producer = std::ranges::find(graph_.ops, reversed, &Op::output);
  if (producer == graph_.ops.end() || producer->kind != OpKind::kUnidirectionalSequenceLstm) return;
  std::size_t uses = 0;
  const tflite::SubGraph& subgraph = *model_.subgraphs()->Get(0);
  for (const tflite::Operator* op : *subgraph.operators()) {
    if (op->inputs() == nullptr) continue;
    uses +=
        static_cast<std::size_t>(std::count(op->inputs()->begin(), op->inputs()->end(), input(0)));
  }
  uses += static_cast<std::size_t>(
      std::count(subgraph.outputs()->begin(), subgraph.outputs()->end(), input(0)));
  if (uses == 1) edit_info(graph_, reversed).quantization = tensors_.info(output()).quantization;
}

// Axis by axis, each as a concatenation of the tensor with itself.
void TfliteOperators::read_tile() {
  require_inputs(2, 2);
  Dims dims = tensors_.dims(input(0));
  const Dims multiples = tensors_.short_integers(input(1));
  if (multiples.size() != dims.size()) {
    throw Error("{}: has {} values", tensors_.describe(input(1)), multiples.size());
  }
  TensorId tensor = activation(input(0));
  for (std::size_t axis = 0; axis < dims.size(); ++axis) {
    const std::int32_t copies = multiples[axis];
    if (copies == 1) continue;
    const Shape view = around(dims, axis);
    set_dim(dims, axis, std::int64_t{copies} * dims[axis]);
    tensors_.charge(static_cast<std::size_t>(copies) * sizeof(TensorId));
    const std::vector<TensorId> parts(static_cast<std::size_t>(copies), viewed(tensor, view));
    tensor = joined(parts);
  }
  settle_dims(output(), dims);
  op_.kind = OpKind::kReshape;
  append({tensor});
}

}  // namespace mcunet::engine
