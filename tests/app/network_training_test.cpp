#include "pipeline/network_training.hpp"

#include "core/error_text.hpp"
#include "tiny_run.hpp"

namespace mcunet::pipeline {
namespace {

class NetworkTrainingTest : public TinyRun {};

TEST_F(NetworkTrainingTest, FollowsTheRecipeOfTheSupernet) {
  const Experiment options = experiment(
      {"train.momentum=0.8", "train.elastic_epochs=7", "train.learned_kernel_transforms=true"});
  const supernet::TrainerOptions training = training_options(options, 3, 0.25);
  EXPECT_EQ(training.momentum, 0.8);
  EXPECT_EQ(training.batch_size, 8);
  EXPECT_EQ(training.largest_epochs, 3);
  EXPECT_EQ(training.elastic_epochs, 0);
  EXPECT_EQ(training.learning_rate, 0.25);
  EXPECT_FALSE(training.learned_kernel_transforms);
}

TEST_F(NetworkTrainingTest, TheIdentityTellsWhatDiffers) {
  const search::space::SearchSpace space = experiment().space;
  const search::space::Subnet largest = search::space::largest(space);
  const search::space::Subnet smallest = search::space::smallest(space);
  const std::filesystem::path run = run_folder();
  const auto identity = [&](const Experiment& options, const search::space::Subnet& subnet,
                            const char* weights) {
    return network_identity({options, space, subnet, run}, {"seed", "finetune"},
                            {{"weights", fmt::format("of {}", weights)}});
  };
  const ConfigNode one = identity(experiment(), largest, "1");
  EXPECT_EQ(first_difference(one, identity(experiment(), largest, "1")), "");
  EXPECT_EQ(first_difference(one, identity(experiment({"train.momentum=0.5"}), largest, "1")), "");
  EXPECT_EQ(first_difference(one, identity(experiment({"seed=4"}), largest, "1")),
            "seed: was 3, is 4");
  EXPECT_EQ(first_difference(one, identity(experiment(), largest, "2")),
            R"(weights: was "of 1", is "of 2")");
  EXPECT_THAT(first_difference(one, identity(experiment(), smallest, "1")),
              testing::StartsWith("subnet: was "));
}

TEST_F(NetworkTrainingTest, AFolderIsEmptiedUnlessItIsGoneOnWith) {
  const Experiment options = experiment();
  const search::space::Subnet largest = search::space::largest(options.space);
  const std::filesystem::path run = run_folder();
  folder_.write("run/training/file", "");
  empty_unless_resumed({options, options.space, largest, run, /*resume=*/true}, run / "training");
  EXPECT_TRUE(std::filesystem::exists(run / "training/file"));
  empty_unless_resumed({options, options.space, largest, run}, run / "training");
  EXPECT_FALSE(std::filesystem::exists(run / "training"));
  EXPECT_TRUE(std::filesystem::exists(run / kWeightsFile));
}

}  // namespace
}  // namespace mcunet::pipeline
