#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mcunet/engine/codegen/model_names.hpp"
#include "mcunet/engine/codegen/pixel_format.hpp"
#include "mcunet/engine/graph/graph.hpp"
#include "mcunet/engine/planning/arena.hpp"
#include "mcunet/engine/planning/schedule.hpp"

// From a graph to all that code is written from: passes, a schedule, a plan of the memory.
namespace mcunet::engine {

// What the caller of the network deals in where the file has float or uint8 at its borders.
enum class Borders {
  kCaller,  // int8: the caller converts. uint8 values are 128 more
  kInvoke,  // what the file has: model_invoke() converts, exactly as QUANTIZE and DEQUANTIZE
};

// "caller", "invoke". The second throws Error for any other name.
std::string_view name_of(Borders borders);
Borders borders_named(std::string_view name);

// The rungs of the paper's Figure 5 that can be left out, and what is done on request.
struct CompileOptions {
  // What streams may take the budget that kernels may grow into, and be faster for it.
  ScheduleOptions schedule;
  bool fuses_padding = true;  // else PAD operators run on their own
  bool specializes_kernels =
      true;  // else one kernel serves all windows; no depthwise in place then
  // For comparison: links every kernel there is, as an interpreter must (Figure 6).
  bool links_all_kernels = false;
  ScratchGrowth scratch_growth = ScratchGrowth::kWithinBudget;
  std::optional<std::int64_t> sram_budget_bytes;  // of the arena; absent: it is the least
  Borders borders = Borders::kCaller;
  bool folds_dead_channels = false;  // see dead_channels.hpp
  // Buffers in which the caller prepares the inputs: in the arena, alive together with the inputs
  // before the first step. The code hands them out by model_staging(), aligned to 8 bytes.
  std::vector<std::int64_t> staging_bytes;
  // Of an input that comes in rows: it is made of such pixels, which the caller shows. Absent: of its values.
  std::optional<PixelFormat> input_format;
  ModelNames names;  // of the files and symbols
  // Lines of a comment in the header that say what the values of input 0 are.
  std::vector<std::string> input_notes;
  // What the values of output 0 stand for, in any characters: the code has them as strings, which cost
  // no flash where the program uses none. Empty: no classifier, or its classes are not known.
  std::vector<std::string> class_names;
};

// A graph with all that is needed to generate code for it.
struct CompiledGraph {
  Graph graph;  // as the passes left it
  CompileOptions options;
  Schedule schedule;
  Arena arena;

  // Of a tensor that has a buffer, in the arena.
  std::int64_t offset_of(TensorId tensor) const {
    return arena.plan.offsets[arena.requests.tensor_buffer[tensor]];
  }
};

// The graph that code is written for: validated, after the passes. Throws Error for a graph that
// cannot be compiled with these options; whatever it returns can, so a plan that starts from it is
// one of something that compiles.
Graph prepare_graph(const Graph& graph, const CompileOptions& options = {});

// Prepares, schedules and plans the arena with the scratch accounting of our own kernels. Throws Error
// also if there are class names, but not one for each value of output 0.
CompiledGraph compile_graph(const Graph& graph, const CompileOptions& options = {});

}  // namespace mcunet::engine
