#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "mcunet/engine/planning/schedule.hpp"

// Which operators form a step that runs in bands of rows, so that a network needs the least memory.
namespace mcunet::engine {

struct StreamingPlan {
  std::vector<Step> steps;
  std::int64_t least_bytes = 0;  // no division into steps has less alive in its largest one
  std::int64_t peak_bytes = 0;   // of these steps
  double instructions = 0;       // band_instructions of all steps
};

// Chooses the steps of one graph after another, keeping its working memory in between.
//
//   1. Two cuts in the order of the operators make a step: of one operator, which may overwrite its
//      input, or of several in bands. Its bytes are all that is alive in it: what it reads or leaves to
//      later steps, what it holds of tensors in between, and the scratch of its kernels. Its output may
//      follow an input of its first operator through memory (find_overlap).
//   2. best[j] = min over i of max(best[i], bytes(i, j)): the least peak with a cut before operator j.
//      All steps that end at j are measured in one walk from j towards the beginning, which ends where
//      those that are longer cannot be better. This is the optimum over all divisions into such steps
//      with bands of one row.
//   3. Of all divisions that keep to that peak, or to a larger limit, the one that costs the fewest
//      instructions beside those of its operators, in the same way: each step in bands as high, and with as much
//      scratch, as pays within the limit.
//   4. Buffers may leave gaps, so that an arena is larger than the peak. Cheaper steps, which leave less room, are
//      therefore tried in arenas.
class StreamingScheduler {
 public:
  StreamingScheduler();
  ~StreamingScheduler();
  StreamingScheduler(StreamingScheduler&&) noexcept;
  StreamingScheduler& operator=(StreamingScheduler&&) noexcept;

  // Throw Error if the input is to come in rows, and cannot.

  // The cheapest steps of which none has more alive than the limit, or than the least peak if that is higher.
  const StreamingPlan& schedule(const Graph& graph, const ScheduleOptions& options);

  // Of those that have an arena within the limit the cheapest, or else those with the least arena.
  // `arena_bytes` plans one.
  using ArenaBytes = std::function<std::int64_t(std::span<const Step>)>;
  const StreamingPlan& schedule_in_arena(const Graph& graph, const ScheduleOptions& options,
                                         const ArenaBytes& arena_bytes);

  // Only 1 and 2, for whoever asks what many networks need: of the steps with the least peak those that leave
  // the most room.
  const StreamingPlan& find_least(const Graph& graph, const ScheduleOptions& options);

 private:
  class Search;
  void measure(const Graph& graph, const ScheduleOptions& options);
  void settle_bands(const Graph& graph, const ScheduleOptions& options);

  std::unique_ptr<Search> search_;
  StreamingPlan plan_;
};

// Bytes alive in a step of the division: see above.
std::int64_t live_bytes_of_step(const Graph& graph, const Step& step,
                                const ScheduleOptions& options);

// Instructions that bands of so many rows cost beside those of the operators, an estimate for a core
// with the DSP extension: rows gathered again, weights widened again, rows moved, calls.
double band_instructions(const Graph& graph, const Step& step);

}  // namespace mcunet::engine
