#include "plan_report.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "mcunet/core/files.hpp"
#include "mcunet/engine/codegen/compiler.hpp"
#include "plot.hpp"

namespace mcunet::report {
namespace {

using engine::BufferRequest;
using engine::Graph;
using engine::Op;
using engine::ResourceOracle;

std::string describe(const engine::Shape& shape) {
  return fmt::format("{}x{}x{}", shape.height, shape.width, shape.channels);
}

enum class BufferKind { kTensor, kInPlace, kScratch };

BufferKind kind_of(const BufferRequest& buffer, std::size_t index, std::size_t tensor_buffers) {
  if (index >= tensor_buffers) return BufferKind::kScratch;
  return buffer.in_place_of == engine::kNoId ? BufferKind::kTensor : BufferKind::kInPlace;
}

constexpr const char* kKindNames[] = {"tensor", "in place", "scratch"};

double kib(std::int64_t bytes) { return static_cast<double>(bytes) / 1024; }

// Offset over time: a rectangle per buffer.
Plot memory_map_plot(const ResourceOracle& oracle, const engine::Resources& resources) {
  Plot plot{.name = "memory_map", .csv = "kind,first_step,end_step,offset_kib,end_kib\n"};
  const auto& buffers = oracle.requests().buffers;
  const auto add = [&](BufferKind kind, std::int32_t first, std::int32_t last, std::int64_t begin,
                       std::int64_t bytes) {
    if (bytes == 0) return;
    plot.csv += fmt::format("{},{},{},{:.4f},{:.4f}\n", kKindNames[static_cast<int>(kind)], first,
                            last + 1, kib(begin), kib(begin + bytes));
  };
  std::int32_t last_step = 0;
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    const BufferRequest& buffer = buffers[i];
    add(kind_of(buffer, i, oracle.requests().tensor_buffers), buffer.first_step, buffer.last_step,
        oracle.plan().offsets[i], buffer.size_bytes);
    last_step = std::max(last_step, buffer.last_step);
  }
  add(BufferKind::kScratch, 0, last_step, oracle.plan().arena_bytes, oracle.requests().fixed_bytes);
  const auto boxes = [](const char* kind, const char* color) {
    return fmt::format(
        "'memory_map.csv' using (strcol(1) eq '{}' ? ($2+$3)/2 : 1/0):(($4+$5)/2):2:3:4:5 "
        "skip 1 with boxxyerror fs solid 0.75 border lc rgb '#444444' fc rgb '{}' title '{}'",
        kind, color, kind);
  };
  plot.script = fmt::format(
      "set xlabel 'step'\n"
      "set ylabel 'offset (KiB)'\n"
      "set xrange [0:{}]\n"
      "set yrange [0:{}]\n"
      "set key outside top center horizontal\n"
      "set arrow 1 from graph 0, first {} to graph 1, "
      "first {} nohead lw 1.5 dt 2 lc rgb '#d62728' front\n"
      "set label 1 'peak {:.1f} KiB' at graph 0.99, "
      "first {} right offset 0,0.6 tc rgb '#d62728' front\n"
      "plot {}, \\\n"
      " {}, \\\n"
      " {}",
      last_step + 1, 1.12 * kib(resources.peak_sram_bytes), kib(resources.peak_sram_bytes),
      kib(resources.peak_sram_bytes), kib(resources.peak_sram_bytes),
      kib(resources.peak_sram_bytes), boxes("tensor", "#6baed6"), boxes("in place", "#74c476"),
      boxes("scratch", "#fdae6b"));
  return plot;
}

Plot block_peaks_plot(const std::vector<std::int64_t>& peaks) {
  Plot plot{.name = "block_peaks", .csv = "block,peak_kib\n"};
  double sum = 0;
  for (std::size_t block = 0; block < peaks.size(); ++block) {
    plot.csv += fmt::format("{},{:.4f}\n", block, kib(peaks[block]));
    sum += kib(peaks[block]);
  }
  const double mean = sum / static_cast<double>(std::max<std::size_t>(peaks.size(), 1));
  const double most = peaks.empty() ? 1 : kib(*std::max_element(peaks.begin(), peaks.end()));
  plot.script = fmt::format(
      "set xlabel 'block'\n"
      "set ylabel 'peak activations (KiB)'\n"
      "set yrange [0:{}]\n"
      "set xrange [-0.7:{}]\n"
      "set boxwidth 0.8\n"
      "set style fill solid 0.8 noborder\n"
      "set xtics 1 scale 0\n"
      "set key off\n"
      "set grid noxtics\n"
      "set arrow 1 from graph 0, first {} to graph 1, first {} nohead dt 2 lc rgb '#888888' front\n"
      "set label 1 'mean' at graph 0.99, first {} right offset 0,0.6 tc rgb '#666666' front\n"
      "plot 'block_peaks.csv' using 1:2:($2 >= {} ? 0xd62728 : 0x6baed6) "
      "skip 1 with boxes lc rgb variable",
      1.08 * most, static_cast<double>(peaks.size()) - 0.3, mean, mean, mean, most * 0.9999);
  return plot;
}

std::vector<std::vector<std::string>> step_rows(const std::vector<StepUse>& steps) {
  std::vector<std::vector<std::string>> rows = {{"step", "block", "operator", "output", "MACs",
                                                 "tensors (bytes)", "scratch (bytes)",
                                                 "total (bytes)", ""}};
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const StepUse& step = steps[i];
    rows.push_back({std::to_string(i), std::to_string(step.block), step.op, step.output,
                    std::to_string(step.macs), std::to_string(step.activation_bytes),
                    std::to_string(step.scratch_bytes), std::to_string(step.total_bytes),
                    step.is_peak ? "peak" : ""});
  }
  return rows;
}

