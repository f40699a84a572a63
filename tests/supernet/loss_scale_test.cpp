#include "loss_scale.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "checkpoint.hpp"
#include "core/error_text.hpp"
#include "mcunet/supernet/module_weights.hpp"
#include "supernet/tiny_training.hpp"

namespace mcunet::supernet {
namespace {

using testing::IsEmpty;
using testing::Not;

TEST(LossScale, FollowsTheGradients) {
  LossScale scale;
  scale.update(true);
  EXPECT_EQ(scale.factor, 32768);
  for (int step = 0; step < 1999; ++step) scale.update(false);
  EXPECT_EQ(scale.factor, 32768);
  scale.update(false);
  EXPECT_EQ(scale.factor, 65536);
  EXPECT_FALSE(scale.is_exhausted());
  for (int step = 0; step < 60; ++step) scale.update(true);
  EXPECT_TRUE(scale.is_exhausted());
}

class ScaledTraining : public testing::Test {
 protected:
  // With a forward pass in 32-bit floats, whose gradients overflow in some calls.
  TensorDictionary train(const std::string& name, Precision precision, std::vector<int> overflows,
                         int stop_after = 1'000'000, bool resume = false) {
    TrainerOptions options = tiny_options();
    options.precision = precision;
    options.largest_epochs = largest_epochs_;
    options.subnets_per_batch = 1;  // all move the statistics here
    options.clip_gradient_norm = 1;
    TrainerContext context = tiny_context(folder_ / name, options);
    context.identity = {};
    context.should_stop = [left = stop_after]() mutable { return --left == 0; };
    context.forward = [&, call = 0](const Supernet& supernet, const search::space::Subnet& subnet,
                                    const at::Tensor& images) mutable {
      at::Tensor outputs = Supernet(supernet)->forward(images, subnet);
      if (std::find(overflows.begin(), overflows.end(), call++) != overflows.end()) {
        outputs.register_hook([](const at::Tensor& gradient) {
          return gradient * std::numeric_limits<float>::infinity();
        });
      }
      return outputs;
    };
    Trainer trainer(tiny_space(), data_, options, std::move(context));
    if (resume) {
      EXPECT_TRUE(trainer.resume());
    }
    trainer.train();
    TensorDictionary weights;
    for (const auto& [key, tensor] : weights_of(*trainer.weights())) {
      weights.emplace(key, tensor.detach().clone());
    }
    return weights;
  }

  nlohmann::json state(const std::string& name) const {
    const auto checkpoint = CheckpointStore(folder_ / name / "checkpoints").load_newest();
    return nlohmann::json::parse(checkpoint->state);
  }

  int largest_epochs_ = 2;
  TemporaryFolder folder_;
  TinyDataset data_;
};

// Powers of two change no bit of a gradient.
TEST_F(ScaledTraining, IsTheTrainingWithoutAScale) {
  const TensorDictionary plain = train("plain", Precision::kFloat32, {});
  EXPECT_THAT(differing(train("scaled", Precision::kFloat16, {}), plain), IsEmpty());
  EXPECT_EQ(state("scaled").at("loss_scale").at(1), 24);
}

// A step is a call.
TEST_F(ScaledTraining, LeavesOutStepsThatOverflow) {
  const TensorDictionary whole = train("whole", Precision::kFloat16, {3, 15});
  EXPECT_EQ(state("whole").at("loss_scale"), nlohmann::json::parse("[16384.0, 8]"));
  for (const auto& [name, tensor] : whole) {
    EXPECT_TRUE(tensor.isfinite().all().item<bool>()) << name;
  }
  EXPECT_THAT(differing(whole, train("none", Precision::kFloat16, {})), Not(IsEmpty()));

  train("parts", Precision::kFloat16, {3}, 7);
  EXPECT_THAT(differing(train("parts", Precision::kFloat16, {8}, 1'000'000, true), whole),
              IsEmpty());
  EXPECT_EQ(state("parts").at("loss_scale"), state("whole").at("loss_scale"));
}

TEST_F(ScaledTraining, DivergesWhereNoFactorHelps) {
  std::vector<int> all(100);
  std::iota(all.begin(), all.end(), 0);
  largest_epochs_ = 8;  // 48 steps
  EXPECT_THAT(error_of([&] { train("run", Precision::kFloat16, all); }),
              testing::HasSubstr("training diverged at step 40 of phase largest"));
}

TEST_F(ScaledTraining, NeedsAGpu) {
  TrainerOptions options = tiny_options();
  options.precision = Precision::kFloat16;
  EXPECT_EQ(
      error_of(
          [&] { Trainer(tiny_space(), data_, options, tiny_context(folder_ / "run", options)); }),
      "train.precision: fp16 needs a GPU, and this training is on the CPU: take bf16 or fp32");
}

}  // namespace
}  // namespace mcunet::supernet
