// Steps that map one element to one, conversions among them, and softmax.
#include <fmt/format.h>

#include "arithmetic/layer_parameters.hpp"
#include "codegen/step_writer.hpp"
#include "mcunet/engine/reference/reference_executor.hpp"

namespace mcunet::engine {

// A function of one value is a table, which the reference executor fills in. The kernel takes the
// bytes of uint8 for int8, so those are the order of the entries.
void write_lookup(StepWriter& step) {
  Graph one;
  const TensorId in = add_input(one, {1, 1, 256}, step.graph().input_of(step.op()).type);
  edit_info(one, in).quantization = step.input_quantization();
  Op op = step.op();
  op.details = kNoId;
  const TensorId out = append_op(one, op, std::span(&in, 1),
                                 Tensor{{1, 1, 256}, step.graph().output_of(step.op()).type});
  edit_info(one, out).quantization = step.output_quantization();
  one.outputs = {out};
  TensorBytes values;
  for (int value = -128; value < 128; ++value) values.push_back(static_cast<std::byte>(value));
  const std::vector<TensorBytes> results = execute(one, std::span(&values, 1));
  std::vector<unsigned char> table;
  for (std::byte value : results[0]) table.push_back(std::to_integer<unsigned char>(value));
  const std::string name = step.add_array("table", std::move(table));
  step.call("mcunet_lookup",
            {step.input_address(), step.output_address(), std::to_string(step.output().elements()),
             "(const int8_t*)" + name},
            "lookup.c");
}

void write_conversion(StepWriter& step) {
  const bool to_float = step.op().kind == OpKind::kDequantize;
  const Graph& graph = step.graph();
  if (!to_float && graph.input_of(step.op()).type != DataType::kFloat32) return write_lookup(step);
  const Quantization& q = to_float ? step.input_quantization() : step.output_quantization();
  const Tensor& quantized = to_float ? graph.input_of(step.op()) : graph.output_of(step.op());
  step.layer("mcunet_conversion_layer",
             {member("elements", step.output().elements()), ".scale = " + float_text(q.scale),
              member("zero_point", q.zero_point),
              member("min", quantized.type == DataType::kUint8 ? 0 : -128)});
  const auto as_float = [](const std::string& address) {
    return fmt::format("(float*)(void*)({})", address);
  };
  if (to_float) {
    step.call("mcunet_dequantize",
              {step.input_address(), as_float(step.output_address()), "&layer"}, "dequantize.c");
  } else {
    step.call("mcunet_quantize", {as_float(step.input_address()), step.output_address(), "&layer"},
              "quantize.c");
  }
}

void write_softmax(StepWriter& step) {
  const SoftmaxParameters p =
      softmax_parameters(step.input_quantization().scale, step.details().beta);
  const Shape& input = step.input();
  step.layer(
      "mcunet_softmax_layer",
      {member("rows", input.elements() / input.channels), member("depth", input.channels),
       member("multiplier", p.multiplier.multiplier), member("left_shift", p.multiplier.shift),
       member("min_difference", p.least_difference)});
  step.call("mcunet_softmax", {step.input_address(), step.output_address(), "&layer"}, "softmax.c");
}

}  // namespace mcunet::engine
