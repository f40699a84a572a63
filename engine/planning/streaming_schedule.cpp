#include "mcunet/engine/planning/streaming_schedule.hpp"

#include <algorithm>
#include <limits>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/operator_table.hpp"
#include "mcunet/engine/graph/weights.hpp"
#include "mcunet/engine/planning/arena.hpp"
#include "mcunet/engine/planning/row_bands.hpp"
#include "planning/kernel_scratch.hpp"
#include "planning/step_costs.hpp"

namespace mcunet::engine {
namespace {

constexpr std::int64_t kInfinite = std::numeric_limits<std::int64_t>::max();

// Why no step can pull the rows of the input.
std::string obstacle_to_rows(const Graph& graph) {
  for (const Op& op : graph.ops) {
    const std::span<const TensorId> inputs = graph.inputs_of(op);
    const bool reads = std::find(inputs.begin(), inputs.end(), graph.inputs[0]) != inputs.end();
    if (reads && !works_in_bands(graph, op)) return describe(op) + " needs all of it at once";
  }
  return "its readers do not go through it side by side";
}

}  // namespace

// One graph at a time.
class StreamingScheduler::Search {
 public:
  void begin(const Graph& graph, const ScheduleOptions& options);
  // The least peak. Fills best_ and from_.
  std::int64_t find_least_peak();
  // Steps of the fewest instructions of which none has more bytes.
  void find_cheapest(std::int64_t limit, const ScheduleOptions& options);
  // Those found last.
  void take_steps(std::vector<Step>& steps) const;
  // Of a step of one operator that is in no bands.
  std::int64_t bytes_alone(const Step& step) const {
    const Facts& facts = facts_[step.first_op];
    return (step.overlaps ? facts.overlapping_bytes : facts.alone_bytes) +
           (step.has_fast_scratch ? facts.more_scratch : 0);
  }

 private:
  struct Facts {
    RowWindow window;
    bool works_in_bands = false;
    std::int32_t height = 0;             // of the output, or of what is accumulated
    std::int64_t sum_bytes = 0;          // if it accumulates
    std::int64_t bytes = 0;              // of the output, aligned
    std::int64_t alone_bytes = 0;        // alive in the step if it has no other operator
    std::int64_t overlapping_bytes = 0;  // and if its output then follows its input
    std::int64_t more_scratch = 0;       // of its kernel, alone, where it is fastest
    RowReuse reuse = RowReuse::kNone;
  };
  struct Pace {
    std::int32_t walk = 0;  // in which it was found, so that nothing has to be cleared
    std::int32_t rows_per_band = 0;
    std::int32_t lead = 0;
    std::int32_t kept = 0;
    bool is_consistent = true;
    OpId only_reader = kNoId;  // within the step
    bool takes_rows = false;   // its rows lie where an input's do
  };
  struct Measured {
    std::int64_t bytes = 0;  // in bands of one row, with the least scratch
    bool overlaps = false;
  };

  // Calls visit(i, measured) for all steps i … end - 1, from the shortest on, until it returns false, given
  // a bound below the bytes of what is longer: go_on(bound).
  template <typename GoOn, typename Visit>
  void visit_steps_to(std::int32_t end, GoOn go_on, Visit visit);
  // Of what lies before `end`; cuts that do not matter count as if there were too much.
  template <typename Matters>
  void find_least_live(std::int32_t end, Matters matters);
  void demand(OpId reader);
  Overlap find_overlap_of(OpId first, std::int32_t end) const;
  std::int64_t hold_rows(TensorId tensor, std::int32_t end);
  HeldRows rows_of(TensorId tensor) const;
  std::int64_t held_bytes(TensorId tensor) const;
  // Whether nobody after the step that ends there reads what the operator makes.
  bool is_within(OpId op, std::int32_t end) const {
    return op != end - 1 && last_use_[graph_->ops[op].output] < end;
  }
  Step step_of(std::int32_t begin, std::int32_t end, bool overlaps) const {
    return {.first_op = begin,
            .op_count = end - begin,
            .reuses_rows = reuses_rows_,
            .overlaps = overlaps,
            .pulls_input = begin == 0 && pulled_ != kNoId};
  }

