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
  info.rank = 3;
  tensors_.charge(sizeof(Op) + sizeof(OpDetails) + info.name.size() +
                  inputs.size() * sizeof(TensorId));
  const TensorId id = append_op(graph_, op, inputs, tensor);
  edit_info(graph_, id) = std::move(info);
  return id;
}

TensorId TfliteOperators::viewed(TensorId tensor, const Shape& shape) {
  if (graph_.tensors[tensor].shape == shape) return tensor;
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
  if (dims[axis] != 1) throw Error("takes a tensor apart, which is not supported");
  dims.erase(dims.begin() + static_cast<std::ptrdiff_t>(axis));
  append_reshape(std::move(dims));
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
