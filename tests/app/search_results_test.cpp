#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "core/temporary_folder.hpp"
#include "pipeline/search_stage.hpp"
#include "search/synthetic_accuracy.hpp"

namespace mcunet::pipeline {
namespace {

search::SearchResult make_result(const search::space::SearchSpace& space) {
  search::SearchState state;
  state.evaluated = {{smallest(space), {.peak_sram_bytes = 10, .macs = 5}, 0.25},
                     {largest(space),
                      {.peak_sram_bytes = 20,
                       .macs = 9,
                       .latency_ms = 4,
                       .latency_ms_low = 3,
                       .latency_ms_high = 5},
                      0.5}};
  state.generations = {{.evaluated = 1, .planned = 4, .fitting = 1},
                       {.evaluated = 0},
                       {.evaluated = 1, .planned = 1, .fitting = 1}};
  state.seconds = 10;
  state.accuracy_seconds = 9.9;
  state.plans = 100;
  state.planning_seconds = 0.05;
  return {.evolution = state, .random = {}, .front = state};
}

TEST(SearchResults, CsvHasALinePerNetwork) {
  const search::space::SearchSpace space = search::space::make_tiny_space();
  EXPECT_EQ(
      search_to_csv(space, make_result(space)),
      "search,generation,accuracy,peak_sram_bytes,flash_bytes,macs,params,latency_ms,"
      "energy_mj,subnet\n"
      "evolution,0,0.25,10,0,5,0,0,0,\"{\"\"width\"\":1.0,\"\"resolution\"\":32,"
      "\"\"depths\"\":[1,1],\"\"kernels\"\":[[3],[3]],\"\"expand_ratios\"\":[[3.0],[3.0]]}\"\n"
      "evolution,2,0.5,20,0,9,0,4,0,\"{\"\"width\"\":1.0,\"\"resolution\"\":32,"
      "\"\"depths\"\":[2,1],\"\"kernels\"\":[[5,5],[3]],\"\"expand_ratios\"\":[[3.0,3.0],"
      "[6.0]]}\"\n");
}

TEST(SearchResults, JsonHasTheBestThatWasMeasured) {
  const ScopedVariable configs("MCUNET_CONFIGS", MCUNET_SOURCE_DIR "/configs");
  const search::space::SearchSpace space = search::space::make_tiny_space();
  const Experiment experiment =
      read_experiment(parse_config("device: stm32f746\nspace: proxyless\n", "x.yaml"));
  search::SearchResult result = make_result(space);
  const auto to_json = [&] {
    return nlohmann::json::parse(search_to_json(experiment, space, result));
  };
  EXPECT_EQ(to_json()["found_by"], "evolution");
  result.random = result.evolution;
  result.random.evaluated[0].accuracy = 0.75;
  EXPECT_EQ(to_json()["found_by"], "random search");
  EXPECT_EQ(to_json()["winner"]["accuracy"], 0.75);
  EXPECT_EQ(to_json()["winner"]["resources"]["peak_sram_bytes"], 10);
  EXPECT_EQ(to_json()["evolution"]["accuracy"], 0.5);
}

TEST(SearchResults, JsonTellsTheCostOfTheSearch) {
  const ScopedVariable configs("MCUNET_CONFIGS", MCUNET_SOURCE_DIR "/configs");
  const search::space::SearchSpace space = search::space::make_tiny_space();
  const Experiment experiment =
      read_experiment(parse_config("device: stm32f746\nspace: proxyless\n", "x.yaml"));
  const auto json = nlohmann::json::parse(search_to_json(experiment, space, make_result(space)));
  EXPECT_NEAR(json["cost"]["overhead_share"], 0.01, 1e-12);
  EXPECT_EQ(json["cost"]["plans_per_second"], 2000);
  EXPECT_EQ(json["history"].size(), 2u) << "a generation without networks is no row";
  EXPECT_EQ(json["fronts"]["sram"].size(), 2u);
  EXPECT_EQ(json["winner"]["accuracy"], 0.5);
  EXPECT_EQ(json["winner"]["resources"]["latency_ms"], 4);
  EXPECT_EQ(json["winner"]["resources"]["latency_ms_low"], 3);
  EXPECT_EQ(json["winner"]["resources"]["latency_ms_high"], 5);
}

}  // namespace
}  // namespace mcunet::pipeline
