#include "space_stage.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/json_numbers.hpp"
#include "mcunet/core/progress.hpp"
#include "stage_run.hpp"
#include "stages.hpp"

namespace mcunet::pipeline {
namespace {

using Json = nlohmann::ordered_json;
using search::CdfPoint;
using search::ScheduleEffect;
using search::SpaceRanking;
using search::SpaceStatistics;
using search::SweepCell;

Json to_json(const SpaceStatistics& space) {
  Json json = {{"width", space.width},
               {"resolution", space.resolution},
               {"mean_macs", space.mean_macs},
               {"mean_macs_error", space.mean_macs_error},
               {"top20_macs", space.top20_macs},
               {"max_macs", space.max_macs},
               {"satisfying", space.satisfying},
               {"sampled", space.sampled},
               {"smallest_fits", space.smallest_fits},
               {"least_sram_bytes", space.least.peak_sram_bytes},
               {"least_flash_bytes", space.least.flash_bytes},
               {"least_latency_ms", space.least.latency_ms},
               {"least_energy_mj", space.least.energy_mj},
               {"above_bound_plans", space.above_bound_plans},
               {"unproven_plans", space.unproven_plans}};
  json["cdf"] = Json::array();
  for (const CdfPoint& point : space.cdf) json["cdf"].push_back({point.macs, point.share});
  return json;
}

SpaceStatistics space_from_json(const Json& json) {
  SpaceStatistics space;
  space.width = number_at(json, "width", 0.01, 8);
  space.resolution = static_cast<int>(integer_at(json, "resolution", 16, 1024));
  space.mean_macs = amount_at(json, "mean_macs");
  space.mean_macs_error = amount_at(json, "mean_macs_error");
  space.top20_macs = count_at(json, "top20_macs");
  space.max_macs = count_at(json, "max_macs");
  space.satisfying = count_at(json, "satisfying");
  space.sampled = count_at(json, "sampled");
  space.smallest_fits = json.at("smallest_fits").get<bool>();
  space.least.peak_sram_bytes = count_at(json, "least_sram_bytes");
  space.least.flash_bytes = count_at(json, "least_flash_bytes");
  space.least.latency_ms = amount_at(json, "least_latency_ms");
  space.least.energy_mj = amount_at(json, "least_energy_mj");
  space.above_bound_plans = count_at(json, "above_bound_plans");
  space.unproven_plans = count_at(json, "unproven_plans");
  for (const Json& point : json.at("cdf")) {
    space.cdf.push_back({integer_of(point.at(0), 0, kMostCount), number_of(point.at(1), 0, 1)});
  }
  return space;
}

template <typename Policies>
auto policy_named(const Policies& policies, const std::string& name) {
  for (const auto policy : policies) {
    if (name_of(policy) == name) return policy;
  }
  throw Error("{} is no schedule and no scratch", name);
}

ScheduleEffect effect_from_json(const Json& json) {
  return {
      .schedule = policy_named(engine::kSchedulePolicies, json.at("schedule").get<std::string>()),
      .scratch = policy_named(engine::kScratchPolicies, json.at("scratch").get<std::string>()),
      .best = space_from_json(json.at("best")),
      .in_best = space_from_json(json.at("in_best"))};
}

std::string spaces_csv(const SpaceRanking& ranking) {
  std::string csv =
      "rank,width,resolution,mean_macs,mean_macs_error,top20_macs,max_macs,satisfying,sampled\n";
  int rank = 0;
  for (const SpaceStatistics& s : ranking.spaces) {
    csv += fmt::format("{},{},{},{:.0f},{:.0f},{},{},{},{}\n", ++rank, s.width, s.resolution,
                       s.mean_macs, s.mean_macs_error, s.top20_macs, s.max_macs, s.satisfying,
                       s.sampled);
  }
  return csv;
}

std::string sweep_csv(const SpaceRanking& ranking) {
  std::string csv = "sram_bytes,flash_bytes,best_width,best_resolution,mean_macs\n";
  for (const SweepCell& cell : ranking.sweep) {
    csv += fmt::format("{},{},{},{},{:.0f}\n", cell.sram_bytes, cell.flash_bytes, cell.width,
                       cell.resolution, cell.mean_macs);
  }
  return csv;
}

SpaceRanking optimize(const Experiment& experiment) {
  const search::SpaceOptimizerOptions& options = experiment.space_optimization;
  const auto spaces = static_cast<std::int64_t>(options.widths.size() * options.resolutions.size());
  Progress progress("Optimizing the search space", spaces * options.samples, "networks");
  return search::optimize_space(experiment.space, experiment.oracle, experiment.budget, options,
                                [&](std::int64_t planned) { progress.advance(planned); });
}

std::vector<ScheduleEffect> compare(const Experiment& experiment, const SpaceRanking& ranking) {
  const search::SpaceOptimizerOptions& options = experiment.space_optimization;
  const std::int64_t networks = static_cast<std::int64_t>(ranking.spaces.size()) *
                                std::ssize(engine::kSchedulePolicies) *
                                std::min(options.comparison_samples, options.samples);
  Progress progress("Comparing schedules", networks, "networks");
  return search::compare_schedules(experiment.space, experiment.oracle, experiment.budget, options,
                                   ranking,
                                   [&](std::int64_t planned) { progress.advance(planned); });
}

}  // namespace

SpaceRanking run_space_stage(const Experiment& experiment, RunDirectory& run) {
  const auto read = [&] {
    const auto file = run.folder() / "space.json";
    return ranking_from_json(read_file(file), file.string());
  };
  const auto work = [&](SpaceRanking& ranking, const Begin& begin) {
    begin();
    ranking = optimize(experiment);
    ranking.schedules = compare(experiment, ranking);
    return ranking.is_feasible();
  };
  const auto write = [&](const SpaceRanking& ranking, double) {
    run.write("space.json", ranking_to_json(ranking));
    run.write("spaces.csv", spaces_csv(ranking));
    run.write("sweep.csv", sweep_csv(ranking));
  };
  // Later stages stay: a supernet that was given its width and resolution needs no ranking.
  return run_stage<SpaceRanking>(
      run, /*resume=*/true,
      {.name = kSpaceStage, .read = read, .work = work, .write = write, .discards = {}});
}

int training_resolution(const Experiment& experiment) {
  if (experiment.train.resolution) return *experiment.train.resolution;
  const SpaceRanking ranking = optimize(experiment);
  if (ranking.is_feasible()) return ranking.spaces.front().resolution;
  throw Error(
      "no network of the space {} fits {}, so there is no resolution to train at; say one with --resolution",
      experiment.space.name, experiment.device.name);
}

std::string ranking_to_json(const SpaceRanking& ranking) {
  Json json;
  json["spaces"] = Json::array();
  for (const SpaceStatistics& space : ranking.spaces) json["spaces"].push_back(to_json(space));
  json["best"] = nullptr;
  if (ranking.is_feasible()) {
    const SpaceStatistics& best = ranking.spaces.front();
    json["best"] = {
        {"width", best.width}, {"resolution", best.resolution}, {"mean_macs", best.mean_macs}};
  }
  json["sweep"] = Json::array();
  for (const SweepCell& cell : ranking.sweep) {
    json["sweep"].push_back({{"sram_bytes", cell.sram_bytes},
                             {"flash_bytes", cell.flash_bytes},
                             {"width", cell.width},
                             {"resolution", cell.resolution},
                             {"mean_macs", cell.mean_macs}});
  }
  json["schedules"] = Json::array();
  for (const ScheduleEffect& effect : ranking.schedules) {
    json["schedules"].push_back({{"schedule", name_of(effect.schedule)},
                                 {"scratch", name_of(effect.scratch)},
                                 {"best", to_json(effect.best)},
                                 {"in_best", to_json(effect.in_best)}});
  }
  json["seconds"] = ranking.seconds;
  return json.dump() + "\n";
}

SpaceRanking ranking_from_json(const std::string& text, const std::string& source) {
  try {
    const Json json = Json::parse(text);
    SpaceRanking ranking;
    for (const Json& space : json.at("spaces")) ranking.spaces.push_back(space_from_json(space));
    for (const Json& cell : json.at("sweep")) {
      ranking.sweep.push_back({count_at(cell, "sram_bytes"), count_at(cell, "flash_bytes"),
                               number_at(cell, "width", 0, 8),  // 0: nothing fits
                               static_cast<int>(integer_at(cell, "resolution", 0, 1024)),
                               amount_at(cell, "mean_macs")});
    }
    if (json.contains("schedules")) {  // not in folders of before they were compared
      for (const Json& effect : json.at("schedules")) {
        ranking.schedules.push_back(effect_from_json(effect));
      }
    }
    ranking.seconds = amount_at(json, "seconds");
    if (ranking.spaces.empty()) throw Error("it holds no spaces");
    return ranking;
  } catch (const std::exception& error) {
    fail_damaged(source, kSpaceStage, error);
  }
}

report::SpaceReportContext report_context(const Experiment& experiment) {
  const search::SpaceOptimizerOptions& options = experiment.space_optimization;
  return {.device_name = experiment.device.name,
          .space_name = experiment.space.name,
          .networks = search::space::count_networks(
              experiment.space.at(options.widths.front(), options.resolutions.front())),
          .budget = experiment.budget,
          .oracle = experiment.oracle};
}

}  // namespace mcunet::pipeline
