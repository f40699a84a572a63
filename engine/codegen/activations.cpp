// Steps that map one element to one, conversions among them, and softmax.
#include <fmt/format.h>

#include "codegen/step_writer.hpp"
#include "mcunet/engine/arithmetic/layer_parameters.hpp"
#include "mcunet/engine/planning/row_bands.hpp"
#include "mcunet/engine/reference/reference_executor.hpp"

namespace mcunet::engine {
namespace {

// Between float and the values of `type`.
void write_conversion_layer(StepWriter& step, const Quantization& q, DataType type) {
  step.layer(
      "mcunet_conversion_layer",
      {member("elements", step.output().elements()), ".scale = " + float_text(q.scale),
       member("zero_point", q.zero_point), member("min", type == DataType::kUint8 ? 0 : -128)});
}

std::string as_floats(const std::string& address) {
  return fmt::format("(float*)(void*)({})", address);
}

// Of rows along the channels, and their exponentials.
std::vector<std::string> row_members(const StepWriter& step, const SoftmaxParameters& p) {
  const Shape& input = step.input();
  return {member("rows", input.elements() / input.channels), member("depth", input.channels),
          member("multiplier", p.multiplier.multiplier), member("left_shift", p.multiplier.shift),
          member("min_difference", p.least_difference)};
}

}  // namespace

// The kernel takes the bytes of uint8 for int8, so those are the order of the entries; of int4 a byte is
// two values.
void write_lookup(StepWriter& step) {
  Graph one;
  const Tensor& output = step.graph().output_of(step.op());
  const Shape every_byte = step.has_int4_input() ? Shape{1, 64, 8} : Shape{1, 1, 256};
  const TensorId in = add_input(one, every_byte, step.graph().input_of(step.op()).type);
  edit_info(one, in).quantization = step.input_quantization();
  Op op = step.op();
  one.details = {step.details()};
  if (step.details().operand != kNoId) {
    one.constants = {step.graph().constants[step.details().operand]};
    one.details[0].operand = 0;
  }
  op.details = 0;
  const TensorId out = append_op(one, op, std::span(&in, 1), Tensor{every_byte, output.type});
  edit_info(one, out).quantization = step.output_quantization();
  one.outputs = {out};
  TensorBytes values;
  for (int value = -128; value < 128; ++value) values.push_back(static_cast<std::byte>(value));
  const std::vector<TensorBytes> results = execute(one, std::span(&values, 1));
  std::vector<unsigned char> table;
  for (std::byte value : results[0]) table.push_back(std::to_integer<unsigned char>(value));
  const std::string name = step.add_array("table", std::move(table));
  step.call({step.input_address(), step.output_address(),
             step.in_rows(row_bytes_of(output), output.bytes()), "(const int8_t*)" + name});
}

void write_relu(StepWriter& step) { write_lookup(step); }
void write_relu6(StepWriter& step) { write_lookup(step); }
void write_leaky_relu(StepWriter& step) { write_lookup(step); }
void write_logistic(StepWriter& step) { write_lookup(step); }
void write_tanh(StepWriter& step) { write_lookup(step); }
void write_hard_swish(StepWriter& step) { write_lookup(step); }
void write_gelu(StepWriter& step) { write_lookup(step); }
void write_elu(StepWriter& step) { write_lookup(step); }
void write_abs(StepWriter& step) { write_lookup(step); }
void write_rsqrt(StepWriter& step) { write_lookup(step); }
void write_sqrt(StepWriter& step) { write_lookup(step); }
void write_exp(StepWriter& step) { write_lookup(step); }
void write_log(StepWriter& step) { write_lookup(step); }
void write_neg(StepWriter& step) { write_lookup(step); }
void write_relu_n1_to_1(StepWriter& step) { write_lookup(step); }
void write_relu_0_to_1(StepWriter& step) { write_lookup(step); }

void write_quantize(StepWriter& step) {
  const Tensor& output = step.graph().output_of(step.op());
  if (step.graph().input_of(step.op()).type != DataType::kFloat32) return write_lookup(step);
  write_conversion_layer(step, step.output_quantization(), output.type);
  step.call({as_floats(step.input_address()), step.output_address(), "&layer"});
}

void write_dequantize(StepWriter& step) {
  const Tensor& input = step.graph().input_of(step.op());
  write_conversion_layer(step, step.input_quantization(), input.type);
  step.call({step.input_address(), as_floats(step.output_address()), "&layer"});
}

void write_softmax(StepWriter& step) {
  const SoftmaxParameters p =
      softmax_parameters(step.input_quantization().scale, step.details().beta);
  step.layer("mcunet_softmax_layer", row_members(step, p));
  step.call({step.input_address(), step.output_address(), "&layer"});
}

void write_log_softmax(StepWriter& step) {
  const LogSoftmaxParameters p = log_softmax_parameters(step.input_quantization().scale);
  std::vector<std::string> members = row_members(step, p.exponential);
  members.push_back(member("inverse_multiplier", p.inverse.multiplier));
  members.push_back(member("inverse_shift", -p.inverse.shift));
  step.layer("mcunet_log_softmax_layer", members);
  step.call({step.input_address(), step.output_address(), "&layer"});
}

}  // namespace mcunet::engine
