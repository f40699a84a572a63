// Steps that combine the elements of two tensors, with broadcasting.
#include <fmt/format.h>

#include "layer_parameters.hpp"
#include "mcunet/engine/shape_inference.hpp"
#include "step_writer.hpp"

namespace mcunet::engine {
namespace {

struct Operand {
  Shape shape;
  Quantization quantization;
  std::string address;
};

std::vector<Operand> operands_of(StepWriter& step) {
  const OpDetails& details = step.details();
  std::vector<Operand> result;
  for (int i = 0; i < step.op().input_count; ++i) {
    result.push_back({step.input(i), step.input_quantization(i), step.input_address(i)});
  }
  if (details.operand != kNoId) {
    const Constant& constant = step.graph().constants[details.operand];
    const auto* bytes = reinterpret_cast<const unsigned char*>(constant.data.data());
    const std::string name = step.add_array("operand", {bytes, bytes + constant.data.size()});
    const Operand fixed{shape_of_dims(constant.dims),
                        {constant.scales[0], constant.zero_point},
                        "(const int8_t*)" + name};
    result.insert(details.operand_is_first ? result.begin() : result.end(), fixed);
  }
  return result;
}

// b repeats with a period if it lacks the outer axes of the output.
bool repeats_in(const Shape& b, const Shape& out) {
  const std::int64_t elements = b.elements();
  if (elements == 1 || elements == out.elements()) return true;
  const bool is_row = b.height == 1 && b.width == out.width && b.channels == out.channels;
  const bool is_pixel = b.height == 1 && b.width == 1 && b.channels == out.channels;
  return is_row || is_pixel;
}

std::string operand_text(const Operand& side, const QuantizedMultiplier& multiplier) {
  return fmt::format("{{.zero_point = {}, .multiplier = {}, .shift = {}}}",
                     side.quantization.zero_point, multiplier.multiplier, -multiplier.shift);
}

std::vector<std::string> layer_members(const StepWriter& step, const std::vector<Operand>& sides) {
  const float first = sides[0].quantization.scale;
  const float second = sides[1].quantization.scale;
  const float out = step.output_quantization().scale;
  AdditionMultipliers by = addition_multipliers(first, second, out);
  if (step.op().kind == OpKind::kMul) by = {{}, {}, product_multiplier(first, second, out)};
  return {member("elements", step.output().elements()),
          member("period", sides[1].shape.elements()),
          fmt::format(".operands = {{{}, {}}}", operand_text(sides[0], by.first),
                      operand_text(sides[1], by.second)),
          member("multiplier", by.output.multiplier),
          member("shift", -by.output.shift),
          output_member(step.output_struct())};
}

}  // namespace

void write_elementwise(StepWriter& step) {
  std::vector<Operand> sides = operands_of(step);
  // Addition and multiplication may swap their operands; the second one is repeated.
  if (sides[0].shape.elements() != step.output().elements() && step.op().kind != OpKind::kSub) {
    std::swap(sides[0], sides[1]);
  }
  if (sides[0].shape.elements() != step.output().elements() ||
      !repeats_in(sides[1].shape, step.output())) {
    step.refuse("has no kernel for this broadcast");
  }
  const std::string function = step.op().kind == OpKind::kAdd   ? "add"
                               : step.op().kind == OpKind::kSub ? "sub"
                                                                : "mul";
  step.layer("mcunet_elementwise_layer", layer_members(step, sides));
  step.call("mcunet_" + function,
            {sides[0].address, sides[1].address, step.output_address(), "&layer"}, function + ".c");
}

}  // namespace mcunet::engine
