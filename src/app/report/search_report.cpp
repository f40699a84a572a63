#include "search_report.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "mcunet/core/files.hpp"
#include "mcunet/search/pareto.hpp"
#include "mcunet/search/subnet_oracle.hpp"
#include "network_drawing.hpp"
#include "plan_report.hpp"
#include "plot.hpp"

namespace mcunet::report {
namespace {

using search::Candidate;
using search::Objective;
using search::SearchState;

struct Axis {
  Objective objective;
  const char* label;
  double unit;  // in the objective's own unit
};

constexpr Axis kAxes[] = {{Objective::kSram, "peak SRAM (KiB)", 1024},
                          {Objective::kFlash, "flash (KiB)", 1024},
                          {Objective::kMacs, "million MACs", 1e6},
                          {Objective::kLatency, "latency (ms, estimate)", 1}};

// Figure 13. Accuracies in percent.
Plot curve_plot(const SearchState& evolution, const SearchState& random) {
  Plot plot{.name = "search_curve", .csv = "search,evaluations,mean,min,max,best\n"};
  const auto add = [&](const char* name, const SearchState& state) {
    for (const search::GenerationSummary& row : search::summarize(state)) {
      plot.csv += fmt::format("{},{},{:.4f},{:.4f},{:.4f},{:.4f}\n", name, row.evaluations,
                              100 * row.mean, 100 * row.min, 100 * row.max, 100 * row.best);
    }
  };
  add("random", random);
  add("evolution", evolution);
  const auto curves = [](const char* name, const char* color) {
    const std::string x = fmt::format("(strcol(1) eq '{}' ? $2 : 1/0)", name);
    return fmt::format(
        "'search_curve.csv' using {0}:4:5 skip 1 with filledcurves "
        "fs transparent solid 0.2 noborder fc rgb '{1}' notitle, \\\n"
        " '' using {0}:3 skip 1 with lines "
        "lw 2.5 lc rgb '{1}' title '{2}: mean', \\\n"
        " '' using {0}:6 skip 1 with lines lw 1.5 dt 2 lc rgb '{1}' title '{2}: best so far'",
        x, color, name);
  };
  plot.script =
      "set datafile missing NaN\nset xlabel 'networks evaluated'\nset ylabel 'accuracy (%)'\n"
      "set key above horizontal Left reverse samplen 2 maxrows 2\nplot " +
      (random.evaluated.empty() ? "" : curves("random", "#7f7f7f") + ", \\\n ") +
      curves("evolution", "#d62728");
  return plot;
}

// Figure 9: all networks, and over them those that no other beats in both respects.
Plot front_plot(const SearchState& state, const Axis& axis) {
  Plot plot{.name = fmt::format("front_{}", name_of(axis.objective)),
            .csv = "kind,value,accuracy\n"};
  const auto add = [&](const char* kind, const Candidate& candidate) {
    plot.csv +=
        fmt::format("{},{:.6g},{:.4f}\n", kind, value_of(candidate, axis.objective) / axis.unit,
                    100 * candidate.accuracy);
  };
  for (const Candidate& candidate : state.evaluated) add("evaluated", candidate);
  const std::vector<Objective> objectives = {axis.objective, Objective::kAccuracy};
  std::vector<std::size_t> front = search::front_of(search::points_of(state.evaluated, objectives));
  std::sort(front.begin(), front.end(), [&](std::size_t a, std::size_t b) {
    return value_of(state.evaluated[a], axis.objective) <
           value_of(state.evaluated[b], axis.objective);
  });
  for (std::size_t i : front) add("front", state.evaluated[i]);
  plot.script = fmt::format(
      "set datafile missing NaN\n"
      "set xlabel '{1}'\n"
      "set ylabel 'accuracy (%)'\n"
      "set key above horizontal Left reverse\n"
      "plot '{0}.csv' using (strcol(1) eq 'evaluated' ? $2 : 1/0):3 skip 1 "
      "with points pt 7 ps 0.4 lc rgb '#6baed6' title 'evaluated', \\\n"
      " '' using (strcol(1) eq 'front' ? $2 : 1/0):3 skip 1 "
      "with steps lw 2 lc rgb '#d62728' title 'front', \\\n"
      " '' using (strcol(1) eq 'front' ? $2 : 1/0):3 skip 1 "
      "with points pt 7 ps 0.6 lc rgb '#d62728' notitle",
      plot.name, axis.label);
  return plot;
}

std::vector<std::vector<std::string>> winner_rows(const search::SearchResult& result) {
  std::vector<std::vector<std::string>> rows = {{"", "accuracy (%)", "million MACs", "SRAM (bytes)",
                                                 "flash (bytes)", "latency (ms, estimate)",
                                                 "energy (mJ)"}};
  const auto add = [&](std::string_view name, const Candidate& c) {
    rows.push_back({std::string(name), fmt::format("{:.2f}", 100 * c.accuracy),
                    fmt::format("{:.2f}", static_cast<double>(c.resources.macs) / 1e6),
                    std::to_string(c.resources.peak_sram_bytes),
                    std::to_string(c.resources.flash_bytes),
                    fmt::format("{:.1f} ({:.1f} to {:.1f})", c.resources.latency_ms,
                                c.resources.latency_ms_low, c.resources.latency_ms_high),
                    fmt::format("{:.1f}", c.resources.energy_mj)});
  };
  const search::Winner winner = result.winner();
  add(winner.found_by, winner.network);  // the row that stands out
  if (winner.found_by != "evolution") add("evolution", *result.evolution.best());
  if (result.random.best() != nullptr && winner.found_by != "random search") {
    add("random search", *result.random.best());
  }
  return rows;
}

std::string describe_cost(const search::SearchResult& result) {
  return fmt::format(
      "{} networks were evaluated in {:.1f} s; {:.2f} % of the time went "
      "into anything but their accuracies. The engine planned {} networks.{}",
      result.evaluations(), result.seconds(), 100 * result.overhead_share(),
      result.front.plans + result.random.plans,
      result.evolution.is_exhausted ? " Evolution ended early: it found no more new networks."
                                    : "");
}

void add_winner(HtmlPage& page, const Candidate& winner, const SearchReportContext& context,
                const std::filesystem::path& folder) {
  const search::space::Network network = search::space::build_network(context.space, winner.subnet);
  const engine::Graph graph = search::lower_for(context.oracle, network);
  engine::ResourceOracle oracle(context.oracle);
  oracle.measure(graph);
  page.heading("The winner");
  const std::string drawing = draw_network(network);
  write_file_atomically(make_folder(folder) / "network.svg", drawing);
  page.wide_figure({inline_svg(drawing, "network-"),
                    "Kernel and expansion of each block, output channels below, the size of the "
                    "feature map above. Arcs are residual connections."});
  page.subheading("Memory");
  add_plan(page, graph, oracle,
           {.network_name = "the winner", .resources = winner.resources, .budget = context.budget},
           folder);
}

}  // namespace

void add_search(HtmlPage& page, const search::SearchResult& result,
                const SearchReportContext& context, const std::filesystem::path& folder) {
  std::vector<Plot> plots = {curve_plot(result.evolution, result.random)};
  for (const Axis& axis : kAxes) plots.push_back(front_plot(result.front, axis));
  const Drawings drawings = draw(plots, folder);
  const auto [winner, found_by] = result.winner();
  page.heading("Search");
  page.paragraph(describe_cost(result));
  if (!context.note.empty()) page.paragraph(context.note);
  page.table(winner_rows(result), 1);
  page.paragraph(fmt::format("The winner was found by {}.", found_by));
  std::vector<Figure> figures = {figure_of(
      drawings, "search_curve",
      "Accuracy of each generation: mean, and the range from the least to the most; and the "
      "best so far.")};
  for (const Axis& axis : kAxes) {
    figures.push_back(
        figure_of(drawings, fmt::format("front_{}", name_of(axis.objective)),
                  fmt::format("Accuracy against {} of all networks evaluated.", axis.label)));
  }
  page.figures(figures);
  add_winner(page, winner, context, folder / "winner");
}

}  // namespace mcunet::report
