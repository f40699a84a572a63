// The rules of single operators, and the factors by which they rescale.
#include "graph/operator_checks.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "graph/operator_rules.hpp"
#include "mcunet/engine/graph/graph_validator.hpp"
#include "mcunet/engine/graph/shape_inference.hpp"

namespace mcunet::engine {
namespace {

double scale_of(const Graph& graph, TensorId tensor) {
  return graph.info_of(tensor).quantization.scale;
}
double input_scale(const Graph& graph, const Op& op) {
  return scale_of(graph, graph.inputs_of(op)[0]);
}
double output_scale(const Graph& graph, const Op& op) { return scale_of(graph, op.output); }

double other_scale(const Graph& graph, const Op& op) {
  const ConstantId operand = graph.details_of(op).operand;
  return operand != kNoId ? double{graph.constants[operand].scales[0]}
                          : scale_of(graph, graph.inputs_of(op)[1]);
}

[[noreturn]] void fail_scale(const CheckedOp& op) {
  op.fail("{}: a scale of {} is out of range", op.describe(op.input_id()),
          op.input_quantization().scale);
}

}  // namespace

void check_nothing(const CheckedOp&) {}

void check_undilated(const CheckedOp& op) {
  const Window& w = op.op.window;
  if (w.dilation_height != 1 || w.dilation_width != 1) op.fail("cannot be dilated");
}

void check_pool(const CheckedOp& op) {
  check_undilated(op);
  const Window& w = op.op.window;
  if (std::max(w.padding.top, w.padding.bottom) >= w.kernel_height ||
      std::max(w.padding.left, w.padding.right) >= w.kernel_width) {
    op.fail("its padding is not smaller than its kernel");
  }
}

void check_pad(const CheckedOp& op) {
  const auto [least, most] = std::minmax(op.details.channels_before, op.details.channels_after);
  if (least < 0 || most > kMaxTensorBytes) op.fail("its padding is out of range");
  if (op.details.border && op.graph.input_of(op.op).type != DataType::kInt8) {
    op.fail("pads with a value of int8");
  }
}

// Ranges within which the fixed-point functions are specified.
void check_softmax(const CheckedOp& op) {
  const float beta = op.details.beta;
  if (!std::isfinite(beta) || beta <= 0) op.fail("beta is {}", beta);
  const double scale = double{op.input_quantization().scale} * beta;
  if (scale * (1 << 26) <= 1 || scale > 1 << 20) fail_scale(op);
}

void check_logistic(const CheckedOp& op) {
  const double scale = op.input_quantization().scale;
  if (scale * (1 << 27) <= 1 || scale > 1 << 10) fail_scale(op);
}

void check_hard_swish(const CheckedOp& op) {
  const double scale = op.input_quantization().scale;
  if (scale / 128 >= double{op.output_quantization().scale} || scale > 1 << 10) fail_scale(op);
}

void check_transpose(const CheckedOp& op) {
  auto sorted = op.details.permutation;
  std::sort(sorted.begin(), sorted.end());
  if (sorted != std::array<std::int8_t, 3>{0, 1, 2}) op.fail("its permutation is none");
}

void check_part(const CheckedOp& op) {
  const Shape& input = op.graph.input_of(op.op).shape;
  for (Axis axis : {Axis::kHeight, Axis::kWidth, Axis::kChannels}) {
    const auto i = static_cast<std::size_t>(axis);
    const std::int64_t size = along(input, axis);
    const std::int64_t count = along(op.details.part, axis);
    const std::int64_t first = op.details.begin[i];
    const std::int64_t last = first + (count - 1) * op.details.stride[i];
    const bool is_inside = std::min(first, last) >= 0 && std::max(first, last) < size;
    if (count < 1 || op.details.stride[i] == 0 || !is_inside) {
      op.fail("takes {} elements from {} in steps of {} along an axis of {}", count, first,
              op.details.stride[i], size);
    }
  }
}

// Values are compared as they are.
void check_extremum(const CheckedOp& op) {
  if (op.details.operand == kNoId) return;
  const Constant& operand = op.graph.constants[op.details.operand];
  if (!is_nearly_equal({operand.scales[0], operand.zero_point}, op.output_quantization())) {
    op.fail("operand '{}': must have the scale and zero point of the output", operand.name);
  }
}

void check_leaky_relu(const CheckedOp& op) {
  const float alpha = op.details.alpha;
  if (!std::isfinite(alpha)) op.fail("alpha is {}", alpha);
}

void check_prelu(const CheckedOp& op) {
  if (op.details.operand_is_first) op.fail("its input is constant");
}

// Differences in Q5.26, the sum of exponentials in Q12.19.
void check_log_softmax(const CheckedOp& op) {
  const double scale = op.input_quantization().scale;
  if (scale * (1 << 26) <= 1 || scale >= 1 << 5) fail_scale(op);
  const std::int32_t channels = op.graph.input_of(op.op).shape.channels;
  if (channels >= 1 << 12) op.fail("{} channels are too many", channels);
}

// Kernels keep the places of rows and columns in 16 bits.
void check_resize(const CheckedOp& op) {
  const Shape& input = op.graph.input_of(op.op).shape;
  if (std::max(input.height, input.width) > 1 << 16) {
    op.fail("cannot resize {} rows and {} columns", input.height, input.width);
  }
}

void check_resize_bilinear(const CheckedOp& op) {
  check_resize(op);
  if (op.details.align_corners && op.details.half_pixel_centers) {
    op.fail("cannot both align corners and count from the centres of pixels");
  }
}

// No farther than to the other end. The kernel keeps the places of rows and columns in 16 bits.
void check_mirror_pad(const CheckedOp& op) {
  const Shape& input = op.graph.input_of(op.op).shape;
  const Padding& p = op.op.window.padding;
  const std::int32_t kept = op.details.repeats_edges ? 0 : 1;
  if (std::max(p.top, p.bottom) > input.height - kept ||
      std::max(p.left, p.right) > input.width - kept) {
    op.fail("its padding mirrors more than the {} rows and {} columns that there are", input.height,
            input.width);
  }
  if (op.details.channels_before != 0 || op.details.channels_after != 0) {
    op.fail("mirrors channels");
  }
  if (std::max(input.height, input.width) > 1 << 16) {
    op.fail("cannot mirror {} rows and {} columns", input.height, input.width);
  }
}

// Bytes are negated as they are.
void check_neg(const CheckedOp& op) {
  const std::int32_t zero_point = op.output_quantization().zero_point;
  if (zero_point != 0) op.fail("its zero point is {}, not 0", zero_point);
}

double factor_of_one(const Graph& graph, const Op& op) {
  return input_scale(graph, op) / output_scale(graph, op);
}

double factor_with_weights(const Graph& graph, const Op& op) {
  const auto& scales = graph.constants[graph.details_of(op).weights].scales;
  return factor_of_one(graph, op) * *std::max_element(scales.begin(), scales.end());
}

double factor_of_larger(const Graph& graph, const Op& op) {
  return std::max(input_scale(graph, op), other_scale(graph, op)) / output_scale(graph, op);
}

double factor_of_product(const Graph& graph, const Op& op) {
  return factor_of_one(graph, op) * other_scale(graph, op);
}

double factor_of_leak(const Graph& graph, const Op& op) {
  return factor_of_one(graph, op) * std::max(1.0, std::abs(double{graph.details_of(op).alpha}));
}

double factor_of_inverse_root(const Graph& graph, const Op& op) {
  return 1 / (std::sqrt(input_scale(graph, op)) * output_scale(graph, op));
}

double factor_of_square(const Graph& graph, const Op& op) {
  return factor_of_larger(graph, op) * std::max(input_scale(graph, op), other_scale(graph, op));
}

double factor_of_prelu(const Graph& graph, const Op& op) {
  return factor_of_one(graph, op) * std::max(1.0, other_scale(graph, op));
}

}  // namespace mcunet::engine
