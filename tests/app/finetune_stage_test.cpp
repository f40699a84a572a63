#include "pipeline/finetune_stage.hpp"

#include <ATen/Functions.h>

#include <nlohmann/json.hpp>

#include "core/error_text.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/search/space/subnet_json.hpp"
#include "tiny_run.hpp"

namespace mcunet::pipeline {
namespace {

using search::space::Subnet;
using supernet::TensorDictionary;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr auto kNever = [] { return false; };

class FinetuneStage : public TinyRun {
 protected:
  // Neither the largest nor the smallest: windows and slices of the weights.
  Subnet subnet() const {
    return search::space::subnet_from_json(
        space(),
        R"({"width": 1, "resolution": 16, "depths": [1, 2], "kernels": [[3], [5, 3]],)"
        R"( "expand_ratios": [[2], [3, 2]]})",
        "test");
  }

  FinetuneResult finetune(const std::vector<std::string>& overrides = {}, bool resume = false,
                          const std::function<bool()>& should_stop = kNever) const {
    const Experiment options = experiment(overrides);
    RunDirectory run = open(options);
    return run_finetune_stage(options, space(), subnet(), run, resume, should_stop);
  }

  TensorDictionary weights() const {
    return supernet::read_tensor_file(run_folder() / "network.pt");
  }

  double inherited_top1() const {
    SupernetEstimator estimator(experiment(), space(), run_folder());
    const Subnet one = subnet();
    return estimator.estimate(one);
  }
};

TEST_F(FinetuneStage, BeginsFromTheExtractedWeights) {
  const FinetuneResult result = finetune({"finetune.learning_rate=1e-30", "finetune.epochs=1"});
  EXPECT_EQ(result.steps, 8);
  EXPECT_EQ(result.inherited, inherited_top1());
  EXPECT_EQ(result.score, result.inherited) << "nothing was learnt";
  const supernet::FixedNetwork extracted =
      load_supernet(experiment(), space(), run_folder())->extract(subnet());
  const TensorDictionary trained = weights();
  for (const auto& entry : extracted->named_parameters()) {
    EXPECT_TRUE(entry.value().allclose(trained.at(entry.key()))) << entry.key();
  }
}

TEST_F(FinetuneStage, WithoutEpochsTheNetworkIsAsInTheSupernet) {
  const FinetuneResult result = finetune({"finetune.epochs=0"});
  EXPECT_EQ(result.steps, 0);
  EXPECT_EQ(result.inherited, inherited_top1());
  EXPECT_EQ(result.score, result.inherited);
  EXPECT_TRUE(result.keeps_inherited());
  EXPECT_FALSE(std::filesystem::exists(run_folder() / "finetune"));
  const supernet::FixedNetwork extracted =
      load_supernet(experiment(), space(), run_folder())->extract(subnet());
  const TensorDictionary kept = weights();
  for (const auto& entry : extracted->named_parameters()) {
    EXPECT_TRUE(entry.value().equal(kept.at(entry.key()))) << entry.key();
  }
  EXPECT_EQ(finetune_to_json(finetune({"finetune.epochs=0"}, /*resume=*/true), space()),
            read_file(run_folder() / "finetune.json"));
}

TEST_F(FinetuneStage, TheNetworkMayLearnWithinLargerOnes) {
  const std::vector<std::string> within = {"finetune.epochs=20", "finetune.augmentation=1"};
  const FinetuneResult result = finetune(within);
  EXPECT_EQ(result.steps, 20 * 8);
  EXPECT_GT(result.score, result.inherited);
  const TensorDictionary augmented = weights();
  EXPECT_EQ(load_finetuned(run_folder())->description().blocks.size(), 4u) << "itself, at its size";

  std::filesystem::remove_all(run_folder());
  write_supernet(1);
  finetune({"finetune.epochs=20"});
  EXPECT_FALSE(weights().at("stem.weight").equal(augmented.at("stem.weight")));

  // Stopped and gone on with, it ends with the same weights.
  std::filesystem::remove_all(run_folder());
  write_supernet(1);
  finetune(within, false, [left = 5]() mutable { return --left == 0; });
  finetune(within, /*resume=*/true);
  for (const auto& [name, tensor] : weights())
    EXPECT_TRUE(tensor.equal(augmented.at(name))) << name;
}

TEST_F(FinetuneStage, TakesTheNetworkThatTheExperimentNames) {
  EXPECT_THAT(error_of([&] { chosen_subnet(experiment(), space(), run_folder()); }),
              HasSubstr("holds no search"));
  const std::string text = search::space::subnet_to_json(space(), subnet());
  EXPECT_EQ(chosen_subnet(experiment({"finetune.subnet=" + text}), space(), run_folder()),
            subnet());
  std::string deeper = text;
  deeper.replace(deeper.find("[1,2]"), 5, "[3,2]");
  const Experiment foreign = experiment({"finetune.subnet=" + deeper});
  EXPECT_THAT(error_of([&] { chosen_subnet(foreign, space(), run_folder()); }),
              AllOf(StartsWith("finetune.subnet"), HasSubstr("depths")));
  EXPECT_THAT(error_of([&] { experiment({"finetune.subnet=best"}); }),
              HasSubstr("finetune.subnet: must be winner, or a sub-network"));
}

TEST_F(FinetuneStage, LearnsAndLeavesItsResults) {
  const FinetuneResult result = finetune({"finetune.epochs=20"});
  EXPECT_GT(result.score, result.inherited);
  EXPECT_GT(score_of(result.test).value, 0.3);  // chance: 0.25
  EXPECT_EQ(score_of(result.test).of, 48);
  EXPECT_EQ(result.steps, result.total_steps);
  const std::string text = read_file(run_folder() / "finetune.json");
  EXPECT_EQ(text, finetune_to_json(result, space()));
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json.at("top1"), result.score);
  EXPECT_EQ(json.at("weights"), "network.pt");
  EXPECT_EQ(json.at("test").at("top1"), json.at("test_top1"));
  const supernet::FixedNetwork network = load_finetuned(run_folder());
  EXPECT_FALSE(network->is_training());
  EXPECT_EQ(network->description().resolution, 16);

