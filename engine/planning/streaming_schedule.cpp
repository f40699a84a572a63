#include "mcunet/engine/planning/streaming_schedule.hpp"

#include <algorithm>
#include <limits>

#include "mcunet/engine/graph/operator_table.hpp"
#include "mcunet/engine/graph/weights.hpp"
#include "mcunet/engine/planning/row_bands.hpp"
#include "planning/kernel_scratch.hpp"

namespace mcunet::engine {
namespace {

constexpr std::int64_t kInfinite = std::numeric_limits<std::int64_t>::max();

// The planner's alignment.
std::int64_t aligned(std::int64_t bytes) { return (bytes + 3) & ~std::int64_t{3}; }

// What an operator does each time that it is called for a band, beside what it would do for the rows
// alone: counted in the emulator, roughly.
double instructions_per_band(const Graph& graph, const Op& op) {
  constexpr double kCall = 150;
  constexpr double kPerChannel = 150;      // a depthwise channel's weights, and its first block
  constexpr double kPerGatherValue = 2.2;  // of a row that the band before had gathered
  constexpr double kPerMovedByte = 0.7;
  const RowWindow window = row_window_of(op);
  const Shape& input = graph.input_of(op).shape;
  const double again =
      std::max(window.span - window.stride, 0) * double(input.width) * input.channels;
  if (traits_of(op.kind).scratch != ScratchKind::kRows) return kCall + kPerMovedByte * again;
  return kCall + kPerChannel * input.channels + (kPerGatherValue + kPerMovedByte) * again;
}

// What a convolution pays more for each position that four columns leave over.
double instructions_per_rest(const Graph& graph, const Op& op) {
  if (traits_of(op.kind).scratch != ScratchKind::kColumns) return 0;
  return 0.7 * static_cast<double>(weight_layout(graph, op).elements());
}

ScheduleOptions one_by_one(ScheduleOptions options) {
  options.streams = false;
  return options;
}

}  // namespace

std::int64_t live_bytes_of_step(const Graph& graph, const Step& step,
                                const ScheduleOptions& options) {
  const OpId end = step.first_op + step.op_count;
  std::vector<std::int32_t> first(graph.tensors.size(), 0);
  std::vector<std::int32_t> last(graph.tensors.size(), 0);
  for (OpId id = 0; id < static_cast<OpId>(graph.ops.size()); ++id) {
    const Op& op = graph.ops[id];
    first[op.output] = last[op.output] = id;
    for (const TensorId input : graph.inputs_of(op)) last[input] = id;
  }
  for (const TensorId output : graph.outputs) last[output] = static_cast<OpId>(graph.ops.size());
  for (const TensorId input : graph.inputs) first[input] = -1;
  std::int64_t bytes = 0;
  for (std::size_t id = 0; id < graph.tensors.size(); ++id) {
    const bool is_inside = first[id] >= step.first_op && first[id] + 1 < end && last[id] < end;
    const bool is_alive = first[id] < end && last[id] >= step.first_op;
    if (is_alive && !is_inside) bytes += aligned(graph.tensors[id].bytes());
  }
  std::int64_t scratch = 0;
  if (step.op_count == 1) {
    const Op& op = graph.ops[step.first_op];
    const Schedule alone = make_schedule(graph, one_by_one(options));
    const TensorId overwritten = alone.in_place_of[op.output];
    if (overwritten != kNoId) {
      bytes -= std::min(aligned(graph.tensors[overwritten].bytes()),
                        aligned(graph.output_of(op).bytes()));
    }
    return bytes + aligned(least_scratch_bytes(graph, op));
  }
  const RowBands bands = plan_row_bands(graph, step);
  for (std::size_t i = 0; i < bands.stages.size(); ++i) {
    scratch = std::max(scratch, least_scratch_bytes(graph, graph.ops[step.first_op + i],
                                                    bands.stages[i].rows_per_band));
  }
  return bytes + bands.buffer_bytes + aligned(scratch);
}

double band_instructions(const Graph& graph, const Step& step) {
  if (step.op_count == 1) return 0;
  const RowBands bands = plan_row_bands(graph, step);
  double sum = 0;
  for (std::size_t i = 0; i < bands.stages.size(); ++i) {
    const Op& op = graph.ops[step.first_op + static_cast<OpId>(i)];
    const Shape& output = graph.output_of(op).shape;
    const std::int32_t rows = std::min(bands.stages[i].rows_per_band, output.height);
    const std::int32_t count = (output.height + rows - 1) / rows;
    const std::int32_t left_over = count * (rows * output.width % 4);
    const std::int32_t least = output.height * output.width % 4;
    sum += count * instructions_per_band(graph, op) +
           std::max(left_over - least, 0) * instructions_per_rest(graph, op);
  }
  return sum;
}

// One graph at a time.
class StreamingScheduler::Search {
 public:
  void begin(const Graph& graph, const ScheduleOptions& options);
  // The least peak. Fills best_ and from_.
  std::int64_t find_least_peak();
  // Steps of the fewest instructions of which none has more bytes.
  void find_cheapest(std::int64_t limit, std::vector<Step>& steps);

