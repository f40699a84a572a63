// Steps that combine two tensors: their elements, with broadcasting, or matrices.
#include <fmt/format.h>

#include "codegen/loops.hpp"
#include "codegen/step_writer.hpp"
#include "mcunet/engine/arithmetic/layer_parameters.hpp"
#include "mcunet/engine/graph/activations.hpp"
#include "mcunet/engine/graph/shape_inference.hpp"
#include "mcunet/engine/planning/row_bands.hpp"
#include "mcunet/engine/reference/reference_executor.hpp"

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

std::string operand_text(const Operand& side, const QuantizedMultiplier& multiplier) {
  return fmt::format("{{.zero_point = {}, .multiplier = {}, .shift = {}}}",
                     side.quantization.zero_point, multiplier.multiplier, -multiplier.shift);
}

// As mcunet_kernels.h has them for each operator.
AdditionMultipliers factors_of(OpKind kind, float first, float second, float output) {
  if (kind == OpKind::kMul) return {{}, {}, product_multiplier(first, second, output)};
  if (kind == OpKind::kPrelu) {
    const LeakyReluMultipliers by = prelu_multipliers(first, second, output);
    return {by.positive, {}, by.negative};
  }
  if (kind == OpKind::kSquaredDifference) return difference_multipliers(first, second, output);
  return addition_multipliers(first, second, output);
}

std::vector<std::string> layer_members(const StepWriter& step, const std::vector<Operand>& sides) {
  const float first = sides[0].quantization.scale;
  const float second = sides[1].quantization.scale;
  const float out = step.output_quantization().scale;
  const AdditionMultipliers by = factors_of(step.op().kind, first, second, out);
  const std::int64_t row = std::int64_t{step.output().width} * step.output().channels;
  return {
      member("elements", step.in_rows(row)),
      member("period", sides[1].shape == step.output() ? step.in_rows(row)
                                                       : std::to_string(sides[1].shape.elements())),
      fmt::format(".operands = {{{}, {}}}", operand_text(sides[0], by.first),
                  operand_text(sides[1], by.second)),
      member("multiplier", by.output.multiplier),
      member("shift", -by.output.shift),
      output_member(step.output_struct())};
}

std::vector<std::string> broadcast_members(const StepWriter& step,
                                           const std::vector<Operand>& sides) {
  const Shape& out = step.output();
  return {nested_member("values", layer_members(step, sides)),
          fmt::format(".sizes = {{{}, {}, {}}}", out.height, out.width, out.channels),
          fmt::format(".strides = {{{}, {}}}", braced(broadcast_strides_of(sides[0].shape)),
                      braced(broadcast_strides_of(sides[1].shape)))};
}

// Two values of four bits are a table of 256, which the reference executor fills in.
void write_nibble_lookup(StepWriter& step) {
  constexpr int kValues = 16;
  Graph one;
  const Tensor every{{1, kValues * kValues / 8, 8}, DataType::kInt4};
  const TensorId inputs[] = {add_input(one, every.shape, every.type),
                             add_input(one, every.shape, every.type)};
  TensorBytes values[2];
  for (int pair = 0; pair < kValues * kValues; ++pair) {
    values[0].push_back(static_cast<std::byte>(pair / kValues - 8));
    values[1].push_back(static_cast<std::byte>(pair % kValues - 8));
  }
  for (int i = 0; i < 2; ++i) {
    edit_info(one, inputs[i]).quantization = step.input_quantization(i);
    values[i] = pack_activation(every, values[i]);
  }
  Op op = step.op();
  op.details = kNoId;
  edit_info(one, append_op(one, op, inputs, every)).quantization = step.output_quantization();
  one.outputs = {one.ops[0].output};
  std::vector<unsigned char> table;
  for (const std::byte value : unpack_activation(every, execute(one, values)[0])) {
    table.push_back(static_cast<unsigned char>(std::to_integer<std::int8_t>(value) + 8));
  }
  const std::string name = step.add_array("table", std::move(table));
  const Tensor& output = step.graph().output_of(step.op());
  step.call({step.input_address(0), step.input_address(1), step.output_address(),
             step.in_rows(row_bytes_of(output), output.bytes()), name});
}

void write_elementwise(StepWriter& step) {
  if (step.has_int4_input()) return write_nibble_lookup(step);
  std::vector<Operand> sides = operands_of(step);
  if (sides_of(step.graph(), step.op()).is_swapped) std::swap(sides[0], sides[1]);
  if (has_broadcast(step.graph(), step.op())) {
    step.layer("mcunet_broadcast_layer", broadcast_members(step, sides));
  } else {
    step.layer("mcunet_elementwise_layer", layer_members(step, sides));
  }
  step.call({sides[0].address, sides[1].address, step.output_address(), "&layer"});
}

void write_extremum(StepWriter& step) {
  const std::vector<Operand> sides = operands_of(step);
  const Shape& out = step.output();
  const Loops loops =
      merged({{out.height, out.width, out.channels},
              {broadcast_strides_of(sides[0].shape), broadcast_strides_of(sides[1].shape)}});
  step.layer(
      "mcunet_extremum_layer",
      {".sizes = " + braced(loops.sizes),
       fmt::format(".strides = {{{}, {}}}", braced(loops.strides[0]), braced(loops.strides[1]))});
  step.call({sides[0].address, sides[1].address, step.output_address(), "&layer"});
}

// How far apart matrices, their rows and their columns lie; one that repeats stays where it is.
Strides matrix_strides_of(const Shape& shape) {
  Strides strides = strides_of(shape);
  if (shape.height == 1) strides[0] = 0;
  return strides;
}

}  // namespace

void write_add(StepWriter& step) { write_elementwise(step); }
void write_sub(StepWriter& step) { write_elementwise(step); }
void write_mul(StepWriter& step) { write_elementwise(step); }

void write_batch_matmul(StepWriter& step) {
  const std::vector<Operand> sides = operands_of(step);
  const QuantizedMultiplier by = matrix_multiplier(
      sides[0].quantization.scale, sides[1].quantization.scale, step.output_quantization().scale);
  Strides second = matrix_strides_of(sides[1].shape);
  if (step.details().is_transposed) std::swap(second[1], second[2]);
  step.layer(
      "mcunet_batch_matmul_layer",
      {member("matrices", step.output().height), member("rows", step.output().width),
       member("depth", sides[0].shape.channels), member("columns", step.output().channels),
       member("stride", matrix_strides_of(sides[0].shape)[0]), ".strides = " + braced(second),
       fmt::format(".zero_points = {{{}, {}}}", sides[0].quantization.zero_point,
                   sides[1].quantization.zero_point),
       member("multiplier", by.multiplier), member("shift", -by.shift),
       output_member(step.output_struct())});
  step.call({sides[0].address, sides[1].address, step.output_address(), "&layer",
             step.scratch_address()});
}

void write_squared_difference(StepWriter& step) { write_elementwise(step); }
void write_prelu(StepWriter& step) {
  if (step.kernel() == "lookup") return write_lookup(step);
  write_elementwise(step);
}

void write_maximum(StepWriter& step) { write_extremum(step); }
void write_minimum(StepWriter& step) { write_extremum(step); }

}  // namespace mcunet::engine
