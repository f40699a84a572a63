#include "mcunet/engine/planning/resources.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "planning/tflm_memory.hpp"

namespace mcunet::engine {
bool fits(const Resources& resources, const Budget& budget) {
  return (!budget.sram_bytes || resources.peak_sram_bytes <= *budget.sram_bytes) &&
         (!budget.flash_bytes || resources.flash_bytes <= *budget.flash_bytes) &&
         (!budget.latency_ms || resources.latency_ms <= *budget.latency_ms) &&
         (!budget.energy_mj || resources.energy_mj <= *budget.energy_mj);
}

std::vector<std::string> describe_excess(const Resources& resources, const Budget& budget) {
  std::vector<std::string> excess;
  const auto compare = [&](const char* name, auto value, const auto& limit, const char* unit) {
    if (limit && value > *limit) {
      excess.push_back(fmt::format("{} {} of {} {}", name, value, *limit, unit));
    }
  };
  compare("SRAM", resources.peak_sram_bytes, budget.sram_bytes, "bytes");
  compare("flash", resources.flash_bytes, budget.flash_bytes, "bytes");
  compare("latency", resources.latency_ms, budget.latency_ms, "ms");
  compare("energy", resources.energy_mj, budget.energy_mj, "mJ");
  return excess;
}

ResourceOracle::ResourceOracle(const OracleOptions& options) : options_(options) {
  if (options_.schedule != SchedulePolicy::kTflm) return;
  options_.scratch = ScratchPolicy::kTflm;
  options_.planner = kTflmPlanner;
}

// Of the schedule.
const MemoryPlan& ResourceOracle::plan_memory_of(const Graph& graph) {
  request_memory(graph, schedule_, options_.scratch, requests_);
  const std::int32_t height = graph.tensors[graph.inputs[0]].shape.height;
  const auto staging =
      std::find_if(options_.staging.begin(), options_.staging.end(),
                   [&](const InputStaging& some) { return some.input_height == height; });
  is_staged_ = staging != options_.staging.end();
  if (!is_staged_) return planner_.plan(requests_.buffers, options_.planner);
  staged_buffers_ = with_staging(graph, requests_, staging->bytes);
  PlannerOptions planner = options_.planner;
  planner.alignment = kStagingAlignment;
  return planner_.plan(staged_buffers_, planner);
}

Resources ResourceOracle::measure(const Graph& graph) {
  ScheduleOptions options = options_of(options_.schedule);
  options.pulls_input = options_.pulls_input;
  options.streaming_bytes = options_.streaming_bytes;
  if (options.streams) {
    const auto arena_bytes = [&](std::span<const Step> steps) {
      make_schedule(graph, steps, options, schedule_);
      return plan_memory_of(graph).arena_bytes;
    };
    const StreamingPlan& plan = options_.settles_steps
                                    ? scheduler_.schedule_in_arena(graph, options, arena_bytes)
                                    : scheduler_.find_least(graph, options);
    make_schedule(graph, plan.steps, options, schedule_);
  } else {
    make_schedule(graph, options, schedule_);
  }
  plan_ = &plan_memory_of(graph);

  Resources resources;
  const std::int64_t beside_arena = requests_.fixed_bytes + graph.state_bytes();
  resources.peak_sram_bytes = plan_->arena_bytes + beside_arena;
  resources.lower_bound_bytes = plan_->lower_bound_bytes + beside_arena;
  resources.is_optimal = plan_->is_optimal;

  flash_ = estimate_flash(graph, schedule_, options_.core);
  flash_.code += options_.application_bytes;
  resources.flash_bytes = flash_.total();
  double cycles = 0;
  for (const Op& op : graph.ops) {
    const OpCost cost = cost_of(graph, op);
    resources.macs += cost.macs;
    resources.params += cost.params;
    cycles += options_.latency.cycles(layer_shape_of(graph, op));
  }
  resources.latency_ms = options_.latency.milliseconds(cycles);
  resources.latency_ms_low = options_.latency.least_milliseconds(cycles);
  resources.latency_ms_high = options_.latency.most_milliseconds(cycles);
  resources.energy_mj = resources.latency_ms * options_.latency.power_mw * 1e-3;
  return resources;
}

}  // namespace mcunet::engine
