// The trainer and the evaluator with several ranks.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "mcunet/core/files.hpp"
#include "mcunet/supernet/module_weights.hpp"
#include "mcunet/supernet/subnet_evaluator.hpp"
#include "supernet/rank_threads.hpp"
#include "supernet/tiny_training.hpp"

namespace mcunet::supernet {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kNoError[] = "(no error)";

// Ranks add up the same gradients in another order. What that rounds away is 1e-7 of a gradient, and 24
// steps at a learning rate as high as this one make up to a hundred times that of it.
constexpr double kTolerance = 1e-4;

// Steps of four batches of 4: three in an epoch.
TrainerOptions four_batches() {
  TrainerOptions options = tiny_options();
  options.batch_size = 4;
  options.gradient_accumulation = 4;
  options.log_interval_steps = 1;
  options.learning_rate = options.elastic_learning_rate = 0.5;
  return options;
}

class TrainerRanks : public testing::Test {
 protected:
  // Trains in a folder, so many steps; gives the weights of the last rank.
  TensorDictionary train(const std::string& name, int ranks, const TrainerOptions& options,
                         bool resume = false, int stop_after = 1'000'000) const {
    TensorDictionary weights;
    const auto errors = errors_of_ranks(ranks, [&](const std::shared_ptr<ProcessGroup>& group) {
      TrainerContext context = tiny_context(folder_ / name, options);
      context.group = group;
      // The last rank alone is asked to stop.
      context.should_stop = [left = stop_after, is_last = group->rank() == ranks - 1]() mutable {
        return is_last && --left == 0;
      };
      context.evaluate = [&](const Supernet& supernet) {
        return std::vector<std::pair<std::string, double>>{
            {"top1", weights_of(*supernet).at("stem.weight").abs().mean().item<double>()}};
      };
      Trainer trainer(tiny_space(), data_, options, std::move(context));
      if (resume && group->leads()) {
        EXPECT_TRUE(trainer.resume());
      }
      trainer.train();
      if (group->rank() == ranks - 1) {
        for (const auto& [key, tensor] : weights_of(*trainer.weights())) {
          weights.emplace(key, tensor.detach().clone());
        }
      }
      group->leave();
    });
    EXPECT_THAT(errors, Each(kNoError));
    return weights;
  }

  // Losses, step by step.
  std::vector<double> losses(const std::string& name) const {
    std::vector<double> losses;
    std::istringstream text(read_file(folder_ / name / "train.jsonl"));
    for (std::string line; std::getline(text, line);) {
      const auto json = nlohmann::json::parse(line);
      if (json.contains("loss")) losses.push_back(json.at("loss"));
    }
    return losses;
  }

  // The largest difference of an element, relative to the largest of its tensor.
  static double difference(const TensorDictionary& a, const TensorDictionary& b) {
    double most = 0;
    EXPECT_EQ(a.size(), b.size());
    for (const auto& [name, tensor] : a) {
      const double scale = tensor.abs().max().item<double>() + 1e-3;
      most = std::max(most, (tensor - b.at(name)).abs().max().item<double>() / scale);
    }
    return most;
  }

  TemporaryFolder folder_;
  TinyDataset data_;
};

TEST_F(TrainerRanks, AnyNumberTrainsTheSameWeights) {
  for (const bool averages : {false, true}) {
    TrainerOptions options = four_batches();
    options.ema_decay = averages ? 0.9 : 0;
    options.elastic_sampler = averages ? Sampler::kSandwich : Sampler::kRandom;
    options.distillation = averages;
    options.clip_gradient_norm = averages ? 1 : 0;
    const std::string one = fmt::format("1-{}", averages);
    const TensorDictionary expected = train(one, 1, options);
    const std::vector<double> expected_losses = losses(one);
    ASSERT_EQ(expected_losses.size(), 12u);
    for (const int ranks : {2, 3, 4}) {
      const std::string name = fmt::format("{}-{}", ranks, averages);
      EXPECT_LT(difference(train(name, ranks, options), expected), kTolerance) << name;
      const std::vector<double> found = losses(name);
      ASSERT_EQ(found.size(), expected_losses.size());
      for (std::size_t i = 0; i < found.size(); ++i) {
        EXPECT_NEAR(found[i], expected_losses[i], kTolerance * expected_losses[i]) << name;
      }
    }
  }
}

TEST_F(TrainerRanks, GoOnInAnotherNumber) {
  const TrainerOptions options = four_batches();
  const TensorDictionary two = train("two", 2, options);
  // The same number ends with the same bits: inside an epoch, at its end, at that of a phase.
  for (const int stop : {1, 3, 6, 8}) {
    const std::string name = fmt::format("again-{}", stop);
    train(name, 2, options, false, stop);
    EXPECT_THAT(differing(train(name, 2, options, true), two), IsEmpty()) << stop;
    EXPECT_EQ(losses(name), losses("two"));
  }
  train("changing", 2, options, false, 4);
  train("changing", 4, options, true, 3);
  EXPECT_LT(difference(train("changing", 1, options, true), two), kTolerance);
}

TEST_F(TrainerRanks, NeedABatchEach) {
  TrainerOptions options = four_batches();
  options.gradient_accumulation = 1;
  // Until all have met: who goes without a word is missed by the others.
  std::vector<std::shared_ptr<ProcessGroup>> groups(2);
  const auto errors = errors_of_ranks(2, [&](const std::shared_ptr<ProcessGroup>& group) {
    groups[static_cast<std::size_t>(group->rank())] = group;
    TrainerContext context = tiny_context(folder_ / "run", options);
    context.group = group;
    Trainer(tiny_space(), data_, options, std::move(context));
  });
  EXPECT_THAT(errors,
              Each(HasSubstr("train.gradient_accumulation: a step has 1 batches of 4, fewer "
                             "than the 2 ranks")));
}

// All observers see all batches in order, bit by bit those of one rank.
TEST_F(TrainerRanks, ShareAnEvaluation) {
  const Supernet supernet(tiny_space());
  const search::space::Subnet subnet = search::space::smallest(supernet->space());
  const auto evaluate = [&](const std::shared_ptr<ProcessGroup>& group, std::int64_t cache_bytes) {
    std::vector<std::pair<at::Tensor, std::vector<std::int64_t>>> seen;
    SubnetEvaluator evaluator(
        data_, data_,
        {.calibration_batches = 2, .batch_size = 10, .cache_bytes = cache_bytes, .group = group});
    evaluator.evaluate(supernet, subnet, [&](const at::Tensor& outputs, const BatchTensors& batch) {
      EXPECT_EQ(batch.targets.size(0), outputs.size(0));
      seen.emplace_back(outputs.clone(), batch.indices);
    });
    return seen;
  };
  at::set_num_threads(1);
  const auto expected = evaluate(std::make_shared<ProcessGroup>(), 1 << 30);
  ASSERT_EQ(expected.size(), 5u);
  for (const std::int64_t cache_bytes : {std::int64_t{1} << 30, std::int64_t{0}}) {
    const auto errors = errors_of_ranks(3, [&](const std::shared_ptr<ProcessGroup>& group) {
      const auto seen = evaluate(group, cache_bytes);
      EXPECT_EQ(seen.size(), expected.size());
      for (std::size_t i = 0; i < seen.size(); ++i) {
        EXPECT_TRUE(seen[i].first.equal(expected[i].first)) << i;
        EXPECT_EQ(seen[i].second, expected[i].second);
      }
      group->leave();
    });
    EXPECT_THAT(errors, Each(kNoError));
  }
}

}  // namespace
}  // namespace mcunet::supernet
