// Steps of several operators: a function for what each does with a band of rows, and a table by which
// mcunet_stream() calls them.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "codegen/step_code.hpp"
#include "mcunet/engine/planning/row_bands.hpp"

namespace mcunet::engine {
namespace {

// The tensors that the step reads and does not make, each once.
std::vector<TensorId> sources_of(const Graph& graph, std::span<const Op> ops) {
  std::vector<TensorId> sources;
  for (const Op& op : ops) {
    for (const TensorId input : graph.inputs_of(op)) {
      const bool is_made =
          std::any_of(ops.begin(), ops.end(), [&](const Op& o) { return o.output == input; });
      const bool is_known = std::find(sources.begin(), sources.end(), input) != sources.end();
      if (!is_made && !is_known) sources.push_back(input);
    }
  }
  return sources;
}

class StageTable {
 public:
  StageTable(const CompiledGraph& compiled, std::int32_t step)
      : compiled_(compiled),
        graph_(compiled.graph),
        step_(step),
        ops_(ops_of(graph_, compiled.schedule.steps[step])),
        bands_(plan_row_bands(graph_, compiled.schedule.steps[step])),
        tensors_(sources_of(graph_, ops_)),
        source_count_(tensors_.size()) {
    for (const Op& op : ops_) tensors_.push_back(op.output);
  }

  std::string to_string() const {
    std::string text = "  static const struct mcunet_stage stages[] = {\n";
    for (std::size_t i = 0; i < source_count_; ++i) add_source(tensors_[i], text);
    for (std::size_t i = 0; i < ops_.size(); ++i) add_operator(i, text);
    return text + fmt::format("  }};\n  mcunet_stream(stages, {}, {}, {});\n", tensors_.size(),
                              bands_.first_band, bands_.end_band);
  }

 private:
  // Rows that are all in one place: sums, or what is the same for every row.
  static std::string memory_of_one(std::int64_t offset, std::int32_t height) {
    return fmt::format(".rows = arena + {}, .row_bytes = 0, .height = {}", offset, height);
  }

  std::string memory(TensorId tensor, std::int64_t offset) const {
    const Tensor& t = graph_.tensors[tensor];
    const bool is_repeated = std::any_of(ops_.begin(), ops_.end(), [&](const Op& op) {
      const std::span<const TensorId> inputs = graph_.inputs_of(op);
      return std::find(inputs.begin(), inputs.end(), tensor) != inputs.end() &&
             repeats_input(graph_, op, tensor);
    });
    if (is_repeated) return memory_of_one(offset, t.shape.height);
    return fmt::format(".rows = arena + {}, .row_bytes = {}, .height = {}", offset, row_bytes_of(t),
                       t.shape.height);
  }

  // What an operator's output, or the input that is pulled, holds between bands.
  static std::string pace(const BandStage& stage) {
    std::string text =
        fmt::format(".rows_per_band = {}, .lead = {}, .kept = {}", stage.rows_per_band, stage.lead,
                    stage.is_whole ? "MCUNET_WHOLE_TENSOR" : std::to_string(stage.kept));
    if (stage.holds_padding) text += fmt::format(", .above = {}", stage.held_rows);
    return text;
  }

  std::int64_t offset_of(const BandStage& stage) const {
    const std::int32_t scratch = compiled_.arena.requests.step_scratch_buffer[step_];
    return compiled_.arena.plan.offsets[scratch] + stage.buffer_offset;
  }

  void add_source(TensorId tensor, std::string& text) const {
    if (bands_.input && tensor == graph_.inputs[0]) {
      text += fmt::format("      {{.compute = pull_input, {},\n       {}}},\n",
                          memory(tensor, offset_of(*bands_.input)), pace(*bands_.input));
      return;
    }
    const Step& run = compiled_.schedule.steps[step_];
    const std::int64_t offset =
        compiled_.offset_of(tensor) + compiled_.schedule.moved_in(graph_, run, tensor);
    text += fmt::format("      {{{}}},\n", memory(tensor, offset));
  }

  void add_operator(std::size_t index, std::string& text) const {
    const Op& op = ops_[index];
    const BandStage& stage = bands_.stages[index];
    const RowWindow window = row_window_of(graph_, op);
    const std::int64_t offset = stage.is_whole ? compiled_.offset_of(op.output) : offset_of(stage);
    std::vector<std::ptrdiff_t> inputs;
    for (const TensorId input : graph_.inputs_of(op)) inputs.push_back(number_of(input));
    fmt::format_to(
        std::back_inserter(text),
        "      {{.compute = step_{}_{}, {},\n"
        "       {}, .span = {}, .stride = {}, .pad = {}, .input_count = {}, .inputs = {{{}}}}},\n",
        step_, index,
        accumulates(graph_, op) ? memory_of_one(offset, band_height(graph_, op))
                                : memory(op.output, offset),
        pace(stage), window.span, window.stride, window.pad, inputs.size(),
        fmt::join(inputs, ", "));
  }

  std::ptrdiff_t number_of(TensorId tensor) const {
    return std::find(tensors_.begin(), tensors_.end(), tensor) - tensors_.begin();
  }

  const CompiledGraph& compiled_;
  const Graph& graph_;
  std::int32_t step_;
  std::span<const Op> ops_;
  RowBands bands_;
  std::vector<TensorId> tensors_;  // sources, then what the operators make
  std::size_t source_count_;
};

}  // namespace

StepCode generate_bands(const CompiledGraph& compiled, std::int32_t step) {
  StepCode code;
  for (std::int32_t i = 0; i < compiled.schedule.steps[step].op_count; ++i) {
    StepCode stage = generate_operator(compiled, step, i);
    code.stages.push_back(std::move(stage.body));
    std::move(stage.arrays.begin(), stage.arrays.end(), std::back_inserter(code.arrays));
    std::move(stage.kernels.begin(), stage.kernels.end(), std::back_inserter(code.kernels));
  }
  code.body = StageTable(compiled, step).to_string();
  code.kernels.emplace_back("stream.c");
  return code;
}

}  // namespace mcunet::engine
