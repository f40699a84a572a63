#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mcunet/engine/graph/graph.hpp"

// The order in which a graph runs, and which operators write their result over their input. The
// planner, the kernels and the code generator all work on steps.
namespace mcunet::engine {

// A run of consecutive operators of the graph that execute as one. Several do so in bands of rows
// (row_bands.hpp).
struct Step {
  OpId first_op = 0;
  std::int32_t op_count = 1;
  std::int32_t band_rows = 1;     // of several operators: rows of the last one's output in a band
  bool reuses_rows = true;        // of several: rows take the place of those that were read last
  bool has_fast_scratch = false;  // as much as makes its kernels fastest, instead of the least
  // The output takes over the memory of an input, which is moved up first, as far as it takes to stay
  // ahead: find_overlap() in row_bands.hpp.
  bool overlaps = false;
  // The graph's input comes in rows, as this step, the first one, asks for them: it is nowhere whole.
  bool pulls_input = false;

  bool is_in_bands() const { return op_count > 1 || pulls_input; }
};

inline std::span<const Op> ops_of(const Graph& graph, const Step& step) {
  return {graph.ops.data() + step.first_op, static_cast<std::size_t>(step.op_count)};
}

// "conv_2d 3x3 /2", "conv_2d 1x1 + add": a step as people name it.
std::string describe(const Graph& graph, const Step& step);

struct ScheduleOptions {
  // A depthwise convolution reads one channel at a time, so a finished channel may overwrite its
  // input (paper, Figure 7). At stride 2 the output is compact and ends before the input does.
  bool in_place_depthwise = true;
  // An elementwise operator overwrites an operand: an addition, an activation, a reshape.
  bool in_place_elementwise = true;
  // A convolution that makes int4 of int8, as of the image, writes over what it has read of that: else an image
  // that keeps its eight bits would bind where all maps behind it take half.
  bool in_place_narrowing = true;
  // Operators that need too much memory one by one form steps that run in bands of rows
  // (streaming_schedule.hpp): as few as the least peak allows, or this limit if it is larger.
  bool streams = false;
  std::optional<std::int64_t> streaming_bytes;
  // Of a graph of one input that streams: the first step pulls its rows.
  bool pulls_input = false;
};

// Schedules by the names that users give them.
enum class SchedulePolicy {
  kTflm,  // the operators one by one, with the memory that TensorFlow Lite Micro gives them (resources.hpp)
  kOpByOp,
  kInPlace,
  kStreaming,
};
inline constexpr std::array kSchedulePolicies = {SchedulePolicy::kTflm, SchedulePolicy::kOpByOp,
                                                 SchedulePolicy::kInPlace,
                                                 SchedulePolicy::kStreaming};
std::string_view name_of(SchedulePolicy policy);
ScheduleOptions options_of(SchedulePolicy policy);

// The steps, both included, over which a tensor must keep its memory. Graph inputs live from the
// first step on, outputs up to the last.
struct Lifetime {
  std::int32_t first_step = 0;
  std::int32_t last_step = 0;
  // Made and used up within one step of several operators: the step keeps what it needs of the tensor
  // in its own scratch, and the tensor has no buffer.
  bool is_within_step = false;
  // A state that its operator changes where it is kept, beside the arena.
  bool is_kept = false;

  // Whether it lies in the arena.
  bool has_buffer() const { return !is_within_step && !is_kept; }
};

struct Schedule {
  std::vector<Step> steps;
  std::vector<Lifetime> lifetimes;  // per tensor
  // Per tensor: the tensor whose memory it takes over at the same offset, or kNoId.
  std::vector<TensorId> in_place_of;
  // Per tensor: bytes by which the one that it takes over is moved up first, by the step that makes it.
  std::vector<std::int64_t> headroom;

  // Where the tensor lies beyond its own offset while the step runs, in bytes.
  std::int64_t moved_in(const Graph& graph, const Step& step, TensorId tensor) const {
    const TensorId output = ops_of(graph, step).back().output;
    return in_place_of[output] == tensor ? headroom[output] : 0;
  }
};

// In the order of the graph; one operator a step, unless it streams. Refills `schedule`, keeping its
// memory.
void make_schedule(const Graph& graph, const ScheduleOptions& options, Schedule& schedule);
Schedule make_schedule(const Graph& graph, const ScheduleOptions& options = {});

// The same with steps that may hold several operators: together, they hold each operator of the graph
// once and in its order. A step of several overwrites nothing unless it overlaps. Throws Error for other steps.
Schedule make_schedule(const Graph& graph, std::span<const Step> steps,
                       const ScheduleOptions& options);
void make_schedule(const Graph& graph, std::span<const Step> steps, const ScheduleOptions& options,
                   Schedule& schedule);

}  // namespace mcunet::engine
