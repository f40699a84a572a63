#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "mcunet/search/pareto.hpp"
#include "mcunet/search/space/network.hpp"
#include "mcunet/search/space/subnet_json.hpp"
#include "search_stage.hpp"

// The files that the search leaves for people and scripts.
namespace mcunet::pipeline {
namespace {

using Json = nlohmann::ordered_json;
using search::Candidate;
using search::Objective;
using search::SearchState;

constexpr Objective kResources[] = {Objective::kSram, Objective::kFlash, Objective::kMacs,
                                    Objective::kLatency, Objective::kEnergy};

Json to_json(const engine::Resources& r) {
  return {{"macs", r.macs},
          {"params", r.params},
          {"peak_sram_bytes", r.peak_sram_bytes},
          {"lower_bound_bytes", r.lower_bound_bytes},
          {"flash_bytes", r.flash_bytes},
          {"latency_ms", r.latency_ms},
          {"latency_ms_low", r.latency_ms_low},
          {"latency_ms_high", r.latency_ms_high},
          {"energy_mj", r.energy_mj}};
}

Json to_json(const search::space::SearchSpace& space, const Candidate& candidate) {
  return {{"accuracy", candidate.accuracy},
          {"resources", to_json(candidate.resources)},
          {"subnet", Json::parse(subnet_to_json(space, candidate.subnet))}};
}

Json history_of(const SearchState& state) {
  Json rows = Json::array();
  std::size_t generation = 0;
  for (const search::GenerationSummary& row : search::summarize(state)) {
    rows.push_back({{"evaluations", row.evaluations},
                    {"best", row.best},
                    {"mean", row.mean},
                    {"min", row.min},
                    {"max", row.max},
                    {"hit_rate", row.hit_rate}});
    const auto& correlation = state.generations[generation++].predictor_rank_correlation;
    if (correlation) rows.back()["predictor_rank_correlation"] = *correlation;
  }
  return rows;
}

Json front_of(const search::space::SearchSpace& space, const SearchState& state,
              const std::vector<Objective>& objectives) {
  Json front = Json::array();
  for (std::size_t i : search::front_of(search::points_of(state.evaluated, objectives))) {
    front.push_back(to_json(space, state.evaluated[i]));
  }
  return front;
}

Json baseline_of(const search::space::SearchSpace& space, const SearchState& random) {
  if (random.best() == nullptr) return nullptr;
  return {{"best", to_json(space, *random.best())},
          {"evaluations", random.evaluated.size()},
          {"history", history_of(random)}};
}

Json cost_of(const search::SearchResult& result) {
  const double planning = result.front.planning_seconds + result.random.planning_seconds;
  const std::int64_t plans = result.front.plans + result.random.plans;
  return {{"seconds", result.seconds()},
          {"accuracy_seconds", result.front.accuracy_seconds + result.random.accuracy_seconds},
          {"overhead_share", result.overhead_share()},
          {"planning_seconds", planning},
          {"plans", plans},
          {"plans_per_second", planning > 0 ? static_cast<double>(plans) / planning : 0}};
}

}  // namespace

std::string search_to_json(const Experiment& experiment, const search::space::SearchSpace& space,
                           const search::SearchResult& result) {
  const auto [best, found_by] = result.winner();
  Json json = {{"winner", to_json(space, best)}, {"found_by", found_by}};
  json["winner"]["network"] =
      Json::parse(search::space::network_to_json(search::space::build_network(space, best.subnet)));
  json["evolution"] = to_json(space, *result.evolution.best());
  json["evaluations"] = result.evolution.evaluated.size();
  json["is_exhausted"] = result.evolution.is_exhausted;
  json["history"] = history_of(result.evolution);
  json["random"] = baseline_of(space, result.random);
  json["fronts"] = Json::object();
  for (Objective objective : kResources) {
    if (objective == Objective::kEnergy && experiment.device.power_mw == 0) continue;
    json["fronts"][name_of(objective)] =
        front_of(space, result.front, {Objective::kAccuracy, objective});
  }
  Json objectives = Json::array();
  for (Objective objective : experiment.search.front.objectives) {
    objectives.push_back(name_of(objective));
  }
  json["front"] = {{"objectives", objectives},
                   {"evaluations", result.front.evaluated.size()},
                   {"networks", front_of(space, result.front, experiment.search.front.objectives)}};
  json["cost"] = cost_of(result);
  return json.dump(1) + "\n";
}

std::string search_to_csv(const search::space::SearchSpace& space,
                          const search::SearchResult& result) {
  std::string csv =
      "search,generation,accuracy,peak_sram_bytes,flash_bytes,macs,params,latency_ms,energy_mj,"
      "subnet\n";
  const auto add = [&](const char* name, const SearchState& state, std::size_t first) {
    std::size_t generation = 0;
    std::int64_t left = state.generations.empty() ? 0 : state.generations[0].evaluated;
    for (std::size_t i = 0; i < state.evaluated.size(); ++i, --left) {
      while (left == 0) left = state.generations[++generation].evaluated;
      if (i < first) continue;
      const Candidate& c = state.evaluated[i];
      std::string subnet;  // quotes doubled, as CSV has it
      for (char character : subnet_to_json(space, c.subnet)) {
        subnet += character == '"' ? "\"\"" : std::string(1, character);
      }
      csv += fmt::format("{},{},{},{},{},{},{},{},{},\"{}\"\n", name, generation, c.accuracy,
                         c.resources.peak_sram_bytes, c.resources.flash_bytes, c.resources.macs,
                         c.resources.params, c.resources.latency_ms, c.resources.energy_mj, subnet);
    }
  };
  add("evolution", result.evolution, 0);
  add("random", result.random, 0);
  add("front", result.front, result.evolution.evaluated.size());
  return csv;
}

}  // namespace mcunet::pipeline
