#include "mcunet/search/search_state.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "mcunet/core/error.hpp"
#include "mcunet/core/json_numbers.hpp"
#include "mcunet/search/space/subnet_json.hpp"

namespace mcunet::search {
namespace {

using Json = nlohmann::ordered_json;
using engine::Resources;

constexpr int kStateFormat = 2;

// A list rather than a map: a state holds thousands of them and is written after each generation.
Json to_json(const Resources& r) {
  return Json::array({r.peak_sram_bytes, r.lower_bound_bytes, r.flash_bytes, r.macs, r.params,
                      r.latency_ms, r.latency_ms_low, r.latency_ms_high, r.energy_mj,
                      r.is_optimal});
}

Resources resources_from_json(const Json& json) {
  const auto count = [&](std::size_t i) { return integer_of(json.at(i), 0, kMostCount); };
  const auto amount = [&](std::size_t i) { return number_of(json.at(i), 0, kMostCount); };
  return {.peak_sram_bytes = count(0),
          .lower_bound_bytes = count(1),
          .flash_bytes = count(2),
          .macs = count(3),
          .params = count(4),
          .latency_ms = amount(5),
          .latency_ms_low = amount(6),
          .latency_ms_high = amount(7),
          .energy_mj = amount(8),
          .is_optimal = json.at(9)};
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
  Generation g{.evaluated = count_at(json, "evaluated"),
               .planned = count_at(json, "planned"),
               .fitting = count_at(json, "fitting"),
               .duplicates = count_at(json, "duplicates"),
               .is_front = json.at("is_front")};
  if (json.contains("predictor_rank_correlation")) {
    g.predictor_rank_correlation = number_at(json, "predictor_rank_correlation", -1, 1);
  }
  return g;
}

SearchState read_state(const space::SearchSpace& space, const Json& json,
                       const std::string& source) {
  if (json.at("format") != kStateFormat) throw Error("it is of another version");
  SearchState state;
  std::int64_t evaluated = 0;
  for (const Json& generation : json.at("generations")) {
    state.generations.push_back(generation_from_json(generation));
    evaluated += state.generations.back().evaluated;
  }
  for (const Json& entry : json.at("evaluated")) {
    state.evaluated.push_back({space::subnet_from_json(space, entry.at(0).dump(), source),
                               resources_from_json(entry.at(1)), number_of(entry.at(2), 0, 1)});
  }
  if (evaluated != static_cast<std::int64_t>(state.evaluated.size())) {
    throw Error("it has {} networks in generations of {}", state.evaluated.size(), evaluated);
  }
  json.at("is_exhausted").get_to(state.is_exhausted);
  json.at("infeasible").get_to(state.infeasible);
  state.seconds = amount_at(json, "seconds");
  state.accuracy_seconds = amount_at(json, "accuracy_seconds");
  state.planning_seconds = amount_at(json, "planning_seconds");
  state.plans = count_at(json, "plans");
  return state;
}

}  // namespace

bool is_better(const Candidate& a, const Candidate& b) {
  const auto key = [](const Candidate& c) {
    return std::tuple(-c.accuracy, c.resources.peak_sram_bytes, c.resources.latency_ms);
  };
  return key(a) < key(b);
}

const Candidate* SearchState::best() const {
  const auto found = std::min_element(evaluated.begin(), evaluated.end(), is_better);
  return found == evaluated.end() ? nullptr : &*found;
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
  } catch (const std::exception& error) {
    throw Error(
        "{}: is no state of this search: {}; "
        "remove it, and the search goes on with --resume from the accuracies that it has",
        source, error.what());
  }
}

}  // namespace mcunet::search
