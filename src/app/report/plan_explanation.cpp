#include "plan_explanation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "mcunet/engine/planning/row_bands.hpp"

namespace mcunet::report {
namespace {

using engine::Graph;
using engine::ResourceOracle;
using engine::SchedulePolicy;
using engine::Step;

std::string describe(const engine::Shape& shape) {
  return fmt::format("{}x{}x{}", shape.height, shape.width, shape.channels);
}

std::string compare_schedules(const Graph& graph) {
  const bool is_narrow = std::any_of(
      graph.tensors.begin(), graph.tensors.end(),
      [](const engine::Tensor& tensor) { return tensor.type == engine::DataType::kInt4; });
  std::string text =
      "Least SRAM by schedule, with the scratch of this engine's kernels, of tflm with CMSIS-NN's:\n";
  for (const SchedulePolicy policy : engine::kSchedulePolicies) {
    if (policy == SchedulePolicy::kTflm && is_narrow) continue;  // it has none of four bits
    ResourceOracle oracle({.schedule = policy, .scratch = engine::ScratchPolicy::kOwn});
    fmt::format_to(std::back_inserter(text), "  {:<10} {:>9} bytes\n", engine::name_of(policy),
                   oracle.measure(graph).peak_sram_bytes);
  }
  return text;
}

std::string describe_bands(const Graph& graph, std::size_t index, const Step& step) {
  const engine::RowBands bands = engine::plan_row_bands(graph, step);
  std::string text =
      fmt::format("Step {} runs {} operators in {} bands, {} rows of its {} each:\n", index,
                  step.op_count, bands.end_band, step.band_rows,
                  accumulates(graph, ops_of(graph, step).back()) ? "last input" : "output");
  const auto add = [&](const std::string& name, const engine::Tensor& tensor,
                       const engine::BandStage& stage) {
    const std::string rows =
        stage.is_whole ? "whole          "
                       : fmt::format("{:>3} of {:>3} rows", stage.held_rows, tensor.shape.height);
    const std::string memory =
        stage.reuse == engine::RowReuse::kNone
            ? fmt::format("{:>8} bytes", engine::row_bytes_of(tensor) * stage.held_rows)
            : "      in place";
    fmt::format_to(std::back_inserter(text), "  {:<28} {:>12}  {} {}\n", name,
                   describe(tensor.shape), rows, memory);
  };
  if (bands.input) add("input", graph.tensors[graph.inputs[0]], *bands.input);
  for (std::int32_t i = 0; i < step.op_count; ++i) {
    const engine::Op& op = graph.ops[step.first_op + i];
    add(engine::describe(op), graph.output_of(op), bands.stages[i]);
  }
  return text;
}

std::string describe_peak(const Graph& graph, const ResourceOracle& oracle) {
  const auto live = oracle.live_bytes();
  const auto most = std::max_element(live.begin(), live.end());
  const auto index = static_cast<std::int32_t>(most - live.begin());
  const engine::Schedule& schedule = oracle.schedule();
  std::string text = fmt::format("Step {} needs the most, {} bytes of the arena:\n", index, *most);
  for (std::size_t id = 0; id < graph.tensors.size(); ++id) {
    const engine::Lifetime& lifetime = schedule.lifetimes[id];
    if (!lifetime.has_buffer() || lifetime.first_step > index || lifetime.last_step < index) {
      continue;
    }
    const engine::TensorId source = schedule.in_place_of[id];
    const bool takes_over = source != engine::kNoId && lifetime.first_step == index;
    fmt::format_to(std::back_inserter(text), "  tensor {:<3} {:>12} {:>9} bytes{}\n", id,
                   describe(graph.tensors[id].shape), graph.tensors[id].bytes(),
                   takes_over ? fmt::format(", in place of {}", source) : "");
  }
  const std::int32_t scratch = oracle.requests().step_scratch_buffer[index];
  if (scratch != engine::kNoId) {
    fmt::format_to(std::back_inserter(text), "  {:<23} {:>9} bytes\n",
                   schedule.steps[index].is_in_bands() ? "held rows and scratch" : "scratch",
                   oracle.requests().buffers[scratch].size_bytes);
  }
  return text;
}

}  // namespace

std::string explain_plan(const Graph& graph, const ResourceOracle& oracle) {
  std::string text = compare_schedules(graph);
  const std::vector<Step>& steps = oracle.schedule().steps;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].is_in_bands()) text += describe_bands(graph, i, steps[i]);
  }
  return text + describe_peak(graph, oracle);
}

}  // namespace mcunet::report
