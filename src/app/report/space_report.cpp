#include "space_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "mcunet/core/files.hpp"
#include "plot.hpp"

namespace mcunet::report {
namespace {

using search::SpaceRanking;
using search::SpaceStatistics;
using search::SweepCell;

// Red is the best space; the others can be told apart on paper and by the colour-blind.
constexpr const char* kCurveColors[] = {"#d62728", "#1f77b4", "#ff9f1c", "#2ca02c", "#9467bd",
                                        "#8c564b", "#17becf", "#e377c2", "#7f7f7f", "#222222"};
constexpr std::size_t kCurves = std::size(kCurveColors);

double millions(double macs) { return macs / 1e6; }

std::string kib(std::int64_t bytes) {
  return fmt::format("{:.6g} KiB", static_cast<double>(bytes) / 1024);
}

// Figure 3: one curve per space, the best one red and bold.
Plot cdf_plot(const SpaceRanking& ranking) {
  Plot plot{.name = "space_cdf", .csv = "space,million_macs,cumulative_share\n", .height_px = 440};
  std::string curves;
  std::size_t count = 0;
  for (const SpaceStatistics& space : ranking.spaces) {
    if (!space.is_feasible() || count == kCurves) break;
    const std::string label = space_label(space.width, space.resolution);
    for (const search::CdfPoint& point : space.cdf) {
      plot.csv += fmt::format("{},{:.4f},{:.4f}\n", label,
                              millions(static_cast<double>(point.macs)), point.share);
    }
    const std::string style =
        fmt::format("lw {} lc rgb '{}'", count == 0 ? 3.0 : 1.5, kCurveColors[count]);
    curves += fmt::format(
        "{} 'space_cdf.csv' using (strcol(1) eq '{}' ? $2 : 1/0):3 "
        "skip 1 with lines {} title '{} | {:.1f}M'",
        count == 0 ? "" : ", \\\n ", label, style, label, millions(space.mean_macs));
    ++count;
  }
  plot.script =
      "set datafile missing NaN\n"
      "set key above horizontal Left reverse samplen 1.5 maxrows 4\n"
      "set xlabel 'FLOPs (million MACs)'\nset ylabel 'cumulative probability'\n"
      "set yrange [0:1]\n"
      "set arrow 1 from graph 0, first 0.8 to graph 1, first 0.8 nohead dt 2 lc rgb '#888888'\n"
      "set label 1 'top 20 %' at graph 0.01, first 0.83 tc rgb '#666666'\n"
      "plot " +
      curves;
  return plot;
}

template <typename Values, typename Label>
std::string axis_tics(const char* axis, const Values& values, Label label) {
  std::string tics;
  int index = 0;
  for (const auto& value : values) {
    tics += fmt::format("{}'{}' {}", index == 0 ? "" : ", ", label(value), index);
    ++index;
  }
  return fmt::format("set {}tics ({}) scale 0\nset {}range [-0.5:{}.5]\n", axis, tics, axis,
                     index - 1);
}

template <typename Set, typename Value>
int index_in(const Set& values, const Value& value) {
  return static_cast<int>(std::distance(values.begin(), values.find(value)));
}

constexpr char kHeatMap[] =
    "unset grid\nset border 0\n"
    "set palette defined (0 '#f7fbff', 0.5 '#6baed6', 1 '#08519c')\n"
    "unset colorbox\n";

// Cells with their value; text is white on dark cells. Columns: x, y, value, label. Values must lie
// in 0..`max`.
std::string heat_map_command(const std::string& name, double max) {
  return fmt::format(
      "set cbrange [0:{1}]\n"
      "set key off\n"
      "plot '{0}.csv' using 1:2:($1-0.5):($1+0.5):($2-0.5):($2+0.5):3 skip 1 "
      "with boxxyerror fs solid border lc rgb 'white' fc palette, \\\n"
      " '{0}.csv' using 1:2:(strcol(4)):($3 > {2} ? 0xffffff : 0x222222) "
      "skip 1 with labels tc rgb variable",
      name, max, 0.55 * max);
}

Plot grid_plot(const SpaceRanking& ranking) {
  std::set<double> widths;
  std::set<int> resolutions;
  for (const SpaceStatistics& space : ranking.spaces) {
    widths.insert(space.width);
    resolutions.insert(space.resolution);
  }
  Plot plot{.name = "space_grid", .csv = "x,y,mean_million_macs,label,width,resolution\n"};
  for (const SpaceStatistics& space : ranking.spaces) {
    const double mean = millions(space.mean_macs);
    plot.csv += fmt::format("{},{},{:.3f},{},{},{}\n", index_in(widths, space.width),
                            index_in(resolutions, space.resolution), mean,
                            space.is_feasible() ? fmt::format("{:.1f}", mean) : "-", space.width,
                            space.resolution);
  }
  double max = 1e-3;
  for (const SpaceStatistics& space : ranking.spaces)
    max = std::max(max, millions(space.mean_macs));
  plot.script = std::string(kHeatMap) +
                axis_tics("x", widths, [](double w) { return fmt::format("{}", w); }) +
                axis_tics("y", resolutions, [](int r) { return fmt::format("{}", r); }) +
                "set xlabel 'width multiplier'\nset ylabel 'resolution'\n" +
                heat_map_command(plot.name, max);
  return plot;
}

// Figure 12: the best width, or the best resolution, under each pair of limits.
template <typename Choice>
Plot sweep_plot(const SpaceRanking& ranking, const std::string& name, Choice choice) {
  std::set<std::int64_t> srams;
  std::set<std::int64_t> flashes;
  double max = 1e-9;
  for (const SweepCell& cell : ranking.sweep) {
    srams.insert(cell.sram_bytes);
    flashes.insert(cell.flash_bytes);
    max = std::max(max, static_cast<double>(choice(cell)));
  }
  Plot plot{.name = name, .csv = "x,y,best,label,sram_bytes,flash_bytes\n"};
  for (const SweepCell& cell : ranking.sweep) {
    plot.csv += fmt::format("{},{},{},{},{},{}\n", index_in(srams, cell.sram_bytes),
                            index_in(flashes, cell.flash_bytes), choice(cell),
                            cell.width == 0 ? "-" : fmt::format("{}", choice(cell)),
                            cell.sram_bytes, cell.flash_bytes);
  }
  const auto in_kib = [](std::int64_t bytes) { return fmt::format("{:.6g}", bytes / 1024.0); };
  plot.script = std::string(kHeatMap) + axis_tics("x", srams, in_kib) +
                axis_tics("y", flashes, in_kib) +
                "set xlabel 'SRAM limit (KiB)'\nset ylabel 'flash limit (KiB)'\n" +
                heat_map_command(name, max);
  return plot;
}

TableRows ranking_rows(const SpaceRanking& ranking) {
  TableRows rows = {{"rank", "space", "mean MACs (M)", "95 % ±", "top 20 % from (M)", "largest (M)",
                     "fit", "sampled"}};
  int rank = 0;
  for (const SpaceStatistics& s : ranking.spaces) {
    ++rank;
    if (!s.is_feasible()) {
      rows.push_back({std::to_string(rank), space_label(s.width, s.resolution), "-", "-", "-", "-",
                      "0", std::to_string(s.sampled)});
      continue;
    }
    rows.push_back({std::to_string(rank), space_label(s.width, s.resolution),
                    fmt::format("{:.2f}", millions(s.mean_macs)),
                    fmt::format("{:.2f}", millions(s.mean_macs_error)),
                    fmt::format("{:.2f}", millions(static_cast<double>(s.top20_macs))),
                    fmt::format("{:.2f}", millions(static_cast<double>(s.max_macs))),
                    std::to_string(s.satisfying), std::to_string(s.sampled)});
  }
  return rows;
}

std::string describe_budget(const engine::Budget& budget) {
  std::vector<std::string> limits;
  if (budget.sram_bytes) limits.push_back("SRAM " + kib(*budget.sram_bytes));
  if (budget.flash_bytes) limits.push_back("flash " + kib(*budget.flash_bytes));
  if (budget.latency_ms) limits.push_back(fmt::format("latency {} ms", *budget.latency_ms));
  if (budget.energy_mj) limits.push_back(fmt::format("energy {} mJ", *budget.energy_mj));
  return fmt::format("{}", fmt::join(limits, ", "));
}

std::string describe_planning(const SpaceRanking& ranking, const SpaceReportContext& context) {
  std::int64_t planned = 0;
  std::int64_t above = 0;
  std::int64_t unproven = 0;
  for (const SpaceStatistics& space : ranking.spaces) {
    planned += space.sampled;
    above += space.above_bound_plans;
    unproven += space.unproven_plans;
  }
  const engine::BitWidths& widths = context.oracle.widths;
  return fmt::format(
      "{} networks were planned in {:.2f} s ({} schedule, {} scratch accounting{}). "
      "The arena exceeds its lower bound in {} plans; {} of them are not proven optimal.",
      planned, ranking.seconds, engine::name_of(context.oracle.schedule),
      engine::name_of(context.oracle.scratch),
      widths == engine::BitWidths{} ? ""
                                    : fmt::format(", weights of {} and activations of {} bits",
                                                  widths.weights, widths.activations),
      above, unproven);
}

}  // namespace

std::string space_label(double width, int resolution) {
  return fmt::format("w{}-r{}", width, resolution);
}

std::string describe_fit(const SpaceStatistics& space) {
  const double mean = millions(space.mean_macs);
  if (space.satisfying > 0) {
    return fmt::format("{} of {} sampled networks fit, with {:.1f}M MACs on average",
                       space.satisfying, space.sampled, mean);
  }
  return fmt::format("none of {} sampled networks fits, but the smallest does, with {:.1f}M MACs",
                     space.sampled, mean);
}

TableRows schedule_rows(const SpaceRanking& ranking) {
  if (ranking.schedules.empty()) return {};
  const SpaceStatistics& chosen = ranking.spaces.front();
  const std::string name = space_label(chosen.width, chosen.resolution);
  const auto mean = [](const SpaceStatistics& space) {
    return space.is_feasible() ? fmt::format("{:.2f}", millions(space.mean_macs)) : "-";
  };
  const auto share = [](const SpaceStatistics& space) {
    return fmt::format("{:.1f} %", 100 * space.satisfying_share());
  };
  TableRows rows = {{"schedule", "scratch", "best space", "mean MACs (M)", "95 % ±", "fit",
                     "fit in " + name, "mean MACs there (M)"}};
  for (const search::ScheduleEffect& effect : ranking.schedules) {
    const SpaceStatistics& best = effect.best;
    const bool has_any = best.is_feasible();
    rows.push_back({std::string(name_of(effect.schedule)), std::string(name_of(effect.scratch)),
                    has_any ? space_label(best.width, best.resolution) : "nothing fits", mean(best),
                    has_any ? fmt::format("{:.2f}", millions(best.mean_macs_error)) : "-",
                    share(best), share(effect.in_best), mean(effect.in_best)});
  }
  return rows;
}

void add_space(HtmlPage& page, const SpaceRanking& ranking, const SpaceReportContext& context,
               const std::filesystem::path& folder) {
  std::vector<Plot> plots = {cdf_plot(ranking), grid_plot(ranking)};
  if (!ranking.sweep.empty()) {
    plots.push_back(sweep_plot(ranking, "sweep_width", [](const SweepCell& c) { return c.width; }));
    plots.push_back(
        sweep_plot(ranking, "sweep_resolution", [](const SweepCell& c) { return c.resolution; }));
  }
  const Drawings drawings = draw(plots, folder);
  const SpaceStatistics& best = ranking.spaces.front();
  page.paragraph(fmt::format(
      "The best space is {} of {}, within the limits ({}): {}; the top 20 % have at least {:.1f} million. "
      "It holds {} sub-networks.",
      space_label(best.width, best.resolution), context.space_name, describe_budget(context.budget),
      describe_fit(best), millions(static_cast<double>(best.top20_macs)), context.networks));
  page.paragraph(describe_planning(ranking, context));
  page.figures(
      {figure_of(drawings, "space_cdf",
                 "Cumulative distribution of the computation of networks within the limits, "
                 "for the best spaces. Further right is better."),
       figure_of(drawings, "space_grid",
                 "Mean computation (million MACs) of networks within the limits, "
                 "for every width and resolution; - where nothing fits.")});
  if (const TableRows rows = schedule_rows(ranking); !rows.empty()) {
    page.subheading("What the schedule makes of it");
    page.paragraph(fmt::format(
        "A schedule that takes less memory leaves room for spaces whose networks compute more. Each ranks all "
        "spaces anew, by {} networks of each: the space that it would choose, the share of its networks that "
        "fit and their mean computation, then the same of the space chosen above. tflm stands for TensorFlow "
        "Lite Micro with CMSIS-NN.",
        ranking.schedules.front().best.sampled));
    page.table(rows);
  }
  page.folded_table("The ranking in full", ranking_rows(ranking), 1);
  if (ranking.sweep.empty()) return;
  page.subheading("Sensitivity to the memory limits");
  page.figures({figure_of(drawings, "sweep_width",
                          "Best width multiplier under other SRAM and flash limits."),
                figure_of(drawings, "sweep_resolution",
                          "Best resolution under other SRAM and flash limits.")});
}

void write_space_report(const SpaceRanking& ranking, const SpaceReportContext& context,
                        const std::filesystem::path& folder) {
  HtmlPage page(fmt::format("Search space for {}", context.device_name));
  add_space(page, ranking, context, folder);
  write_file_atomically(folder / "index.html", page.to_string());
}

}  // namespace mcunet::report
