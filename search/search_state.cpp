#include "mcunet/search/search_state.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "mcunet/core/error.hpp"
#include "mcunet/search/space/subnet_json.hpp"

namespace mcunet::search {
namespace {

using Json = nlohmann::ordered_json;
using engine::Resources;

constexpr int kStateFormat = 1;

// A list rather than a map: a state holds thousands of them and is written after each generation.
Json to_json(const Resources& r) {
  return Json::array({r.peak_sram_bytes, r.lower_bound_bytes, r.flash_bytes, r.macs, r.params,
                      r.latency_ms, r.energy_mj, r.is_optimal});
}

Resources resources_from_json(const Json& json) {
  return {.peak_sram_bytes = json.at(0),
          .lower_bound_bytes = json.at(1),
          .flash_bytes = json.at(2),
          .macs = json.at(3),
          .params = json.at(4),
          .latency_ms = json.at(5),
          .energy_mj = json.at(6),
          .is_optimal = json.at(7)};
}

Json to_json(const Generation& g) {
  Json json = {{"evaluated", g.evaluated},
               {"planned", g.planned},
               {"fitting", g.fitting},
               {"duplicates", g.duplicates},
               {"is_front", g.is_front}};
  if (g.predictor_rank_correlation) {
    json["predictor_rank_correlation"] = *g.predictor_rank_correlation;
  }
  return json;
}

Generation generation_from_json(const Json& json) {
  Generation g{.evaluated = json.at("evaluated"),
               .planned = json.at("planned"),
               .fitting = json.at("fitting"),
               .duplicates = json.at("duplicates"),
               .is_front = json.at("is_front")};
  if (json.contains("predictor_rank_correlation")) {
    g.predictor_rank_correlation = json.at("predictor_rank_correlation").get<double>();
  }
  return g;
}

SearchState read_state(const space::SearchSpace& space, const Json& json,
                       const std::string& source) {
  if (json.at("format") != kStateFormat) throw Error("{}: is of another version", source);
  SearchState state;
  std::int64_t evaluated = 0;
  for (const Json& generation : json.at("generations")) {
    state.generations.push_back(generation_from_json(generation));
    evaluated += state.generations.back().evaluated;
  }
  for (const Json& entry : json.at("evaluated")) {
    state.evaluated.push_back({space::subnet_from_json(space, entry.at(0).dump(), source),
                               resources_from_json(entry.at(1)), entry.at(2)});
  }
  if (evaluated != static_cast<std::int64_t>(state.evaluated.size())) {
    throw Error("{}: has {} networks in generations of {}", source, state.evaluated.size(),
                evaluated);
  }
  json.at("is_exhausted").get_to(state.is_exhausted);
  json.at("infeasible").get_to(state.infeasible);
  json.at("seconds").get_to(state.seconds);
  json.at("accuracy_seconds").get_to(state.accuracy_seconds);
  json.at("planning_seconds").get_to(state.planning_seconds);
  json.at("plans").get_to(state.plans);
  return state;
}

}  // namespace

const Candidate* SearchState::best() const {
  const auto found = std::max_element(
      evaluated.begin(), evaluated.end(),
      [](const Candidate& a, const Candidate& b) { return a.accuracy < b.accuracy; });
  return found == evaluated.end() ? nullptr : &*found;
}

double SearchState::overhead_share() const {
  return seconds > 0 ? std::max(0.0, 1 - accuracy_seconds / seconds) : 0;
}

std::vector<GenerationSummary> summarize(const SearchState& state) {
  std::vector<GenerationSummary> rows;
  auto at = state.evaluated.begin();
  GenerationSummary row;
  for (const Generation& generation : state.generations) {
    const auto end = at + generation.evaluated;
    row.evaluations += generation.evaluated;
    row.hit_rate = generation.planned > 0 ? static_cast<double>(generation.fitting) /
                                                static_cast<double>(generation.planned)
                                          : 0;
    if (at == end) continue;
    row.min = row.max = at->accuracy;
    double sum = 0;
    for (; at != end; ++at) {
      sum += at->accuracy;
      row.min = std::min(row.min, at->accuracy);
      row.max = std::max(row.max, at->accuracy);
    }
    row.mean = sum / static_cast<double>(generation.evaluated);
    row.best = std::max(row.best, row.max);
    rows.push_back(row);
  }
  return rows;
}

std::string state_to_json(const space::SearchSpace& space, const SearchState& state) {
  Json json = {{"format", kStateFormat},
               {"is_exhausted", state.is_exhausted},
               {"infeasible", state.infeasible},
               {"seconds", state.seconds},
               {"accuracy_seconds", state.accuracy_seconds},
               {"planning_seconds", state.planning_seconds},
               {"plans", state.plans},
               {"generations", Json::array()}};
  for (const Generation& generation : state.generations) {
    json["generations"].push_back(to_json(generation));
  }
  // The networks are text already; a parse of each would only undo that.
  std::string text = json.dump();
  text.pop_back();
  text += ",\"evaluated\":[";
  const char* separator = "\n";
  for (const Candidate& candidate : state.evaluated) {
    text += separator;
    text += '[' + subnet_to_json(space, candidate.subnet) + ',' +
            to_json(candidate.resources).dump() + ',' + Json(candidate.accuracy).dump() + ']';
    separator = ",\n";
  }
  return text + "]}\n";
}

SearchState state_from_json(const space::SearchSpace& space, std::string_view text,
                            const std::string& source) {
  try {
    return read_state(space, Json::parse(text), source);
  } catch (const Json::exception& error) {
    throw Error("{}: is no state of a search: {}", source, error.what());
  }
}

}  // namespace mcunet::search
