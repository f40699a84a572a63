// Steps that summarize: pools and reductions.
#include <fmt/format.h>

#include "codegen/loops.hpp"
#include "codegen/step_writer.hpp"
#include "mcunet/engine/arithmetic/layer_parameters.hpp"

namespace mcunet::engine {
namespace {

// The kernel that makes the result of the sums is called once they are complete.
void write_sums(StepWriter& step, const std::vector<std::string>& arguments) {
  const std::string sums = step.sums_address();
  step.call(
      {"band", std::to_string(step.input().width), std::to_string(step.input().channels), sums});
  step.statements(fmt::format("  if ({})", step.has_all_rows()));
  std::vector<std::string> all = {sums};
  all.insert(all.end(), arguments.begin(), arguments.end());
  step.call(all, 1);
}

void write_pool(StepWriter& step) {
  const int nibble = step.has_int4_input() ? 8 : 0;  // what is stored, less the value
  const Window& w = step.op().window;
  step.layer(
      "mcunet_pool2d_layer",
      {member("input_height", step.input_rows()), member("input_width", step.input().width),
       member("output_height", step.output_rows()), member("output_width", step.output().width),
       member("channels", step.input().channels), member("kernel_height", w.kernel_height),
       member("kernel_width", w.kernel_width), member("stride_height", w.stride_height),
       member("stride_width", w.stride_width), member("pad_top", step.pad_rows()),
       member("pad_left", w.padding.left), member("min", step.range().min + nibble),
       member("max", step.range().max + nibble)});
  if (step.is_accumulating()) {
    const std::int32_t pixels = step.input().height * step.input().width;
    return write_sums(step, {std::to_string(pixels), step.output_address(), "&layer"});
  }
  step.call({step.input_address(), step.output_address(), "&layer"});
}

// Axes side by side are [outer][reduced][inner]; only height and channels can be apart.
void write_sum_over_axes(StepWriter& step) {
  const auto& reduced = step.details().reduced;
  const std::int64_t sizes[] = {step.input().height, step.input().width, step.input().channels};
  std::int64_t outer = 1;
  std::int64_t count = 1;
  std::int64_t inner = 1;
  for (int axis = 0; axis < 3; ++axis) {
    if (sizes[axis] == 1) continue;
    if (reduced[axis]) {
      count *= sizes[axis];
    } else {
      (count == 1 ? outer : inner) *= sizes[axis];
    }
  }
  const QuantizedMultiplier by =
      mean_multiplier(step.input_quantization().scale, step.output_quantization().scale,
                      step.op().kind == OpKind::kMean ? count : 1);
  std::vector<std::string> members = {member("outer", outer), member("reduced", count),
                                      member("inner", inner)};
  const bool is_apart = is_mean_apart(step.graph(), step.op());
  if (is_apart) {
    members = {member("rows", sizes[0]), member("columns", sizes[1]), member("channels", sizes[2])};
  }
  members.insert(members.end(),
                 {member("input_zero_point", step.input_zero_point()),
                  member("multiplier", by.multiplier), member("shift", -by.shift),
                  output_member({step.output_quantization().zero_point, -128, 127})});
  step.layer(is_apart ? "mcunet_mean_apart_layer" : "mcunet_mean_layer", members);
  if (step.is_accumulating()) return write_sums(step, {step.output_address(), "&layer"});
  step.call({step.input_address(), step.output_address(), "&layer"});
}

void write_reduced_extremum(StepWriter& step) {
  const auto& reduced = step.details().reduced;
  const Shape& input = step.input();
  const Shape kept = {reduced[0] ? 1 : input.height, reduced[1] ? 1 : input.width,
                      reduced[2] ? 1 : input.channels};
  const Loops loops = merged({{input.height, input.width, input.channels},
                              {strides_of(input), broadcast_strides_of(kept)}});
  step.layer("mcunet_reduce_extremum_layer",
             {".sizes = " + braced(loops.sizes), ".strides = " + braced(loops.strides[1]),
              member("outputs", kept.elements())});
  step.call({step.input_address(), step.output_address(), "&layer"});
}

}  // namespace

void write_average_pool_2d(StepWriter& step) { write_pool(step); }

void write_max_pool_2d(StepWriter& step) { write_pool(step); }

void write_mean(StepWriter& step) { write_sum_over_axes(step); }
void write_sum(StepWriter& step) { write_sum_over_axes(step); }

void write_reduce_max(StepWriter& step) { write_reduced_extremum(step); }
void write_reduce_min(StepWriter& step) { write_reduced_extremum(step); }

}  // namespace mcunet::engine
