#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "html_page.hpp"
#include "mcunet/engine/planning/resources.hpp"

// What a memory plan looks like: step by step, block by block, and as a map of offsets over time.
namespace mcunet::report {

struct StepUse {
  std::string op;      // "conv_2d 3x3 /2"
  std::string output;  // "112x112x32"
  std::int32_t block = 0;
  std::int64_t macs = 0;
  std::int64_t activation_bytes = 0;  // tensors alive
  std::int64_t scratch_bytes = 0;     // what this step's kernel needs
  std::int64_t total_bytes = 0;       // tensors and scratch, as the schedule counts them
  bool is_peak = false;
};

// Of the graph that the oracle measured last; the preparation of its input first, if that needs the
// arena.
std::vector<StepUse> describe_steps(const engine::Graph& graph,
                                    const engine::ResourceOracle& oracle);

// The largest activation_bytes of each block (paper, Figure 11).
std::vector<std::int64_t> block_peaks(const std::vector<StepUse>& steps);

// The map for a terminal: a column per step, rows of equal bytes, a letter per buffer, # for
// scratch.
std::string draw_memory_map(const engine::ResourceOracle& oracle, int rows);

struct PlanReportContext {
  std::string network_name;
  engine::Resources resources;
  engine::Budget budget;  // empty without a device
  std::string note = {};  // what else is known of the network's memory; may be empty
};

// Adds the memory map, the peak of each block and the table of steps to a page; the plots' files go to
// the folder.
void add_plan(HtmlPage& page, const engine::Graph& graph, const engine::ResourceOracle& oracle,
              const PlanReportContext& context, const std::filesystem::path& folder);

// Writes FOLDER/index.html, a page of that alone.
void write_plan_report(const engine::Graph& graph, const engine::ResourceOracle& oracle,
                       const PlanReportContext& context, const std::filesystem::path& folder);

}  // namespace mcunet::report
