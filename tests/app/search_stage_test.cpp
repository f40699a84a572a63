#include "pipeline/search_stage.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "mcunet/core/files.hpp"
#include "search/synthetic_accuracy.hpp"

namespace mcunet::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::StartsWith;

// An accuracy that fails after some evaluations, as a killed process would.
class Mortal : public search::SyntheticAccuracy {
 public:
  explicit Mortal(int limit) : SyntheticAccuracy(3), limit_(limit) {}

  double estimate(const search::space::Subnet& subnet) override {
    if (asked >= limit_) throw Error("killed");
    return SyntheticAccuracy::estimate(subnet);
  }

 private:
  int limit_;
};

class SearchStage : public testing::Test {
 protected:
  static Experiment make_experiment(const std::string& rest = "") {
    return read_experiment(
        parse_config("device: stm32f746\nspace: proxyless\nseed: 5\n"
                     "search: {population: 20, parents: 5, crossovers: 10, mutations: 10,\n"
                     "  iterations: 3, screening: 2, threads: 1,\n"
                     "  front: {objectives: [accuracy, sram], population: 10, iterations: 2}}\n" +
                         rest,
                     "x.yaml"));
  }
  search::SearchResult run(const Experiment& experiment, search::AccuracyEstimator& estimator,
                           bool resume = false, const std::string& identity = "supernet") {
    Experiment copy = experiment;
    RunDirectory directory(folder_ / "run", write_fields(fields_of(copy)), experiment.seed, resume);
    return run_search_stage(experiment, experiment.space.at(0.3, 96), {estimator, identity},
                            directory, resume);
  }
  nlohmann::json read_json() const {
    return nlohmann::json::parse(read_file(folder_ / "run/search.json"));
  }

  ScopedVariable configs_{"MCUNET_CONFIGS", MCUNET_SOURCE_DIR "/configs"};
  TemporaryFolder folder_;
};

TEST_F(SearchStage, WritesItsResultsAndCompletes) {
  Mortal accuracy(1000);
  const search::SearchResult result = run(make_experiment(), accuracy);
  EXPECT_EQ(result.evolution.evaluated.size(), 80u);
  EXPECT_EQ(result.random.evaluated.size(), 80u);
  EXPECT_EQ(result.front.evaluated.size(), 100u);
  EXPECT_EQ(accuracy.asked, 80 + 60 + 20) << "the first generations are the same networks";
  EXPECT_THAT(folder_.list(),
              IsSupersetOf({"run/manifest.json", "run/search.csv", "run/search.json",
                            "run/search/accuracies.jsonl", "run/search/evolution.json",
                            "run/search/front.json", "run/search/random.json"}));
  const std::string csv = read_file(folder_ / "run/search.csv");
  EXPECT_THAT(csv, StartsWith("search,generation,accuracy,"));
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 1 + 80 + 80 + 20);
}

TEST_F(SearchStage, JsonHoldsWinnerHistoryBaselineAndFronts) {
  Mortal accuracy(1000);
  const Experiment experiment = make_experiment();
  const search::SearchResult result = run(experiment, accuracy);
  const nlohmann::json json = read_json();
  EXPECT_EQ(json["winner"]["accuracy"], result.winner().network.accuracy);
  EXPECT_EQ(json["found_by"], result.winner().found_by);
  EXPECT_EQ(json["evolution"]["accuracy"], result.evolution.best()->accuracy);
  EXPECT_LE(json["winner"]["resources"]["peak_sram_bytes"], *experiment.budget.sram_bytes);
  const auto network =
      search::space::network_from_json(json["winner"]["network"].dump(), "network");
  EXPECT_EQ(network.resolution, 96);
  EXPECT_EQ(cost_of(lower(network)).macs, json["winner"]["resources"]["macs"]);
  ASSERT_EQ(json["history"].size(), 4u);
  EXPECT_EQ(json["history"][3]["evaluations"], 80);
  EXPECT_TRUE(json["history"][3].contains("predictor_rank_correlation"));
  EXPECT_FALSE(json["history"][0].contains("predictor_rank_correlation"));
  EXPECT_EQ(json["random"]["evaluations"], 80);
  EXPECT_THAT(json["front"]["objectives"], ElementsAre("accuracy", "sram"));
  EXPECT_EQ(json["front"]["evaluations"], 100);
  for (const char* name : {"sram", "flash", "macs", "latency", "energy"}) {
    EXPECT_FALSE(json["fronts"][name].empty()) << name;
  }
  EXPECT_GT(json["cost"]["plans_per_second"], 0);
  EXPECT_GE(json["cost"]["overhead_share"], 0);
}

// Everything but times.
std::string comparable(nlohmann::json json) {
  json.erase("cost");
  return json.dump();
}

TEST_F(SearchStage, ResumesExactlyAfterBeingKilledAnywhere) {
  const Experiment experiment = make_experiment();
  Mortal whole(1000);
  run(experiment, whole);
  const std::string expected = comparable(read_json());
  const std::string csv = read_file(folder_ / "run/search.csv");
  for (int limit : {0, 1, 19, 20, 21, 55, 80, 85, 139, 140, 147, 159}) {
    Mortal killed(limit);
    EXPECT_EQ(error_of([&] { run(experiment, killed); }), "killed") << limit;
    EXPECT_FALSE(std::filesystem::exists(folder_ / "run/manifest.json"));
    Mortal rest(1000);
    run(experiment, rest, /*resume=*/true);
    EXPECT_EQ(killed.asked + rest.asked, 160) << "nothing is evaluated twice";
    EXPECT_EQ(comparable(read_json()), expected) << limit;
    EXPECT_EQ(read_file(folder_ / "run/search.csv"), csv);
  }
}

