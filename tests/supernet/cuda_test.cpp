// What a GPU computes beside a CPU. Skipped, and told, where libtorch finds none.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "batch_feed.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/supernet/detection_objective.hpp"
#include "mcunet/supernet/device.hpp"
#include "mcunet/supernet/module_weights.hpp"
#include "mcunet/supernet/subnet_evaluator.hpp"
#include "nccl_sums.hpp"
#include "rank_store.hpp"
#include "supernet/photographs.hpp"
#include "supernet/rank_threads.hpp"
#include "supernet/tiny_training.hpp"

namespace mcunet::supernet {
namespace {

using search::space::Subnet;

class Cuda : public testing::Test {
 protected:
  void SetUp() override {
    if (device_.is_cpu()) GTEST_SKIP() << "libtorch finds no GPU";
    // Convolutions in all bits of a float, as on a CPU.
    at::globalContext().setAllowTF32CuDNN(false);
  }

  TensorDictionary train(const std::string& name, const TrainerOptions& options,
                         const at::Device& device, bool resume = false,
                         int stop_after = 1'000'000) const {
    TrainerContext context = tiny_context(folder_ / name, options);
    context.device = device;
    context.should_stop = [left = stop_after]() mutable { return --left == 0; };
    Trainer trainer(tiny_space(), data_, options, std::move(context));
    if (resume) {
      EXPECT_TRUE(trainer.resume());
    }
    trainer.train();
    TensorDictionary weights;
    for (const auto& [key, tensor] : weights_of(*trainer.weights())) {
      weights.emplace(key, tensor.detach().to(at::kCPU, /*non_blocking=*/false, /*copy=*/true));
    }
    return weights;
  }

  // By the largest of each tensor, or by a share of the largest of all if that is more.
  static void expect_close(const TensorDictionary& a, const TensorDictionary& b, double tolerance,
                           double share_of_all = 0) {
    ASSERT_EQ(a.size(), b.size());
    double most = 0;
    for (const auto& [name, tensor] : a) most = std::max(most, tensor.abs().max().item<double>());
    for (const auto& [name, tensor] : a) {
      const double own = tensor.abs().max().item<double>() + 1e-6;
      const double scale = std::max(own, share_of_all * most);
      EXPECT_LT((tensor - b.at(name)).abs().max().item<double>() / scale, tolerance) << name;
    }
  }