// Before the network runs: samples and spectra beside the input that is made of them.
StepUse describe_staging(const Graph& graph, std::int64_t live_bytes) {
  const engine::Tensor& input = graph.tensors[graph.inputs[0]];
  const std::int64_t input_bytes = input.bytes();
  return {.op = "features",
          .output = describe(input.shape),
          .activation_bytes = input_bytes,
          .scratch_bytes = live_bytes - input_bytes,
          .total_bytes = live_bytes};
}

}  // namespace

std::vector<StepUse> describe_steps(const Graph& graph, const ResourceOracle& oracle) {
  std::vector<StepUse> steps;
  const bool is_in_arena = oracle.options().scratch != engine::ScratchPolicy::kTinyEngine;
  std::int64_t peak = 0;
  if (const std::int64_t staged = oracle.staging_live_bytes(); staged > 0) {
    steps.push_back(describe_staging(graph, staged));
    peak = steps.back().total_bytes;
  }
  for (std::size_t i = 0; i < oracle.schedule().steps.size(); ++i) {
    const engine::Step& step = oracle.schedule().steps[i];
    StepUse use;
    use.op = describe(graph, step);
    for (const Op& op : ops_of(graph, step)) {
      use.output = describe(graph.output_of(op).shape);
      use.block = std::max(op.block, 0);
      use.macs += cost_of(graph, op).macs;
    }
    use.scratch_bytes = oracle.requests().step_scratch_bytes[i];
    use.total_bytes = oracle.live_bytes()[i] + oracle.requests().fixed_bytes;
    use.activation_bytes = oracle.live_bytes()[i] - (is_in_arena ? use.scratch_bytes : 0);
    peak = std::max(peak, use.total_bytes);
    steps.push_back(std::move(use));
  }
  for (StepUse& step : steps) step.is_peak = step.total_bytes == peak;
  return steps;
}

std::vector<std::int64_t> block_peaks(const std::vector<StepUse>& steps) {
  std::vector<std::int64_t> peaks;
  for (const StepUse& step : steps) {
    if (static_cast<std::size_t>(step.block) >= peaks.size()) peaks.resize(step.block + 1, 0);
    peaks[step.block] = std::max(peaks[step.block], step.activation_bytes);
  }
  return peaks;
}

std::string draw_memory_map(const ResourceOracle& oracle, int rows) {
  const std::size_t columns = oracle.schedule().steps.size();
  std::vector<std::string> lines(static_cast<std::size_t>(rows), std::string(columns, ' '));
  const std::int64_t fixed = oracle.requests().fixed_bytes;
  const std::int64_t top = std::max<std::int64_t>(oracle.plan().arena_bytes + fixed, 1);
  const auto fill = [&](std::int32_t first, std::int32_t last, std::int64_t begin, std::int64_t end,
                        char mark) {
    for (std::int64_t row = begin * rows / top; row * top < end * rows; ++row) {
      for (std::int32_t step = first; step <= last; ++step) {
        lines[static_cast<std::size_t>(rows - 1 - row)][step] = mark;
      }
    }
  };
  const auto& buffers = oracle.requests().buffers;
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    if (buffers[i].size_bytes == 0) continue;
    const std::int64_t begin = oracle.plan().offsets[i];
    const char mark = i >= oracle.requests().tensor_buffers ? '#' : static_cast<char>('a' + i % 26);
    fill(buffers[i].first_step, buffers[i].last_step, begin, begin + buffers[i].size_bytes, mark);
  }
  if (fixed > 0) {
    fill(0, static_cast<std::int32_t>(columns) - 1, oracle.plan().arena_bytes, top, '#');
  }
  std::string text;
  for (int row = 0; row < rows; ++row) {
    const double from = kib(top) * (rows - 1 - row) / rows;
    text += fmt::format("{:8.1f} |{}|\n", from, lines[row]);
  }
  return text;
}

void add_plan(HtmlPage& page, const Graph& graph, const ResourceOracle& oracle,
              const PlanReportContext& context, const std::filesystem::path& folder) {
  const std::vector<StepUse> steps = describe_steps(graph, oracle);
  const Drawings drawings = draw(
      {memory_map_plot(oracle, context.resources), block_peaks_plot(block_peaks(steps))}, folder);
  const engine::Resources& r = context.resources;
  page.paragraph(fmt::format(
      "Peak SRAM {} bytes (lower bound {}{}), flash {} bytes, "
      "{:.3f} million MACs, {:.3f} million parameters, an estimated {:.1f} ms ({:.1f} to {:.1f}).",
      r.peak_sram_bytes, r.lower_bound_bytes, r.is_optimal ? ", proven optimal" : "", r.flash_bytes,
      static_cast<double>(r.macs) / 1e6, static_cast<double>(r.params) / 1e6, r.latency_ms,
      r.latency_ms_low, r.latency_ms_high));
  for (const std::string& excess : describe_excess(r, context.budget)) {
    page.paragraph("Does not fit: " + excess + ".");
  }
  if (!context.note.empty()) page.paragraph(context.note + ".");
  page.figures({figure_of(drawings, "memory_map",
                          "Where each buffer lies in the arena, over the steps of one inference."),
                figure_of(drawings, "block_peaks",
                          "The most that the tensors of each block need; the bottleneck in red.")});
  page.folded_table("Step by step", step_rows(steps));
}

void write_plan_report(const Graph& graph, const ResourceOracle& oracle,
                       const PlanReportContext& context, const std::filesystem::path& folder) {
  HtmlPage page(fmt::format("Memory plan of {}", context.network_name));
  add_plan(page, graph, oracle, context, folder);
  write_file_atomically(folder / "index.html", page.to_string());
}

}  // namespace mcunet::report