 private:
  struct Facts {
    RowWindow window;
    bool works_in_bands = false;
    std::int32_t height = 0;     // of the output
    std::int64_t row_bytes = 0;  // of the output
    std::int64_t bytes = 0;      // of the output, aligned
    std::int32_t last_use =
        0;  // the last operator that reads the output; ops, if it is one of the graph's
    std::int64_t alone_bytes = 0;  // alive in the step if it has no other operator
    double per_band = 0;
  };
  struct Pace {
    std::int32_t reader_end = 0;  // of which step: its end, to begin anew without clearing
    std::int32_t rows_per_band = 0;
    std::int32_t lead = 0;
    std::int32_t kept = 0;
    bool is_consistent = true;
  };
  struct Measured {
    std::int64_t bytes = 0;
    double instructions = 0;
    std::int64_t bytes_per_row = 0;  // more with bands one row higher, at most
  };

  // Calls visit(i, measured) for all steps i … end - 1, from the shortest on, until it returns false, given
  // a bound below the bytes of what is longer: go_on(bound).
  template <typename GoOn, typename Visit>
  void visit_steps_to(std::int32_t end, GoOn go_on, Visit visit);
  void demand(OpId reader, std::int32_t end);

  const Graph* graph_ = nullptr;
  std::vector<Facts> facts_;
  std::vector<std::int64_t> live_at_;  // per cut: of tensors that are made before and used after it
  std::vector<std::int64_t> least_live_;  // of the cuts up to it
  std::vector<std::int32_t> producer_;    // per tensor, kNoId for inputs
  std::vector<Pace> paces_;               // per operator
  std::vector<std::int64_t> best_;
  std::vector<double> cost_;
  std::vector<std::int32_t> from_;
  std::vector<std::int32_t> rows_;
  Schedule alone_;
};

void StreamingScheduler::Search::begin(const Graph& graph, const ScheduleOptions& options) {
  graph_ = &graph;
  const auto count = static_cast<std::int32_t>(graph.ops.size());
  make_schedule(graph, one_by_one(options), alone_);
  facts_.resize(graph.ops.size());
  live_at_.assign(graph.ops.size() + 1, 0);
  producer_.assign(graph.tensors.size(), kNoId);
  paces_.assign(graph.ops.size(), {});
  for (OpId id = 0; id < count; ++id) producer_[graph.ops[id].output] = id;
  const auto last_use_of = [&](TensorId tensor) {
    const bool is_output =
        std::find(graph.outputs.begin(), graph.outputs.end(), tensor) != graph.outputs.end();
    return is_output ? count : alone_.lifetimes[tensor].last_step;
  };
  const auto add_live = [&](std::int32_t first_cut, std::int32_t last_cut, std::int64_t bytes) {
    for (std::int32_t cut = first_cut; cut <= last_cut; ++cut) live_at_[cut] += bytes;
  };
  for (const TensorId input : graph.inputs) {
    add_live(0, last_use_of(input), aligned(graph.tensors[input].bytes()));
  }
  for (OpId id = 0; id < count; ++id) {
    const Op& op = graph.ops[id];
    const Tensor& output = graph.output_of(op);
    Facts& facts = facts_[id];
    facts.window = row_window_of(op);
    facts.works_in_bands = mcunet::engine::works_in_bands(graph, op);
    facts.height = output.shape.height;
    facts.row_bytes = row_bytes_of(output);
    facts.bytes = aligned(output.bytes());
    facts.last_use = last_use_of(op.output);
    facts.per_band = facts.works_in_bands ? instructions_per_band(graph, op) : 0;
    add_live(id + 1, facts.last_use, facts.bytes);
  }
  for (OpId id = 0; id < count; ++id) {
    const Op& op = graph.ops[id];
    const TensorId overwritten = alone_.in_place_of[op.output];
    const std::int64_t shared =
        overwritten == kNoId
            ? 0
            : std::min(facts_[id].bytes, aligned(graph.tensors[overwritten].bytes()));
    facts_[id].alone_bytes =
        live_at_[id] + facts_[id].bytes - shared + aligned(least_scratch_bytes(graph, op));
  }
  least_live_ = live_at_;
  for (std::size_t cut = 1; cut < least_live_.size(); ++cut) {
    least_live_[cut] = std::min(least_live_[cut], least_live_[cut - 1]);
  }
}

// Of what an operator reads, for its own pace; as in plan_row_bands.
void StreamingScheduler::Search::demand(OpId reader, std::int32_t end) {
  const Pace& pace = paces_[reader];
  const RowWindow& window = facts_[reader].window;
  const std::int32_t next = window.stride * pace.lead - window.pad;
  const Pace needed{end, window.stride * pace.rows_per_band, next + window.span - window.stride,
                    next, true};
  for (const TensorId input : graph_->inputs_of(graph_->ops[reader])) {
    if (producer_[input] == kNoId) continue;
    Pace& source = paces_[producer_[input]];
    if (source.reader_end != end) {
      source = needed;
      continue;
    }
    source.is_consistent &= source.rows_per_band == needed.rows_per_band;
    source.lead = std::max(source.lead, needed.lead);
    source.kept = std::min(source.kept, needed.kept);
  }
}

template <typename GoOn, typename Visit>
void StreamingScheduler::Search::visit_steps_to(std::int32_t end, GoOn go_on, Visit visit) {
  visit(end - 1, Measured{facts_[end - 1].alone_bytes});
  paces_[end - 1] = {end, 1, 0, 0, true};
  std::int64_t held = 0;  // of what the step makes
  std::int64_t scratch = 0;
  Measured measured;
  for (OpId id = end - 1; id >= 0; --id) {
    const Facts& facts = facts_[id];
    const Pace& pace = paces_[id];
    if (!facts.works_in_bands || pace.reader_end != end || !pace.is_consistent) return;
    if (id == end - 1 || facts.last_use >= end) {
      held += facts.bytes;
    } else {
      const std::int32_t kept = std::min(pace.kept, pace.lead);
      const std::int32_t rows = std::min(facts.height, pace.rows_per_band + pace.lead - kept);
      held += aligned(facts.row_bytes * rows);
      measured.bytes_per_row += facts.row_bytes * pace.rows_per_band;
    }
    scratch = std::max(scratch,
                       aligned(least_scratch_bytes(*graph_, graph_->ops[id], pace.rows_per_band)));
    measured.instructions += facts.per_band * facts.height / pace.rows_per_band;
    demand(id, end);
    measured.bytes = live_at_[id] + held + scratch;
    if (id < end - 1) visit(id, measured);
    if (id > 0 && !go_on(least_live_[id - 1] + held + scratch)) return;
  }
}

std::int64_t StreamingScheduler::Search::find_least_peak() {
  const std::size_t count = graph_->ops.size();
  best_.assign(count + 1, kInfinite);
  best_[0] = 0;
  for (std::int32_t end = 1; end <= static_cast<std::int32_t>(count); ++end) {
    std::int64_t& best = best_[end];
    visit_steps_to(
        end, [&](std::int64_t bound) { return bound < best; },
        [&](std::int32_t begin, const Measured& measured) {
          best = std::min(best, std::max(best_[begin], measured.bytes));
        });
  }
  return best_.back();
}

void StreamingScheduler::Search::find_cheapest(std::int64_t limit, std::vector<Step>& steps) {
  const auto count = static_cast<std::int32_t>(graph_->ops.size());
  constexpr double kNone = std::numeric_limits<double>::infinity();
  cost_.assign(graph_->ops.size() + 1, kNone);
  from_.assign(graph_->ops.size() + 1, 0);
  cost_[0] = 0;
  for (std::int32_t end = 1; end <= count; ++end) {
    visit_steps_to(
        end, [&](std::int64_t bound) { return bound <= limit; },
        [&](std::int32_t begin, const Measured& measured) {
          if (measured.bytes > limit) return;
          const std::int64_t more =
              measured.bytes_per_row == 0 ? 0 : (limit - measured.bytes) / measured.bytes_per_row;
          const double rows =
              1 + static_cast<double>(std::min<std::int64_t>(more, facts_[end - 1].height - 1));
          const double cost = cost_[begin] + measured.instructions / rows;
          if (cost < cost_[end]) {
            cost_[end] = cost;
            from_[end] = begin;
          }
        });
  }
  steps.clear();
  for (std::int32_t end = count; end > 0; end = from_[end]) {
    steps.push_back({from_[end], end - from_[end]});
  }
  std::reverse(steps.begin(), steps.end());
}

namespace {

// The height of bands that costs the least within the limit.
void choose_band_rows(const Graph& graph, const ScheduleOptions& options, std::int64_t limit,
                      Step& step) {
  if (step.op_count == 1) return;
  const std::int32_t height =
      graph.output_of(graph.ops[step.first_op + step.op_count - 1]).shape.height;
  double least = std::numeric_limits<double>::infinity();
  Step tried = step;
  for (tried.band_rows = 1; tried.band_rows <= height; ++tried.band_rows) {
    if (live_bytes_of_step(graph, tried, options) > limit) break;
    const double cost = band_instructions(graph, tried);
    if (cost >= least) continue;
    least = cost;
    step = tried;
  }
}

}  // namespace

StreamingScheduler::StreamingScheduler() : search_(std::make_unique<Search>()) {}
StreamingScheduler::~StreamingScheduler() = default;
StreamingScheduler::StreamingScheduler(StreamingScheduler&&) noexcept = default;
StreamingScheduler& StreamingScheduler::operator=(StreamingScheduler&&) noexcept = default;

const StreamingPlan& StreamingScheduler::schedule(const Graph& graph,
                                                  const ScheduleOptions& options) {
  search_->begin(graph, options);
  plan_.least_bytes = search_->find_least_peak();
  const std::int64_t limit =
      std::max(plan_.least_bytes, options.streaming_bytes.value_or(plan_.least_bytes));
  search_->find_cheapest(limit, plan_.steps);
  plan_.peak_bytes = 0;
  for (Step& step : plan_.steps) {
    choose_band_rows(graph, options, limit, step);
    plan_.peak_bytes = std::max(plan_.peak_bytes, live_bytes_of_step(graph, step, options));
  }
  return plan_;
}

}  // namespace mcunet::engine