TEST_F(SearchStage, NetworksArePlannedAtTheirWidth) {
  Mortal accuracy(1000);
  const Experiment experiment = make_experiment("quantization: {weight_bits: 4}\n");
  const search::SearchResult result = run(experiment, accuracy);
  const search::space::SearchSpace space = experiment.space.at(0.3, 96);
  for (const search::Candidate& candidate : result.evolution.evaluated) {
    engine::Graph graph =
        search::space::lower(search::space::build_network(space, candidate.subnet));
    const engine::CodeCore core = experiment.device.code_core();
    EXPECT_GT(engine::estimate_flash(graph, core).total(), candidate.resources.flash_bytes);
    engine::set_weight_bits(graph, 4);
    EXPECT_EQ(engine::estimate_flash(graph, core).total(), candidate.resources.flash_bytes);
  }
  report::HtmlPage page("Search");
  report::add_search(page, result, report_context(experiment, space), folder_ / "report");
  EXPECT_FALSE(page.to_string().empty());
}

TEST_F(SearchStage, ACompleteStageIsReadBack) {
  const Experiment experiment = make_experiment();
  Mortal accuracy(1000);
  const search::SearchResult first = run(experiment, accuracy);
  Mortal unused(0);
  const search::SearchResult again = run(experiment, unused, /*resume=*/true);
  EXPECT_EQ(again.evolution.best()->subnet, first.evolution.best()->subnet);
  EXPECT_EQ(again.front.evaluated.size(), first.front.evaluated.size());
}

TEST_F(SearchStage, RefusesToResumeTheSearchOfSomethingElse) {
  Mortal killed(50);
  EXPECT_EQ(error_of([&] { run(make_experiment(), killed); }), "killed");
  Mortal rest(1000);
  EXPECT_THAT(
      error_of([&] { run(make_experiment(), rest, true, "another"); }),
      HasSubstr(
          "holds a search of something else (accuracies_of: was \"supernet\", is \"another\")"));
  EXPECT_THAT(error_of([&] { run(make_experiment("budget: {sram_kib: 100}\n"), rest, true); }),
              HasSubstr("(budget.sram_kib: was 312, is 100)"));
  EXPECT_THAT(
      error_of([&] { run(make_experiment("quantization: {weight_bits: 4}\n"), rest, true); }),
      HasSubstr("(weight_bits: was 8, is 4)"));
  EXPECT_EQ(rest.asked, 0);
}

// Of before activations had a width, and weights one that differs from layer to layer; and of a board with another
// console, which is of no influence on a search.
TEST_F(SearchStage, AnOldSearchGoesOn) {
  Mortal killed(50);
  EXPECT_EQ(error_of([&] { run(make_experiment(), killed); }), "killed");
  auto problem = nlohmann::json::parse(read_file(folder_ / "run/search/problem.json"));
  for (const char* key : {"activation_bits", "keep_first_last"}) problem.erase(key);
  for (auto& stage : problem["space"]["stages"]) EXPECT_EQ(stage.erase("weight_bits"), 1u);
  EXPECT_FALSE(problem["device"].contains("console"));
  problem["device"]["console"] = {{"baud", 9600}};
  folder_.write("run/search/problem.json", problem.dump());
  Mortal rest(1000);
  run(make_experiment(), rest, /*resume=*/true);
  EXPECT_EQ(killed.asked + rest.asked, 160);
}

TEST_F(SearchStage, AnInfeasibleBudgetLeavesNothing) {
  Mortal accuracy(1000);
  const search::SearchResult result = run(make_experiment("budget: {sram_kib: 1}\n"), accuracy);
  EXPECT_FALSE(result.is_feasible());
  EXPECT_THAT(result.evolution.infeasible,
              ElementsAre(StartsWith("SRAM: the limit is 1024 bytes, the smallest")));
  EXPECT_THAT(folder_.list(), testing::Not(testing::Contains(HasSubstr("search"))));
}

TEST_F(SearchStage, TheBaselineCanBeLeftOut) {
  Mortal accuracy(1000);
  Experiment experiment = make_experiment();
  experiment.search.random_baseline = false;
  const search::SearchResult result = run(experiment, accuracy);
  EXPECT_TRUE(result.random.evaluated.empty());
  EXPECT_TRUE(read_json()["random"].is_null());
}

TEST_F(SearchStage, TheReportShowsTheSearch) {
  Mortal accuracy(1000);
  const Experiment experiment = make_experiment();
  const search::SearchResult result = run(experiment, accuracy);
  const std::filesystem::path folder = folder_ / "report";
  report::HtmlPage page("Search");
  report::add_search(page, result, report_context(experiment, experiment.space.at(0.3, 96)),
                     folder);
  for (const char* plot : {"search_curve", "front_sram", "front_latency", "block_peaks"}) {
    EXPECT_THAT(page.to_string(), HasSubstr("id=\"" + std::string(plot) + "-gnuplot_canvas"));
  }
  for (const char* file : {"search_curve.svg", "front_sram.svg", "front_latency.svg",
                           "winner/network.svg", "winner/block_peaks.svg"}) {
    EXPECT_TRUE(std::filesystem::exists(folder / file)) << file;
  }
  const std::string curve = read_file(folder / "search_curve.csv");
  EXPECT_EQ(std::count(curve.begin(), curve.end(), '\n'), 1 + 4 + 4);
}

}  // namespace
}  // namespace mcunet::pipeline
