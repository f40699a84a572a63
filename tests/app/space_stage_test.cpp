#include "pipeline/space_stage.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "mcunet/core/files.hpp"

namespace mcunet::pipeline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

class SpaceStage : public testing::Test {
 protected:
  static Experiment make_experiment(const std::string& rest = "") {
    return read_experiment(
        parse_config("device: stm32f746\nspace: proxyless\n"
                     "space_optimization: {widths: [0.3, 0.5], resolutions: [48, 96], samples: 5,\n"
                     "  sweep: {sram_kib: [128], flash_kib: [1024]}}\n" +
                         rest,
                     "x.yaml"));
  }
  RunDirectory make_run(Experiment experiment, bool resume = false) const {
    return {folder_ / "run", write_fields(fields_of(experiment)), experiment.seed, resume};
  }

  ScopedVariable configs_{"MCUNET_CONFIGS", MCUNET_SOURCE_DIR "/configs"};
  TemporaryFolder folder_;
};

TEST_F(SpaceStage, WritesItsResultsAndCompletes) {
  const Experiment experiment = make_experiment();
  RunDirectory run = make_run(experiment);
  const search::SpaceRanking ranking = run_space_stage(experiment, run);
  EXPECT_EQ(ranking.spaces.size(), 4u);
  EXPECT_TRUE(run.is_complete(kSpaceStage));
  EXPECT_THAT(folder_.list(), ElementsAre("run", "run/manifest.json", "run/space.json",
                                          "run/spaces.csv", "run/sweep.csv"));
  EXPECT_EQ(read_file(folder_ / "run/space.json"), ranking_to_json(ranking));
  EXPECT_THAT(read_file(folder_ / "run/spaces.csv"), StartsWith("rank,width,resolution,"));
}

TEST_F(SpaceStage, WeightsOfFourBitsMakeRoomForMoreComputation) {
  const auto rank = [&](int weight_bits) {
    const Experiment experiment =
        make_experiment(fmt::format("budget: {{flash_kib: 400}}\n"
                                    "quantization: {{weight_bits: {}}}\n",
                                    weight_bits));
    RunDirectory run(folder_ / std::to_string(weight_bits), {}, 0, false);
    return run_space_stage(experiment, run);
  };
  const search::SpaceRanking eight = rank(8);
  const search::SpaceRanking four = rank(4);
  const auto satisfying = [](const search::SpaceRanking& ranking) {
    std::int64_t sum = 0;
    for (const search::SpaceStatistics& space : ranking.spaces) sum += space.satisfying;
    return sum;
  };
  EXPECT_GT(satisfying(four), satisfying(eight));
  EXPECT_GT(four.spaces.front().mean_macs, eight.spaces.front().mean_macs);
}

TEST_F(SpaceStage, ACompleteStageIsReadBack) {
  const Experiment experiment = make_experiment();
  {
    RunDirectory run = make_run(experiment);
    run_space_stage(experiment, run);
  }
  auto json = nlohmann::ordered_json::parse(read_file(folder_ / "run/space.json"));
  json["seconds"] = 1234.5;
  folder_.write("run/space.json", json.dump());
  RunDirectory run = make_run(experiment, /*resume=*/true);
  EXPECT_EQ(run_space_stage(experiment, run).seconds, 1234.5);
}

TEST_F(SpaceStage, WritesNothingIfNothingFits) {
  const Experiment experiment = make_experiment("budget: {sram_kib: 1}\n");
  RunDirectory run = make_run(experiment);
  const search::SpaceRanking ranking = run_space_stage(experiment, run);
  EXPECT_FALSE(ranking.is_feasible());
  EXPECT_FALSE(run.is_complete(kSpaceStage));
  EXPECT_THAT(folder_.list(), IsEmpty());
}

TEST_F(SpaceStage, JsonRoundTrip) {
  const Experiment experiment = make_experiment();
  RunDirectory run = make_run(experiment);
  const std::string text = ranking_to_json(run_space_stage(experiment, run));
  EXPECT_EQ(ranking_to_json(ranking_from_json(text, "space.json")), text);
}

TEST_F(SpaceStage, ReadsAResultOfBeforeSchedulesWereCompared) {
  const Experiment experiment = make_experiment();
  RunDirectory run = make_run(experiment);
  const search::SpaceRanking ranking = run_space_stage(experiment, run);
  EXPECT_EQ(ranking.schedules.size(), 4u);
  auto json = nlohmann::ordered_json::parse(ranking_to_json(ranking));
  EXPECT_EQ(json.at("schedules").at(0).at("schedule"), "tflm");
  json.at("schedules").at(0)["schedule"] = "slow";
  EXPECT_THAT(error_of([&] { ranking_from_json(json.dump(), "space.json"); }),
              testing::HasSubstr("slow is no schedule"));
  json.erase("schedules");
  EXPECT_THAT(ranking_from_json(json.dump(), "space.json").schedules, IsEmpty());
}

TEST_F(SpaceStage, RefusesADamagedResult) {
  for (const char* damage : {"", "{", "[]", "{}", R"({"spaces": 1, "sweep": [], "seconds": 0})",
                             R"({"spaces": [], "sweep": [], "seconds": 0})",
                             R"({"spaces": [{"width": 1}], "sweep": [], "seconds": 0})"}) {
    EXPECT_THAT(error_of([&] { ranking_from_json(damage, "space.json"); }),
                StartsWith("space.json: is no result of the space stage: "))
        << damage;
  }
}

TEST_F(SpaceStage, TheReportsContextNamesTheJob) {
  const report::SpaceReportContext context = report_context(make_experiment());
  EXPECT_EQ(context.device_name, "stm32f746");
  EXPECT_EQ(context.space_name, "proxyless");
  EXPECT_EQ(context.budget.sram_bytes, 312 * 1024);
}

}  // namespace
}  // namespace mcunet::pipeline