  const at::Device device_ = select_device("auto");
  TemporaryFolder folder_;
  TinyDataset data_;
};

TEST_F(Cuda, SubNetworksAndTheirGradientsAreTheCpus) {
  at::manual_seed(1);
  const at::Tensor images = at::randn({32, 3, kTinyResolution, kTinyResolution});
  const at::Tensor labels = at::randint(tiny_space().classes, {32}, at::kLong);
  RandomStream random(3);
  for (const Subnet& subnet : draw_subnets(tiny_space(), Sampler::kSandwich, 4, random)) {
    std::vector<at::Tensor> logits;
    std::vector<TensorDictionary> gradients;
    for (const at::Device& device : {at::Device(at::kCPU), device_}) {
      Supernet supernet(tiny_space());
      supernet->to(device);
      const at::Tensor output = supernet->forward(images.to(device), subnet);
      at::cross_entropy_loss(output, labels.to(device)).backward();
      logits.push_back(output.detach().cpu());
      for (const auto& entry : supernet->named_parameters()) {
        const at::Tensor& gradient = entry.value().grad();
        if (gradient.defined()) gradients.resize(logits.size());
        if (gradient.defined()) gradients.back().emplace(entry.key(), gradient.cpu());
      }
    }
    EXPECT_TRUE(at::allclose(logits[1], logits[0], 1e-4, 1e-4));
    // Many are nothing but rounding, as what a bias adds, the next normalization takes away.
    expect_close(gradients[0], gradients[1], 2e-3, /*share_of_all=*/0.01);
  }
}

TEST_F(Cuda, ATrainingIsTheCpus) {
  TrainerOptions options = tiny_options();
  options.elastic_sampler = Sampler::kSandwich;
  options.distillation = true;
  options.class_weights = ClassWeights::kBalanced;
  options.label_smoothing = 0.1;
  options.clip_gradient_norm = 1;
  options.ema_decay = 0.9;
  options.gradient_accumulation = 2;
  options.learning_rate = options.elastic_learning_rate = 0.1;
  expect_close(train("gpu", options, device_), train("cpu", options, at::kCPU), 3e-2);
}

// Objects of all kinds, two that one box is nearest to, and an image without any.
TEST_F(Cuda, DetectorsLearnWhatTheCpusDo) {
  using datasets::ObjectKind;
  const std::vector<datasets::Target> images = {
      datasets::Objects{{{0.1F, 0.1F, 0.3F, 0.5F}, 2}, {{0.4F, 0.2F, 0.95F, 0.7F}, 0}},
      datasets::Objects{},
      datasets::Objects{{{0, 0, 0.6F, 0.6F}, 1, ObjectKind::kDifficult},
                        {{0.5F, 0.5F, 1, 1}, 1},
                        {{0.5F, 0.5F, 1, 0.98F}, 0}}};
  const std::int64_t counts[] = {40, 10, 1};
  const auto objective = detection_objective({{0.2, 0.3}, {0.6, 0.5}}, 3, {}, counts);
  at::manual_seed(1);
  const at::Tensor values = at::randn({3, 2 * 8, 5, 4});
  std::vector<at::Tensor> losses;
  std::vector<at::Tensor> gradients;
  std::vector<Measure> measures;
  for (const at::Device& device : {at::Device(at::kCPU), device_}) {
    const at::Tensor outputs = values.to(device).detach().set_requires_grad(true);
    const at::Tensor targets = targets_of(images).to(device);
    losses.push_back(objective->loss(outputs, targets));
    losses.back().backward();
    gradients.push_back(outputs.grad().cpu());
    measures.push_back(objective->measure(outputs.detach(), targets));
  }
  EXPECT_NEAR(losses[1].item<double>(), losses[0].item<double>(), 1e-4);
  EXPECT_TRUE(at::allclose(gradients[1], gradients[0], 1e-4, 1e-5));
  EXPECT_NEAR(measures[1].sum.item<double>(), measures[0].sum.item<double>(), 1e-5);
  EXPECT_EQ(measures[1].count.item<int>(), 3);
}

TEST_F(Cuda, AResumedTrainingGoesOn) {
  TrainerOptions options = tiny_options();
  options.learning_rate = options.elastic_learning_rate = 0.1;
  const TensorDictionary whole = train("whole", options, device_);
  train("parts", options, device_, false, 7);
  expect_close(train("parts", options, device_, true), whole, 1e-3);
}

TEST_F(Cuda, DivergenceIsSeenBeforeACheckpoint) {
  TrainerOptions options = tiny_options();
  options.learning_rate = 1e30;
  options.log_interval_steps = 5;
  EXPECT_THAT(error_of([&] { train("run", options, device_); }),
              testing::HasSubstr("training diverged at step "));
  EXPECT_FALSE(
      std::filesystem::exists(folder_ / "run/checkpoints/rank-0-step-000000000006.checkpoint"));
}

TEST_F(Cuda, ReducedPrecisionLearns) {
  for (const Precision precision : {Precision::kBfloat16, Precision::kFloat16}) {
    TrainerOptions options = tiny_options();
    options.largest_epochs = options.elastic_epochs = 8;
    options.precision = precision;
    const std::string name = fmt::format("precision {}", static_cast<int>(precision));
    train(name, options, device_);
    std::istringstream text(read_file(folder_ / name / "train.jsonl"));
    std::string last;
    for (std::string line; std::getline(text, line);) last = line;
    EXPECT_GT(nlohmann::json::parse(last).at("top1"), 0.6) << name;  // chance: 0.33
  }
}

// Batches that travel ahead are those that are loaded, in their order.
TEST_F(Cuda, ReceivesWhatTheCpuLoads) {
  const Photographs photographs(12);
  const auto data = datasets::open_dataset(photographs.options(3), datasets::Split::kTrain,
                                           kTinyResolution, /*augment=*/true);
  const datasets::LoaderOptions options{.batch_size = 2, .seed = 5};
  BatchFeed here(*data, options, at::kCPU);
  BatchFeed there(*data, options, device_);
  for (const std::int64_t epoch : {0, 1}) {
    here.start_epoch(epoch);
    there.start_epoch(epoch);
    while (const auto expected = here.next()) {
      const auto batch = there.next();
      ASSERT_TRUE(batch);
      there.prefetch();
      EXPECT_EQ(batch->indices, expected->indices);
      EXPECT_TRUE(batch->targets.cpu().equal(expected->targets));
      EXPECT_TRUE(batch->images.is_contiguous(at::MemoryFormat::ChannelsLast));
      EXPECT_TRUE(at::allclose(batch->images.cpu(), expected->images, 1e-5, 1e-5));
    }
    EXPECT_FALSE(there.next());
  }
}

TEST_F(Cuda, AnEvaluationIsTheCpus) {
  const Photographs photographs(12);
  const auto data = datasets::open_dataset(photographs.options(3), datasets::Split::kTrain,
                                           kTinyResolution, /*augment=*/false);
  std::vector<at::Tensor> outputs;
  for (const at::Device& device : {at::Device(at::kCPU), device_}) {
    Supernet supernet(tiny_space());
    supernet->to(device);
    SubnetEvaluator evaluator(*data, *data,
                              {.calibration_batches = 2, .batch_size = 4, .device = device});
    evaluator.evaluate(supernet, search::space::largest(tiny_space()),
                       [&](const at::Tensor& logits, const BatchTensors& batch) {
                         EXPECT_TRUE(batch.targets.is_cpu());
                         outputs.push_back(logits);
                       });
  }
  const std::size_t batches = outputs.size() / 2;
  ASSERT_GE(batches, 1u);
  for (std::size_t i = 0; i < batches; ++i) {
    const float most = outputs[i].abs().max().item<float>();
    EXPECT_LT((outputs[batches + i] - outputs[i]).abs().max().item<float>(), 1e-3 * most);
  }
}

// A sum over one rank, as this may be the only GPU: that NCCL is there, waits for what comes before it, and ends.
TEST_F(Cuda, SumsByNccl) {
  if (const std::string problem = NcclSums::problem(); !problem.empty()) GTEST_SKIP() << problem;
  EXPECT_THAT(NcclSums::place_of(device_), testing::MatchesRegex("[0-9a-f]+:[0-9a-f]+:[0-9a-f]+"));
  const RankPlace place{.rank = 0, .ranks = 1, .address = "127.0.0.1", .port = free_port()};
  NcclSums sums(open_store(place, /*seconds=*/30, /*serves=*/true), 0, 1, /*timeout_seconds=*/60);
  at::Tensor tensor = at::ones({1 << 20}, device_);
  for (int i = 0; i < 20; ++i) tensor = tensor * 2;
  const auto wait = sums.start(tensor);
  wait();
  EXPECT_EQ((tensor + 1).min().item<double>(), (1 << 20) + 1);
  sums.shut_down();
}

// Of one GPU, so by Gloo.
TEST_F(Cuda, RanksThatShareItTrainTheSameWeights) {
  TrainerOptions options = tiny_options();
  options.gradient_accumulation = 2;
  options.learning_rate = options.elastic_learning_rate = 0.1;
  const TensorDictionary expected = train("one", options, device_);
  TensorDictionary weights;
  const auto errors = errors_of_ranks(2, [&](const std::shared_ptr<ProcessGroup>& group) {
    TrainerContext context = tiny_context(folder_ / "two", options);
    context.group = group;
    context.device = device_;
    Trainer trainer(tiny_space(), data_, options, std::move(context));
    const std::string problem = NcclSums::problem();
    EXPECT_EQ(group->transport(), "Gloo, as " + (problem.empty() ? "ranks share a GPU" : problem));
    trainer.train();
    if (group->leads()) {
      for (const auto& [key, tensor] : weights_of(*trainer.weights())) {
        weights.emplace(key, tensor.detach().to(at::kCPU, false, /*copy=*/true));
      }
    }
    group->leave();
  });
  EXPECT_THAT(errors, testing::Each("(no error)"));
  expect_close(weights, expected, 2e-2);
}

}  // namespace
}  // namespace mcunet::supernet