  const Graph* graph_ = nullptr;
  std::vector<Facts> facts_;
  std::vector<std::int64_t> live_at_;  // per cut: of tensors that are made before and used after it
  std::vector<std::int64_t> least_live_;  // of the cuts up to it that may do better
  std::vector<std::int64_t> row_bytes_;   // per tensor
  std::vector<std::int32_t> last_use_;    // per tensor: by which operator; their number for outputs
  std::vector<Pace> paces_;               // per tensor
  std::int32_t walk_ = 0;
  bool reuses_rows_ = true;
  TensorId pulled_ = kNoId;  // the graph's input, if it comes in rows
  std::vector<std::int64_t> best_;
  std::vector<double> cost_;
  std::vector<Step> step_to_;  // per cut: the best one that ends there
  Schedule alone_;
};

void StreamingScheduler::Search::begin(const Graph& graph, const ScheduleOptions& options) {
  graph_ = &graph;
  const auto count = static_cast<std::int32_t>(graph.ops.size());
  make_schedule(graph, one_by_one(options), alone_);
  facts_.resize(graph.ops.size());
  live_at_.assign(graph.ops.size() + 1, 0);
  paces_.assign(graph.tensors.size(), {});
  walk_ = 0;
  last_use_.resize(graph.tensors.size());
  row_bytes_.resize(graph.tensors.size());
  for (std::size_t id = 0; id < graph.tensors.size(); ++id) {
    last_use_[id] = alone_.lifetimes[id].last_step;
    row_bytes_[id] = row_bytes_of(graph.tensors[id]);
  }
  for (const TensorId output : graph.outputs) last_use_[output] = count;
  const auto add_live = [&](std::int32_t first_cut, std::int32_t last_cut, std::int64_t bytes) {
    for (std::int32_t cut = first_cut; cut <= last_cut; ++cut) live_at_[cut] += bytes;
  };
  // Other kernels than those that work in place may be called.
  reuses_rows_ = options.in_place_depthwise && options.in_place_elementwise;
  pulled_ = options.pulls_input ? graph.inputs[0] : kNoId;
  for (const TensorId input : graph.inputs) {
    if (input == pulled_ || alone_.lifetimes[input].is_kept) continue;
    add_live(0, last_use_[input], aligned(graph.tensors[input].bytes()));
  }
  for (OpId id = 0; id < count; ++id) {
    const Op& op = graph.ops[id];
    const Tensor& output = graph.output_of(op);
    Facts& facts = facts_[id];
    facts.window = row_window_of(graph, op);
    facts.works_in_bands = mcunet::engine::works_in_bands(graph, op);
    facts.reuse = reuses_rows_ ? row_reuse_of(graph, op) : RowReuse::kNone;
    facts.height = band_height(graph, op);
    facts.sum_bytes = facts.works_in_bands && accumulates(graph, op) ? sum_bytes_of(graph, op) : 0;
    facts.bytes = aligned(output.bytes());
    add_live(id + 1, last_use_[op.output], facts.bytes);
  }
  for (OpId id = 0; id < count; ++id) {
    const Op& op = graph.ops[id];
    const TensorId overwritten = alone_.in_place_of[op.output];
    const std::int64_t shared =
        overwritten == kNoId
            ? 0
            : std::min(facts_[id].bytes, aligned(graph.tensors[overwritten].bytes()));
    const std::int64_t both =
        live_at_[id] + facts_[id].bytes + aligned(least_scratch_bytes(graph, op));
    facts_[id].alone_bytes = both - shared;
    facts_[id].overlapping_bytes = both;
    if (!overwrites_rows(graph, op)) continue;
    paces_[op.output] = {++walk_, 1, 0, 0, true};
    demand(id);
    facts_[id].overlapping_bytes -= find_overlap_of(id, id + 1).saved_bytes;
  }
  least_live_.assign(graph.ops.size() + 1, 0);
}

template <typename Matters>
void StreamingScheduler::Search::find_least_live(std::int32_t end, Matters matters) {
  std::int64_t least = kInfinite / 2;
  for (std::int32_t cut = 0; cut < end; ++cut) {
    if (matters(cut)) least = std::min(least, live_at_[cut]);
    least_live_[cut] = least;
  }
}

// Of what an operator reads, for its own pace; as in plan_row_bands.
void StreamingScheduler::Search::demand(OpId reader) {
  const Pace pace = paces_[graph_->ops[reader].output];
  const RowWindow& window = facts_[reader].window;
  const std::int32_t next = window.stride * pace.lead - window.pad;
  const Pace needed{
      walk_, window.stride * pace.rows_per_band, next + window.span - window.stride, next, true,
      reader};
  for (const TensorId input : graph_->inputs_of(graph_->ops[reader])) {
    Pace& source = paces_[input];
    const bool is_repeated = repeats_input(*graph_, graph_->ops[reader], input);
    if (source.walk != walk_) {
      source = needed;
      source.is_consistent = !is_repeated;
      continue;
    }
    source.is_consistent &= !is_repeated && source.rows_per_band == needed.rows_per_band;
    if (source.only_reader != reader) source.only_reader = kNoId;
    source.lead = std::max(source.lead, needed.lead);
    source.kept = std::min(source.kept, needed.kept);
  }
}

HeldRows StreamingScheduler::Search::rows_of(TensorId tensor) const {
  const Pace& pace = paces_[tensor];
  return {pace.rows_per_band, pace.lead, std::min(pace.kept, pace.lead)};
}

std::int64_t StreamingScheduler::Search::held_bytes(TensorId tensor) const {
  const std::int32_t height = graph_->tensors[tensor].shape.height;
  return aligned(row_bytes_[tensor] * std::min(height, rows_of(tensor).count()));
}

// As in plan_row_bands: the bytes that the step holds more with the tensor's rows, in the memory of which those of
// its only reader may lie. They are never below 0, as no rows take more than those whose place they take.
std::int64_t StreamingScheduler::Search::hold_rows(TensorId tensor, std::int32_t end) {
  const std::int64_t bytes = held_bytes(tensor);
  const OpId reader = paces_[tensor].only_reader;
  if (reader == kNoId || facts_[reader].reuse == RowReuse::kNone || !is_within(reader, end)) {
    return bytes;
  }
  const TensorId output = graph_->ops[reader].output;
  if (paces_[output].takes_rows ||
      !takes_rows(facts_[reader].reuse, graph_->tensors[tensor], rows_of(tensor),
                  graph_->tensors[output], rows_of(output))) {
    return bytes;
  }
  paces_[output].takes_rows = true;
  return bytes - held_bytes(output);
}

// As find_overlap in row_bands.cpp, of a step in bands of one row.
Overlap StreamingScheduler::Search::find_overlap_of(OpId first, std::int32_t end) const {
  Overlap best;
  if (facts_[end - 1].sum_bytes > 0) return best;
  const std::span<const TensorId> read_last = graph_->inputs_of(graph_->ops[end - 1]);
  for (const TensorId input : graph_->inputs_of(graph_->ops[first])) {
    const Pace& pace = paces_[input];
    if (input == pulled_ || last_use_[input] >= end || !pace.is_consistent) continue;
    const RowTraffic traffic{
        .output_height = facts_[end - 1].height,
        .output_row_bytes = row_bytes_[graph_->ops[end - 1].output],
        .input_rows_per_band = pace.rows_per_band,
        .input_kept = pace.kept,
        .input_height = graph_->tensors[input].shape.height,
        .input_row_bytes = row_bytes_[input],
        .is_read_last = std::find(read_last.begin(), read_last.end(), input) != read_last.end()};
    const Overlap overlap = overlap_of(input, traffic);
    if (overlap.saved_bytes > best.saved_bytes) best = overlap;
  }
  return best;
}

template <typename GoOn, typename Visit>
void StreamingScheduler::Search::visit_steps_to(std::int32_t end, GoOn go_on, Visit visit) {
  const Facts& last = facts_[end - 1];
  if (end > 1 || pulled_ == kNoId) {
    visit(end - 1, Measured{.bytes = last.alone_bytes});
    if (last.overlapping_bytes < last.alone_bytes) {
      visit(end - 1, Measured{.bytes = last.overlapping_bytes, .overlaps = true});
    }
  }
  paces_[graph_->ops[end - 1].output] = {++walk_, 1, 0, 0, true};
  std::int64_t held = 0;  // of what the step makes
  std::int64_t scratch = 0;
  for (OpId id = end - 1; id >= std::max(end - kMostBandOps, 0); --id) {
    const Facts& facts = facts_[id];
    const TensorId output = graph_->ops[id].output;
    const Pace& pace = paces_[output];
    if (!facts.works_in_bands || pace.walk != walk_ || !pace.is_consistent) return;
    if (facts.sum_bytes > 0 && id != end - 1) return;
    held += facts.sum_bytes;
    if (is_within(id, end)) {
      held += hold_rows(output, end);
    } else {
      held += facts.bytes;
    }
    scratch = std::max(scratch,
                       aligned(least_scratch_bytes(*graph_, graph_->ops[id], pace.rows_per_band)));
    demand(id);
    if (id == 0 && pulled_ != kNoId) {
      const Pace& input = paces_[pulled_];
      if (last_use_[pulled_] >= end || input.walk != walk_ || !input.is_consistent) return;
      held += hold_rows(pulled_, end);
    }
    if (id < end - 1 || (id == 0 && pulled_ != kNoId)) {
      const std::int64_t bytes = live_at_[id] + held + scratch;
      visit(id, Measured{.bytes = bytes});
      const Overlap overlap = find_overlap_of(id, end);
      if (overlap.input != kNoId) {
        visit(id, Measured{.bytes = bytes - overlap.saved_bytes, .overlaps = true});
      }
    }
    // What is longer saves at most its output.
    const std::int64_t least = held + scratch - last.bytes;
    if (id > 0 && !go_on(least_live_[id - 1] + least)) return;
  }
}

std::int64_t StreamingScheduler::Search::find_least_peak() {
  const std::size_t count = graph_->ops.size();
  best_.assign(count + 1, kInfinite);
  step_to_.assign(count + 1, {});
  best_[0] = 0;
  for (std::int32_t end = 1; end <= static_cast<std::int32_t>(count); ++end) {
    std::int64_t& best = best_[end];
    std::int64_t bytes = kInfinite;  // of the step that ends here
    const auto consider = [&](std::int32_t begin, const Measured& measured) {
      const std::int64_t peak = std::max(best_[begin], measured.bytes);
      // Of equal ones, that which leaves more room: its buffers are easier to place.
      if (peak > best || (peak == best && measured.bytes >= bytes)) return;
      best = peak;
      bytes = measured.bytes;
      step_to_[end] = step_of(begin, end, measured.overlaps);
    };
    if (end > 1 || pulled_ == kNoId) {
      const Facts& last = facts_[end - 1];
      const bool overlaps = last.overlapping_bytes < last.alone_bytes;
      consider(end - 1, {overlaps ? last.overlapping_bytes : last.alone_bytes, overlaps});
    }
    find_least_live(end, [&](std::int32_t cut) { return best_[cut] < best; });
    visit_steps_to(
        end, [&](std::int64_t bound) { return bound < best; }, consider);
  }
  return best_.back();
}

void StreamingScheduler::Search::find_cheapest(std::int64_t limit, const ScheduleOptions& options) {
  const auto count = static_cast<std::int32_t>(graph_->ops.size());
  constexpr double kNone = std::numeric_limits<double>::infinity();
  cost_.assign(graph_->ops.size() + 1, kNone);
  step_to_.assign(graph_->ops.size() + 1, {});
  cost_[0] = 0;
  for (OpId id = 0; id < count; ++id) {
    const Op& op = graph_->ops[id];
    facts_[id].more_scratch =
        aligned(fastest_scratch_bytes(*graph_, op)) - aligned(least_scratch_bytes(*graph_, op));
  }
  for (std::int32_t end = 1; end <= count; ++end) {
    find_least_live(end, [&](std::int32_t cut) { return cost_[cut] < kNone; });
    visit_steps_to(
        end, [&](std::int64_t bound) { return bound <= limit; },
        [&](std::int32_t begin, const Measured& measured) {
          if (measured.bytes > limit || cost_[begin] >= cost_[end]) return;
          Step step = step_of(begin, end, measured.overlaps);
          double own = 0;
          if (step.is_in_bands()) {
            own = choose_bands(*graph_, options, limit, step);
          } else {
            step.has_fast_scratch = measured.bytes + facts_[begin].more_scratch <= limit;
            own = band_instructions(*graph_, step);
          }
          if (cost_[begin] + own >= cost_[end]) return;
          cost_[end] = cost_[begin] + own;
          step_to_[end] = step;
        });
  }
}

void StreamingScheduler::Search::take_steps(std::vector<Step>& steps) const {
  steps.clear();
  for (auto end = static_cast<OpId>(graph_->ops.size()); end > 0; end = step_to_[end].first_op) {
    steps.push_back(step_to_[end]);
  }
  std::reverse(steps.begin(), steps.end());
}

StreamingScheduler::StreamingScheduler() : search_(std::make_unique<Search>()) {}
StreamingScheduler::~StreamingScheduler() = default;
StreamingScheduler::StreamingScheduler(StreamingScheduler&&) noexcept = default;
StreamingScheduler& StreamingScheduler::operator=(StreamingScheduler&&) noexcept = default;

const StreamingPlan& StreamingScheduler::find_least(const Graph& graph,
                                                    const ScheduleOptions& options) {
  search_->begin(graph, options);
  plan_.least_bytes = plan_.peak_bytes = search_->find_least_peak();
  if (plan_.least_bytes == kInfinite) {
    throw Error("the input cannot come in rows: {}", obstacle_to_rows(graph));
  }
  search_->take_steps(plan_.steps);
  return plan_;
}

const StreamingPlan& StreamingScheduler::schedule(const Graph& graph,
                                                  const ScheduleOptions& options) {
  find_least(graph, options);
  const std::int64_t limit =
      std::max(plan_.least_bytes, options.streaming_bytes.value_or(plan_.least_bytes));
  search_->find_cheapest(limit, options);
  search_->take_steps(plan_.steps);
  measure(graph, options);
  return plan_;
}

// Of steps found by find_least.
void StreamingScheduler::settle_bands(const Graph& graph, const ScheduleOptions& options) {
  for (Step& step : plan_.steps) {
    if (step.is_in_bands()) choose_bands(graph, options, plan_.least_bytes, step);
  }
  measure(graph, options);
}

const StreamingPlan& StreamingScheduler::schedule_in_arena(const Graph& graph,
                                                           const ScheduleOptions& options,
                                                           const ArenaBytes& arena_bytes) {
  constexpr int kAttempts = 6;
  const std::int64_t limit = options.streaming_bytes.value_or(0);
  StreamingPlan best;
  std::int64_t best_bytes = kInfinite;
  const auto consider = [&] {
    const std::int64_t bytes = arena_bytes(plan_.steps);
    const bool is_cheaper = plan_.instructions < best.instructions;
    const bool is_better = bytes <= limit
                               ? best_bytes > limit || is_cheaper
                               : bytes < best_bytes || (bytes == best_bytes && is_cheaper);
    if (is_better) {
      best = plan_;
      best_bytes = bytes;
    }
    return bytes - limit;
  };
  find_least(graph, options);
  measure(graph, options);
  consider();
  settle_bands(graph, options);
  consider();
  ScheduleOptions tried = options;
  tried.streaming_bytes.reset();
  schedule(graph, tried);
  consider();
  std::int64_t target = limit;
  for (int attempt = 1; attempt <= kAttempts && target > plan_.least_bytes; ++attempt) {
    tried.streaming_bytes = target;
    schedule(graph, tried);
    const std::int64_t excess = consider();
    if (excess <= 0) break;
    target = limit - attempt * excess;
  }
  plan_ = std::move(best);
  return plan_;
}

void StreamingScheduler::measure(const Graph& graph, const ScheduleOptions& options) {
  plan_.peak_bytes = 0;
  plan_.instructions = 0;
  for (const Step& step : plan_.steps) {
    const std::int64_t bytes =
        step.is_in_bands() ? live_bytes_of_step(graph, step, options) : search_->bytes_alone(step);
    plan_.peak_bytes = std::max(plan_.peak_bytes, bytes);
    plan_.instructions += band_instructions(graph, step);
  }
}

}  // namespace mcunet::engine
