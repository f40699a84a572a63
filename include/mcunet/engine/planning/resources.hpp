#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mcunet/engine/graph/activations.hpp"
#include "mcunet/engine/graph/graph.hpp"
#include "mcunet/engine/planning/memory_planner.hpp"
#include "mcunet/engine/planning/memory_requests.hpp"
#include "mcunet/engine/planning/schedule.hpp"
#include "mcunet/engine/planning/streaming_schedule.hpp"
#include "mcunet/engine/timing/latency_model.hpp"

// What a network costs on a device, and what a device has to give: the constraint oracle of the
// search.
namespace mcunet::engine {

struct Resources {
  std::int64_t peak_sram_bytes = 0;    // arena, kernel scratch, state between inferences
  std::int64_t lower_bound_bytes = 0;  // no plan of this schedule can have a lower peak
  std::int64_t flash_bytes = 0;        // weights, biases, quantization constants, code
  std::int64_t macs = 0;
  std::int64_t params = 0;     // as training frameworks count them
  double latency_ms = 0;       // an estimate: this one is compared, in budgets and by the search
  double latency_ms_low = 0;   // of the core alone
  double latency_ms_high = 0;  // with all that its memory may make it wait
  double energy_mj = 0;
  bool is_optimal = false;  // the peak is proven to be the least of this schedule
};

// Limits; an absent one does not bind.
struct Budget {
  std::optional<std::int64_t> sram_bytes;
  std::optional<std::int64_t> flash_bytes;
  std::optional<double> latency_ms;
  std::optional<double> energy_mj;
};

bool fits(const Resources& resources, const Budget& budget);

// The limits that a network exceeds, in words: "SRAM 524288 of 327680 bytes". Empty if it fits.
std::vector<std::string> describe_excess(const Resources& resources, const Budget& budget);

// Cores whose code differs in size.
enum class CodeCore : std::uint8_t { kCortexM0plus, kCortexM3, kCortexM4, kCortexM33, kCortexM7 };
inline constexpr std::size_t kCodeCores = 5;

// Bytes of flash, part by part, before anything is linked. What kernels read is counted as it is packed
// for them; their code as a compiler made it (planning/kernels.inc); that of steps and of the firmware
// around the network is an estimate.
struct FlashEstimate {
  std::int64_t weights = 0;       // each as wide as its type, int8 where there is none yet
  std::int64_t biases = 0;        // int32 per channel
  std::int64_t quantization = 0;  // multipliers, shifts, tables, and what packing adds
  std::int64_t code = 0;  // start-up, console, each kernel that is called, steps, what a job adds

  std::int64_t constants() const { return weights + biases + quantization; }
  std::int64_t total() const { return constants() + code; }
};

FlashEstimate estimate_flash(const Graph& graph, const Schedule& schedule, CodeCore core);
// One operator a step.
FlashEstimate estimate_flash(const Graph& graph, CodeCore core = CodeCore::kCortexM7);

// What the caller keeps in the arena while it prepares the input: a clip of sound, say, of which
// features are made. See with_staging().
struct InputStaging {
  std::int32_t input_height = 0;  // of the graphs that need it
  std::vector<std::int64_t> bytes;
};

struct OracleOptions {
  SchedulePolicy schedule = SchedulePolicy::kInPlace;
  // Of the schedule tflm it is that library's in any case, as is its planner.
  ScratchPolicy scratch = ScratchPolicy::kTinyEngine;
  bool pulls_input = false;  // see ScheduleOptions, as of the limit
  std::optional<std::int64_t> streaming_bytes;
  // The steps of what streams are those that are compiled; else any with the least peak, found faster.
  bool settles_steps = true;
  PlannerOptions planner;
  LatencyModel latency;
  CodeCore core = CodeCore::kCortexM7;
  std::int64_t application_bytes =
      0;  // of flash, for code around the network that not every one has
  std::vector<InputStaging> staging;  // at most one per height
  // Of networks that are not quantized yet. An oracle measures graphs as they are: whoever lowers a
  // network for it calls set_bit_widths, and keep_first_and_last if these are to keep weights of 8 bits.
  BitWidths widths;
  bool keep_first_last = false;
};

// Schedules and plans one graph after another, keeping its working memory in between; an oracle per
// thread. The parts of the last answer can be looked at.
class ResourceOracle {
 public:
  explicit ResourceOracle(const OracleOptions& options);

  Resources measure(const Graph& graph);

  const OracleOptions& options() const { return options_; }
  const Schedule& schedule() const { return schedule_; }
  const MemoryRequests& requests() const { return requests_; }
  const MemoryPlan& plan() const { return *plan_; }
  const FlashEstimate& flash() const { return flash_; }
  // Bytes of the arena alive per step.
  std::span<const std::int64_t> live_bytes() const {
    return planner_.live_bytes().subspan(is_staged_ ? 1 : 0);
  }
  // Bytes of the arena alive before the first step, if the input is prepared there; else 0.
  std::int64_t staging_live_bytes() const { return is_staged_ ? planner_.live_bytes()[0] : 0; }

 private:
  const MemoryPlan& plan_memory_of(const Graph& graph);

  OracleOptions options_;
  StreamingScheduler scheduler_;
  Schedule schedule_;
  MemoryRequests requests_;
  MemoryPlanner planner_;
  std::vector<BufferRequest> staged_buffers_;
  bool is_staged_ = false;
  const MemoryPlan* plan_ = nullptr;
  FlashEstimate flash_;
};

}  // namespace mcunet::engine
