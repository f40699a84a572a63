#include "planning/kernels.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "mcunet/engine/graph/operator_table.hpp"
#include "mcunet/engine/graph/shape_inference.hpp"

namespace mcunet::engine {
namespace {

// What an operator is, as the choice of its kernels sees it.
struct Query {
  const Graph& graph;
  const Op& op;
  KernelOptions options;

  const OpDetails& details() const { return graph.details_of(op); }
  bool has_int4_input() const { return graph.input_of(op).type == DataType::kInt4; }
  bool has_int4_output() const { return graph.output_of(op).type == DataType::kInt4; }
  bool has_int4_weights() const { return op.weight_bits == 4; }
};

// One function per operator.
#define OPERATOR(kind, stem, ...) KernelCalls kernels_of_##stem(const Query& query);
#include "mcunet/engine/graph/operators.inc"

constexpr std::array<KernelCalls (*)(const Query&), kOpKinds> kChoices = {
#define OPERATOR(kind, stem, ...) kernels_of_##stem,
#include "mcunet/engine/graph/operators.inc"
};

// The kernels of one kind for the bits of the input, of the output, and of weights: 4 or 8.
using ByBits = std::array<std::array<std::array<Kernel, 2>, 2>, 2>;

consteval std::array<Kernel, 2> by_weights(std::string_view stem, std::string_view activations) {
  return {kernel_named(stem, activations), kernel_named(stem, activations, "_s4")};
}

consteval ByBits by_bits(std::string_view stem) {
  return {{{by_weights(stem, ""), by_weights(stem, "_a8a4")},
           {by_weights(stem, "_a4a8"), by_weights(stem, "_a4a4")}}};
}

Kernel of_bits(const ByBits& kernels, const Query& query) {
  return kernels[query.has_int4_input()][query.has_int4_output()][query.has_int4_weights()];
}

// The kernels of one depthwise window, by stride, 1 or 2, and the bits of weights.
using ByStride = std::array<std::array<Kernel, 2>, 2>;

consteval ByStride by_stride(std::string_view window) {
  constexpr std::string_view kStem = "depthwise_conv2d_";
  return {{{kernel_named(kStem, window, "_s1"), kernel_named(kStem, window, "_s1_s4")},
           {kernel_named(kStem, window, "_s2"), kernel_named(kStem, window, "_s2_s4")}}};
}

// Of windows of 3, 5 and 7; of one row and square.
constexpr std::array<ByStride, 3> kRowWindows = {by_stride("1x3"), by_stride("1x5"),
                                                 by_stride("1x7")};
constexpr std::array<ByStride, 3> kSquareWindows = {by_stride("3x3"), by_stride("5x5"),
                                                    by_stride("7x7")};

KernelCalls kernels_of_conv_2d(const Query& query) {
  static constexpr ByBits kPointwise = by_bits("conv2d_1x1");
  static constexpr ByBits kGeneral = by_bits("conv2d");
  static constexpr std::array kDilated = by_weights("conv2d_dilated", "");
  if (query.options.specializes && has_dense_pointwise(query.op)) return of_bits(kPointwise, query);
  if (is_dilated(query.op)) return kDilated[query.has_int4_weights()];
  return of_bits(kGeneral, query);
}

KernelCalls kernels_of_depthwise_conv_2d(const Query& query) {
  static constexpr std::array kGeneral = by_weights("depthwise_conv2d", "");
  const bool is_int4 = query.has_int4_input();
  if (!has_window_kernel(query.graph, query.op) || (!query.options.specializes && !is_int4)) {
    return kGeneral[query.has_int4_weights()];
  }
  const Window& w = query.op.window;
  const auto& windows = w.kernel_height == 1 ? kRowWindows : kSquareWindows;
  const Kernel own =
      windows[(w.kernel_width - 3) / 2][w.stride_width - 1][query.has_int4_weights()];
  if (is_int4) return {kernel_named("depthwise_conv2d_a4a4"), own};
  return own;
}

KernelCalls kernels_of_fully_connected(const Query& query) {
  static constexpr std::array kAny = by_weights("fully_connected", "");
  static constexpr std::array kFew = by_weights("fully_connected_few", "");
  return (has_few_outputs(query.graph, query.op) ? kFew : kAny)[query.has_int4_weights()];
}

KernelCalls kernels_of_transpose_conv(const Query&) { return kernel_named("transpose_conv2d"); }
KernelCalls kernels_of_batch_matmul(const Query&) { return kernel_named("batch_matmul"); }

KernelCalls summed_to(Kernel result) { return {kernel_named("accumulate"), result}; }

KernelCalls kernels_of_average_pool_2d(const Query& query) {
  if (query.options.accumulates) return summed_to(kernel_named("average_of_sums"));
  return query.has_int4_input() ? kernel_named("average_pool2d_a4a4")
                                : kernel_named("average_pool2d");
}

KernelCalls kernels_of_max_pool_2d(const Query& query) {
  return query.has_int4_input() ? kernel_named("max_pool2d_a4a4") : kernel_named("max_pool2d");
}

KernelCalls kernels_of_mean(const Query& query) {
  if (query.options.accumulates) return summed_to(kernel_named("mean_of_sums"));
  if (is_mean_apart(query.graph, query.op)) return kernel_named("mean_apart");
  return query.has_int4_input() ? kernel_named("mean_a4a8") : kernel_named("mean");
}

KernelCalls kernels_of_reduce_max(const Query&) { return kernel_named("reduce_max"); }
KernelCalls kernels_of_reduce_min(const Query&) { return kernel_named("reduce_min"); }

// A mean with another factor.
KernelCalls kernels_of_sum(const Query& query) { return kernels_of_mean(query); }

KernelCalls either(const Query& query, Kernel periodic, Kernel broadcast) {
  if (query.has_int4_input()) return kernel_named("lookup_nibbles");
  return has_broadcast(query.graph, query.op) ? broadcast : periodic;
}

KernelCalls kernels_of_add(const Query& query) {
  return either(query, kernel_named("add"), kernel_named("add_broadcast"));
}
KernelCalls kernels_of_sub(const Query& query) {
  return either(query, kernel_named("sub"), kernel_named("sub_broadcast"));
}
KernelCalls kernels_of_mul(const Query& query) {
  return either(query, kernel_named("mul"), kernel_named("mul_broadcast"));
}
KernelCalls kernels_of_squared_difference(const Query& query) {
  return either(query, kernel_named("squared_difference"),
                kernel_named("squared_difference_broadcast"));
}

// One slope for all values makes it a function of one.
KernelCalls kernels_of_prelu(const Query& query) {
  const ConstantId slopes = query.details().operand;
  if (slopes != kNoId && query.graph.constants[slopes].elements() == 1) {
    return kernel_named("lookup");
  }
  return either(query, kernel_named("prelu"), kernel_named("prelu_broadcast"));
}
KernelCalls kernels_of_maximum(const Query&) { return kernel_named("maximum"); }
KernelCalls kernels_of_minimum(const Query&) { return kernel_named("minimum"); }

KernelCalls kernels_of_relu(const Query&) { return kernel_named("lookup"); }
KernelCalls kernels_of_relu6(const Query&) { return kernel_named("lookup"); }
KernelCalls kernels_of_leaky_relu(const Query&) { return kernel_named("lookup"); }
KernelCalls kernels_of_logistic(const Query&) { return kernel_named("lookup"); }
KernelCalls kernels_of_tanh(const Query&) { return kernel_named("lookup"); }
KernelCalls kernels_of_hard_swish(const Query&) { return kernel_named("lookup"); }
KernelCalls kernels_of_gelu(const Query&) { return kernel_named("lookup"); }
KernelCalls kernels_of_elu(const Query&) { return kernel_named("lookup"); }
KernelCalls kernels_of_abs(const Query&) { return kernel_named("lookup"); }
KernelCalls kernels_of_rsqrt(const Query&) { return kernel_named("lookup"); }
KernelCalls kernels_of_sqrt(const Query&) { return kernel_named("lookup"); }
KernelCalls kernels_of_exp(const Query&) { return kernel_named("lookup"); }
KernelCalls kernels_of_log(const Query&) { return kernel_named("lookup"); }
KernelCalls kernels_of_neg(const Query&) { return kernel_named("lookup"); }
KernelCalls kernels_of_relu_n1_to_1(const Query&) { return kernel_named("lookup"); }
KernelCalls kernels_of_relu_0_to_1(const Query&) { return kernel_named("lookup"); }
KernelCalls kernels_of_quantize(const Query& query) {
  return query.graph.input_of(query.op).type == DataType::kFloat32 ? kernel_named("quantize")
                                                                   : kernel_named("lookup");
}
KernelCalls kernels_of_dequantize(const Query&) { return kernel_named("dequantize"); }
KernelCalls kernels_of_softmax(const Query&) { return kernel_named("softmax"); }
KernelCalls kernels_of_log_softmax(const Query&) { return kernel_named("log_softmax"); }

KernelCalls kernels_of_reshape(const Query&) { return {}; }

KernelCalls kernels_of_transpose(const Query& query) {
  if (!is_transposing(query.graph, query.op)) return {};
  return query.graph.output_of(query.op).type == DataType::kFloat32
             ? kernel_named("transpose_words")
             : kernel_named("transpose");
}

KernelCalls kernels_of_pad(const Query& query) {
  const bool pads_channels =
      query.details().channels_before != 0 || query.details().channels_after != 0;
  return pads_channels ? kernel_named("pad_channels") : kernel_named("pad");
}

KernelCalls kernels_of_concatenation(const Query&) { return kernel_named("copy_channels"); }
KernelCalls kernels_of_resize_nearest_neighbor(const Query&) {
  return kernel_named("resize_nearest");
}
KernelCalls kernels_of_mirror_pad(const Query&) { return kernel_named("resize_nearest"); }
KernelCalls kernels_of_resize_bilinear(const Query&) { return kernel_named("resize_bilinear"); }
KernelCalls kernels_of_strided_slice(const Query&) { return kernel_named("slice"); }

KernelCalls kernels_of_unidirectional_sequence_lstm(const Query&) { return kernel_named("lstm"); }

// Whether `part` repeats in `whole` with a period: it lacks outer axes.
bool repeats_in(const Shape& part, const Shape& whole) {
  const std::int64_t elements = part.elements();
  if (elements == 1 || elements == whole.elements()) return true;
  const bool is_row =
      part.height == 1 && part.width == whole.width && part.channels == whole.channels;
  const bool is_pixel = part.height == 1 && part.width == 1 && part.channels == whole.channels;
  return is_row || is_pixel;
}

struct KernelCode {
  std::string_view calls;
  std::array<std::int32_t, kCodeCores> bytes;
};

constexpr std::array<KernelCode, kKernels> kCode = {{
#define KERNEL(name, calls, ...) {calls, {__VA_ARGS__}},
#include "planning/kernels.inc"
}};

void add_called(std::string_view name, KernelSet& kernels) {
  const auto at = std::find(std::begin(kKernelNames), std::end(kKernelNames), name);
  const auto index = static_cast<std::size_t>(at - std::begin(kKernelNames));
  if (kernels[index]) return;
  kernels.set(index);
  std::string_view calls = kCode[index].calls;
  while (!calls.empty()) {
    const std::string_view next = calls.substr(0, calls.find(' '));
    add_called(next, kernels);
    calls.remove_prefix(std::min(next.size() + 1, calls.size()));
  }
}

std::array<KernelSet, kKernels> closures() {
  std::array<KernelSet, kKernels> result;
  for (std::size_t i = 0; i < kKernels; ++i) add_called(kKernelNames[i], result[i]);
  return result;
}

}  // namespace

KernelCalls kernels_of(const Graph& graph, const Op& op, const KernelOptions& options) {
  return kChoices[static_cast<std::size_t>(op.kind)]({graph, op, options});
}

bool has_dense_pointwise(const Op& op) {
  const Window& w = op.window;
  return w.kernel_height == 1 && w.kernel_width == 1 && w.stride_height == 1 &&
         w.stride_width == 1 && w.padding == Padding{};
}

bool is_dilated(const Op& op) {
  return op.window.dilation_height != 1 || op.window.dilation_width != 1;
}

bool has_window_kernel(const Graph& graph, const Op& op) {
  return has_in_place_kernel(op) &&
         graph.input_of(op).shape.channels == graph.output_of(op).shape.channels;
}

// With weights of 8 bits the other kernel is about as fast: there are to be so many inputs that its
// scratch, two bytes for each, weighs more than the code of this one. With 4 bits this one is faster.
// Counted on a Cortex-M4 and a Cortex-M7 with 64 to 640 inputs, one and 2 outputs take 0.52 to 0.63
// times as many instructions, 3 and 4 0.74 to 0.91, 5 and 6 0.85 to 1.0, 7 0.94 to 0.99, 8 0.96 to
// 1.12. What it saves with fewer inputs, or more than 6 outputs, is not worth its code.
bool has_few_outputs(const Graph& graph, const Op& op) {
  const bool is_int4 = op.weight_bits == 4;
  const std::int32_t few_outputs = is_int4 ? 6 : 4;
  const std::int64_t many_inputs = is_int4 ? 64 : 1024;
  return graph.output_of(op).shape.channels <= few_outputs && rows_of(graph, op) == 1 &&
         graph.input_of(op).shape.elements() >= many_inputs;
}

ElementwiseSides sides_of(const Graph& graph, const Op& op) {
  const OpDetails& details = graph.details_of(op);
  ElementwiseSides sides;
  sides.shapes[0] = graph.input_of(op).shape;
  if (op.input_count > 1) {
    sides.shapes[1] = graph.input_of(op, 1).shape;
  } else {
    sides.shapes[1] = shape_of_dims(graph.constants[details.operand].dims);
    if (details.operand_is_first) std::swap(sides.shapes[0], sides.shapes[1]);
  }
  sides.is_swapped =
      commutes(op.kind) && sides.shapes[0].elements() != graph.output_of(op).shape.elements();
  if (sides.is_swapped) std::swap(sides.shapes[0], sides.shapes[1]);
  return sides;
}

bool has_broadcast(const Graph& graph, const Op& op) {
  const Shape& output = graph.output_of(op).shape;
  const ElementwiseSides sides = sides_of(graph, op);
  return sides.shapes[0].elements() != output.elements() || !repeats_in(sides.shapes[1], output);
}

bool is_mean_apart(const Graph& graph, const Op& op) {
  const auto& reduced = graph.details_of(op).reduced;
  const Shape& input = graph.input_of(op).shape;
  return reduced[0] && !reduced[1] && reduced[2] && input.height != 1 && input.width != 1 &&
         input.channels != 1;
}

bool is_transposing(const Graph& graph, const Op& op) {
  const Shape& input = graph.input_of(op).shape;
  const std::int32_t sizes[] = {input.height, input.width, input.channels};
  int last = -1;
  for (const std::int8_t value : graph.details_of(op).permutation) {
    const int axis = static_cast<unsigned char>(value);
    if (sizes[axis] == 1) continue;
    if (axis < last) return true;
    last = axis;
  }
  return false;
}

void add_kernel(Kernel kernel, KernelSet& kernels) {
  static const std::array<KernelSet, kKernels> with_called = closures();
  kernels |= with_called[static_cast<std::size_t>(kernel)];
}

std::int64_t code_bytes(const KernelSet& kernels, CodeCore core) {
  std::int64_t bytes = 0;
  for (std::size_t i = 0; i < kKernels; ++i) {
    if (kernels[i]) bytes += kCode[i].bytes[static_cast<std::size_t>(core)];
  }
  return bytes;
}

}  // namespace mcunet::engine
