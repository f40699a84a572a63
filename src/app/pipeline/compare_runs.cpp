#include "compare_runs.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "bit_widths.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/json_numbers.hpp"
#include "mcunet/core/progress.hpp"
#include "report/cost_report.hpp"
#include "report/overlay_plot.hpp"
#include "report/space_report.hpp"
#include "space_stage.hpp"

namespace mcunet::pipeline {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using report::PlotPoint;

struct Axis {
  const char* front;  // in search.json
  const char* resource;
  const char* label;
  double unit;
};

constexpr Axis kAxes[] = {{"sram", "peak_sram_bytes", "peak SRAM (KiB)", 1024},
                          {"flash", "flash_bytes", "flash (KiB)", 1024},
                          {"latency", "latency_ms", "latency (ms, estimate)", 1}};

struct ComparedRun {
  RunSummary summary;
  std::string label;  // in the plots
  std::vector<PlotPoint> curve;
  std::vector<std::vector<PlotPoint>> fronts;  // by kAxes
  std::optional<report::SpaceAccuracy> in_space;
};

std::vector<PlotPoint> curve_of(const Json& search) {
  std::vector<PlotPoint> points;
  for (const Json& row : search.at("history")) {
    points.push_back(
        {static_cast<double>(count_at(row, "evaluations")), 100 * share_at(row, "best")});
  }
  return points;
}

std::vector<PlotPoint> front_of(const Json& search, const Axis& axis) {
  std::vector<PlotPoint> points;
  for (const Json& network : search.at("fronts").at(axis.front)) {
    points.push_back({amount_at(network.at("resources"), axis.resource) / axis.unit,
                      100 * share_at(network, "accuracy")});
  }
  std::sort(points.begin(), points.end(),
            [](const PlotPoint& a, const PlotPoint& b) { return a.x < b.x; });
  return points;
}

// Nothing if the space was not chosen among others.
std::optional<report::SpaceAccuracy> accuracy_in_space(const RunSummary& summary) {
  const fs::path file = summary.folder / "space.json";
  if (!summary.stages.contains(kSpaceStage) || !fs::exists(file)) return std::nullopt;
  const search::SpaceRanking ranking = ranking_from_json(read_file(file), file.string());
  for (const search::SpaceStatistics& space : ranking.spaces) {
    if (space.width != summary.width || space.resolution != summary.resolution) continue;
    return report::SpaceAccuracy{report::space_label(space.width, space.resolution),
                                 space.mean_macs, *summary.search_score};
  }
  return std::nullopt;
}

ComparedRun read_run(const fs::path& folder, std::size_t number) {
  for (const char* file : {"train.json", "search.json"}) {
    if (!fs::exists(folder / file)) throw Error("{}: has no {}", folder.string(), file);
  }
  ComparedRun run{.summary = read_run_summary(folder)};
  const RunSummary& summary = run.summary;
  for (const char* stage : {kTrainStage, kSearchStage}) {
    if (summary.stages.contains(stage)) continue;
    throw Error("{}: its stage {} is not complete", folder.string(), stage);
  }
  run.label = fmt::format("{}: {}, {}", number, summary.device,
                          report::space_label(*summary.width, *summary.resolution));
  read_result(folder, kSearchStage, [&](const Json& search) {
    run.curve = curve_of(search);
    for (const Axis& axis : kAxes) run.fronts.push_back(front_of(search, axis));
    return true;
  });
  run.in_space = accuracy_in_space(summary);
  return run;
}

// A figure of a run, and what it is called.
struct Property {
  std::string name;
  std::string value;
};

std::vector<Property> properties_of(const RunSummary& s) {
  const auto share = [](const std::optional<Score>& value) {
    return value ? describe_share(*value) : "-";
  };
  const std::string title = s.metric->title;
  const StageCost cost = report::sum_of(s.stages);
  return {{"device", s.device},
          {"space", fmt::format("{} {}", s.space, report::space_label(*s.width, *s.resolution))},
          {title + ", search split", describe_percent(*s.search_score)},
          {title + " in float, test set", share(s.in_float)},
          {title + " in int8, test set", share(s.int8)},
          {"weights, activations", describe_bits(s.widths)},
          {"measured", s.int8 ? describe_examples(*s.int8) : "-"},
          {"SRAM", describe_kib(s.resources->peak_sram_bytes)},
          {"flash", describe_kib(s.resources->flash_bytes)},
          {"latency, estimate", describe_latency(*s.resources)},
          {"MACs", fmt::format("{:.2f}M", static_cast<double>(s.resources->macs) / 1e6)},
          {"parameters", fmt::format("{:.3f}M", static_cast<double>(s.resources->params) / 1e6)},
          {"fits", s.fits ? (*s.fits ? "yes" : "no") : "-"},
          {"design time", format_duration(cost.wall_seconds)},
          {"processors", format_duration(cost.cpu_seconds)}};
}

// A column for each run, so that a telephone shows two of them whole.
void add_table(report::HtmlPage& page, const std::vector<ComparedRun>& runs) {
  report::TableRows rows = {{""}};
  for (std::size_t i = 0; i < runs.size(); ++i) {
    rows[0].push_back(fmt::format("{}: {}", i + 1, runs[i].summary.folder.string()));
    std::size_t row = 0;
    for (const Property& property : properties_of(runs[i].summary)) {
      if (++row == rows.size()) rows.push_back({property.name});
      rows[row].push_back(property.value);
    }
  }
  page.table(rows);
  page.paragraph(
      "In parentheses: of accuracies, the interval that holds the true one with 95 % confidence; of "
      "latencies, the low and the high estimate. Accuracies in float and int8 are of the test set.");
}

std::vector<report::Series> series_of(const std::vector<ComparedRun>& runs, const auto& points_of) {
  std::vector<report::Series> series;
  for (const ComparedRun& run : runs) series.push_back({run.label, points_of(run)});
  return series;
}

void add_plots(report::HtmlPage& page, const std::vector<ComparedRun>& runs,
               const fs::path& folder) {
  constexpr char kAccuracy[] = "accuracy on the search split (%)";
  std::vector<report::Plot> plots = {report::overlay_plot(
      {.name = "search_curves",
       .x_label = "networks evaluated",
       .y_label = kAccuracy,
       .series = series_of(runs, [](const ComparedRun& run) { return run.curve; })})};
  std::vector<std::string> captions = {"The best network that each search had found."};
  for (std::size_t i = 0; i < std::size(kAxes); ++i) {
    plots.push_back(report::overlay_plot(
        {.name = fmt::format("fronts_{}", kAxes[i].front),
         .x_label = kAxes[i].label,
         .y_label = kAccuracy,
         .is_front = true,
         .series = series_of(runs, [i](const ComparedRun& run) { return run.fronts[i]; })}));
    captions.push_back(
        fmt::format("The front of each search: accuracy against {}.", kAxes[i].label));
  }
  std::vector<report::SpaceAccuracy> spaces;
  for (const ComparedRun& run : runs) {
    if (run.in_space) spaces.push_back(*run.in_space);
  }
  if (spaces.size() > 1) {
    plots.push_back(report::accuracy_by_space_plot(spaces));
    captions.emplace_back("The winner's accuracy against the mean computation of its space.");
  }
  const report::Drawings drawings = report::draw(plots, folder);
  std::vector<report::Figure> figures;
  for (std::size_t i = 0; i < plots.size(); ++i) {
    figures.push_back(report::figure_of(drawings, plots[i].name, captions[i]));
  }
  page.figures(figures);
}

}  // namespace

std::vector<RunSummary> compare_runs(const std::vector<fs::path>& runs, const fs::path& folder) {
  std::vector<ComparedRun> compared;
  for (const fs::path& run : runs) {
    compared.push_back(read_run(run, compared.size() + 1));
    const Metric* const first = compared.front().summary.metric;
    const Metric* const metric = compared.back().summary.metric;
    if (metric == first) continue;
    throw Error("{}: is scored by {}, {} by {}; compare runs of one task", run.string(),
                metric->title, runs.front().string(), first->title);
  }
  report::HtmlPage page(fmt::format("{} runs compared", runs.size()));
  add_table(page, compared);
  page.subheading("Searches");
  add_plots(page, compared, folder);
  write_file_atomically(folder / "index.html", page.to_string());
  std::vector<RunSummary> summaries;
  for (ComparedRun& run : compared) summaries.push_back(std::move(run.summary));
  return summaries;
}

}  // namespace mcunet::pipeline