  // A stage that is complete is read back.
  const FinetuneResult again = finetune({"finetune.epochs=20"}, /*resume=*/true);
  EXPECT_EQ(finetune_to_json(again, space()), text);
  folder_.write("run/finetune.json", "{");
  EXPECT_THAT(error_of([&] { finetune({"finetune.epochs=20"}, /*resume=*/true); }),
              AllOf(StartsWith((run_folder() / "finetune.json").string()),
                    HasSubstr("is no result of the finetune stage: ")));
}

TEST_F(FinetuneStage, TrainingThatMakesItWorseIsThrownAway) {
  // A supernet that knows something, and steps so large that nothing of it is left.
  std::vector<std::string> overrides = {"train.largest_epochs=10", "train.elastic_epochs=10",
                                        "train.learning_rate=2", "train.elastic_learning_rate=1",
                                        "train.correlation_samples=0"};
  overrides.insert(overrides.end(), {"finetune.epochs=1", "finetune.learning_rate=300"});
  const Experiment options = experiment(overrides);
  {
    RunDirectory run = open(options);
    run_train_stage(options, run, /*resume=*/false, kNever);
  }
  const FinetuneResult result = finetune(overrides);
  ASSERT_LT(result.score, result.inherited);
  EXPECT_TRUE(result.keeps_inherited());
  const auto json = nlohmann::json::parse(read_file(run_folder() / "finetune.json"));
  EXPECT_EQ(json.at("kept"), "inherited");
  const supernet::FixedNetwork inherited =
      load_supernet(options, space(), run_folder())->extract(subnet());
  const TensorDictionary kept = weights();
  for (const auto& entry : inherited->named_parameters()) {
    EXPECT_TRUE(entry.value().equal(kept.at(entry.key()))) << entry.key();
  }
  SupernetEstimator estimator(options, space(), run_folder());
  EXPECT_EQ(result.inherited, estimator.estimate(subnet()));
}

// Nothing is learnt, so no epoch is better than the first.
TEST_F(FinetuneStage, EndsEarlyWhenNothingGetsBetter) {
  const std::vector<std::string> patient = {"finetune.learning_rate=1e-30", "finetune.epochs=9",
                                            "finetune.early_stopping.patience=2"};
  const FinetuneResult result = finetune(patient);
  EXPECT_EQ(result.steps, 3 * 8);
  EXPECT_EQ(result.total_steps, 9 * 8);
  EXPECT_EQ(result.score, result.inherited);
}

TEST_F(FinetuneStage, TheTeacherMatters) {
  const FinetuneResult alone = finetune();
  const TensorDictionary without = weights();
  std::filesystem::remove_all(run_folder());
  write_supernet(1);
  const FinetuneResult taught = finetune({"finetune.distillation=true"});
  EXPECT_EQ(taught.inherited, alone.inherited);
  EXPECT_FALSE(weights().at("stem.weight").equal(without.at("stem.weight")));
}

TEST_F(FinetuneStage, TheTeacherSeesWhatANetworkOfASmallerResolutionSees) {
  const std::vector<std::string> overrides = {
      "train.resolution=32", "train.elastic_resolutions=[16]", "finetune.distillation=true"};
  const Experiment options = experiment(overrides);
  RunDirectory run = open(options);
  const search::space::SearchSpace both = choose_training_space(options, run_folder()).space;
  ASSERT_EQ(both.resolutions.size(), 2u);
  const FinetuneResult result =
      run_finetune_stage(options, both, subnet(), run, /*resume=*/false, kNever);
  EXPECT_EQ(result.steps, result.total_steps);
  EXPECT_EQ(load_finetuned(run_folder())->description().resolution, 16);
}

TEST_F(FinetuneStage, AStoppedStageGoesOnToTheSameWeights) {
  finetune();
  const std::string whole = read_file(run_folder() / "network.pt");
  std::filesystem::remove_all(run_folder());
  write_supernet(1);
  int steps_left = 5;
  const FinetuneResult stopped = finetune({}, false, [&] { return --steps_left == 0; });
  EXPECT_TRUE(stopped.stopped);
  EXPECT_EQ(stopped.steps, 5);
  EXPECT_FALSE(std::filesystem::exists(run_folder() / "network.pt"));
  EXPECT_EQ(finetune({}, /*resume=*/true).steps, 16);
  EXPECT_EQ(read_file(run_folder() / "network.pt"), whole);
}

TEST_F(FinetuneStage, WithoutASupernetTheOldResultStays) {
  finetune({"finetune.epochs=1"});
  std::filesystem::remove(run_folder() / kWeightsFile);
  EXPECT_NE(error_of([&] { finetune({"finetune.epochs=1"}); }), "(no error)");
  EXPECT_TRUE(open(experiment({"finetune.epochs=1"})).is_complete(kFinetuneStage));
  EXPECT_EQ(finetune({"finetune.epochs=1"}, /*resume=*/true).steps, 8);
}

TEST_F(FinetuneStage, RefusesToGoOnFromAnotherSupernet) {
  finetune({}, false, [] { return true; });
  write_supernet(2);
  EXPECT_THAT(error_of([&] { finetune({}, /*resume=*/true); }),
              HasSubstr("belongs to another configuration: supernet: was "));
}

TEST_F(FinetuneStage, TheWinnerIsReadFromTheSearch) {
  const std::string file = (run_folder() / "search.json").string();
  const auto winner_error = [&](const std::string& text) {
    folder_.write("run/search.json", text);
    return error_of([&] { chosen_subnet(experiment(), space(), run_folder()); });
  };
  EXPECT_EQ(error_of([&] { chosen_subnet(experiment(), space(), run_folder()); }),
            run_folder().string() + ": holds no search; run mcunet search into it first");
  const std::string one = search::space::subnet_to_json(space(), subnet());
  folder_.write("run/search.json", R"({"winner": {"subnet": )" + one + "}}");
  EXPECT_EQ(chosen_subnet(experiment(), space(), run_folder()), subnet());
  for (const char* damage : {"", "{", "[]", "{}", R"({"winner": null})", R"({"winner": {}})"}) {
    EXPECT_THAT(winner_error(damage), StartsWith(file + ": is no result of the search stage: "))
        << damage;
  }
  EXPECT_THAT(winner_error(R"({"winner": {"subnet": {"width": 0.5}}})"), StartsWith(file + ": "));
}

TEST_F(FinetuneStage, RefusesADamagedNetwork) {
  finetune({"finetune.epochs=1"});
  const std::string weights = read_file(run_folder() / "network.pt");
  folder_.write("run/network.pt", std::string_view(weights).substr(0, weights.size() / 2));
  EXPECT_THAT(error_of([&] { load_finetuned(run_folder()); }),
              AllOf(StartsWith((run_folder() / "network.pt").string()),
                    HasSubstr(": is no tensor file: ")));
  folder_.write("run/network.pt", weights);
  const std::string description = read_file(run_folder() / "network.json");
  folder_.write("run/network.json", description.substr(0, description.size() / 2));
  EXPECT_THAT(error_of([&] { load_finetuned(run_folder()); }),
              StartsWith((run_folder() / "network.json").string() + ":"));
  std::filesystem::remove(run_folder() / "network.json");
  EXPECT_EQ(error_of([&] { load_finetuned(run_folder()); }),
            run_folder().string() + ": holds no fine-tuned network: network.json is not there");
}

}  // namespace
}  // namespace mcunet::pipeline
