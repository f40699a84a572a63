// The rules of single operators, and the factors by which they rescale.
#include "graph/operator_checks.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "graph/operator_rules.hpp"
#include "mcunet/engine/graph/graph_validator.hpp"
#include "mcunet/engine/graph/operator_table.hpp"
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

const Constant& CheckedOp::constant(ConstantId number, std::string_view role) const {
  if (number < 0 || static_cast<std::size_t>(number) >= graph.constants.size()) {
    fail("has no {}", role);
  }
  const Constant& c = graph.constants[number];
  std::int64_t elements = 1;
  for (std::int32_t dim : c.dims) {
    if (dim < 1 || elements > kMaxTensorBytes / dim) fail("{} '{}': bad shape", role, c.name);
    elements *= dim;
  }
  const std::int64_t bytes = bytes_of_elements(elements, c.type);
  if (bytes > kMaxTensorBytes) fail("{} '{}': bad shape", role, c.name);
  if (bytes != static_cast<std::int64_t>(c.data.size())) {
    fail("{} '{}': has {} bytes instead of {}", role, c.name, c.data.size(), bytes);
  }
  return c;
}

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

namespace {

// Of an LSTM: one for each gate.
void check_gates(const CheckedOp& op, const std::array<ConstantId, kGates>& ids,
                 std::string_view role, DataType type, const std::vector<std::int32_t>& dims) {
  for (ConstantId id : ids) {
    const Constant& c = op.constant(id, role);
    if (c.type != type || c.dims != dims) {
      op.fail("{} '{}': are {} of {}, not {} of {}", role, c.name, name_of(c.type),
              fmt::join(c.dims, "x"), name_of(type), fmt::join(dims, "x"));
    }
    if (type != DataType::kInt8) continue;
    if (c.scales.size() != 1 || !(c.scales[0] > 0) || !std::isfinite(c.scales[0]) ||
        c.zero_point != 0) {
      op.fail("{} '{}': need one positive scale and a zero point of 0", role, c.name);
    }
  }
}

void check_cells(const CheckedOp& op, TensorId id) {
  const Tensor& tensor = op.graph.tensors[id];
  if (tensor.type != DataType::kInt16) {
    op.fail("{}: are cells of {}, and must be int16", op.describe(id), name_of(tensor.type));
  }
  const Quantization& q = op.quantization_of(id);
  int exponent = 0;
  if (q.zero_point != 0 || !std::isfinite(q.scale) || std::frexp(q.scale, &exponent) != 0.5F ||
      exponent - 1 < kLeastCellExponent || exponent - 1 > kMostCellExponent) {
    op.fail(
        "{}: the scale of cells must be a power of two from 2^{} to 2^{} with a zero point of "
        "0, is {} with {}",
        op.describe(id), kLeastCellExponent, kMostCellExponent, q.scale, q.zero_point);
  }
}

}  // namespace

// The output has the hidden state's bytes, whatever its own scale says: so TensorFlow Lite Micro has it.
void check_lstm(const CheckedOp& op) {
  const auto states = states_of(op.graph, op.op);
  if (states.size() != 2) op.fail("keeps {} states, not hidden ones and cells", states.size());
  if (op.op.activation != Activation::kNone) op.fail("has a fused activation");
  const Tensor& hidden = op.graph.tensors[states[0]];
  const std::int32_t cells = hidden.shape.channels;
  if (hidden.type != DataType::kInt8 || hidden.shape != Shape{1, 1, cells} ||
      op.graph.tensors[states[1]].shape != hidden.shape) {
    op.fail("{} and {}: are not as many hidden states of int8 as cells", op.describe(states[0]),
            op.describe(states[1]));
  }
  check_cells(op, states[1]);
  const std::int32_t features = op.graph.input_of(op.op).shape.channels;
  check_gates(op, op.details.gates.input, "input weights", DataType::kInt8, {cells, features});
  check_gates(op, op.details.gates.recurrent, "recurrent weights", DataType::kInt8, {cells, cells});
  check_gates(op, op.details.gates.bias, "biases", DataType::kInt32, {cells});
  const float clip = op.details.cell_clip;
  if (!std::isfinite(clip) || clip < 0) op.fail("its cells are clipped to {}", clip);
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

// Gates are Q3.12, what follows from them is Q0.15.
double factor_of_gates(const Graph& graph, const Op& op) {
  const auto states = states_of(graph, op);
  const double hidden = scale_of(graph, states[0]);
  const double product = std::ldexp(1.0, -30);
  double most = std::max(product / hidden, product / scale_of(graph, states[1]));
  const GateConstants& gates = graph.details_of(op).gates;
  for (std::size_t gate = 0; gate < kGates; ++gate) {
    const double weight = graph.constants[gates.input[gate]].scales[0];
    const double recurrent = graph.constants[gates.recurrent[gate]].scales[0];
    most = std::max({most, std::ldexp(input_scale(graph, op) * weight, 12),
                     std::ldexp(hidden * recurrent, 12)});
  }
  return most;
}

}  // namespace mcunet::engine
