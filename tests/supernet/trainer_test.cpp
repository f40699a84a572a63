#include "mcunet/supernet/trainer.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error_text.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/datasets/loader.hpp"
#include "mcunet/supernet/module_weights.hpp"
#include "mcunet/supernet/tensors.hpp"
#include "supernet/tiny_training.hpp"

namespace mcunet::supernet {
namespace {

using search::space::Subnet;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;

class TrainerTest : public testing::Test {
 protected:
  // Trains in a folder; with `stop_after`, that many steps.
  TensorDictionary train(const std::string& name, const TrainerOptions& options, bool resume,
                         int stop_after = 1'000'000) const {
    TrainerContext context = tiny_context(folder_ / name, options);
    context.should_stop = [left = stop_after]() mutable { return --left == 0; };
    Trainer trainer(tiny_space(), data_, options, std::move(context));
    if (resume) trainer.resume();
    trainer.train();
    return clone(weights_of(*trainer.weights()));
  }

  static TensorDictionary clone(TensorDictionary tensors) {
    for (auto& [name, tensor] : tensors) tensor = tensor.clone();
    return tensors;
  }

  // The lines of train.jsonl without what a clock measured.
  std::vector<std::string> measurements(const std::string& name) const {
    std::vector<std::string> lines;
    std::istringstream text(read_file(folder_ / name / "train.jsonl"));
    for (std::string line; std::getline(text, line);) {
      auto json = nlohmann::ordered_json::parse(line);
      json.erase("images_per_second");
      json.erase("data_wait_share");
      lines.push_back(json.dump());
    }
    return lines;
  }

  TemporaryFolder folder_;
  TinyDataset data_;
};

TEST_F(TrainerTest, LearnsATaskThatCanBeLearnt) {
  TrainerOptions options = tiny_options();
  options.largest_epochs = options.elastic_epochs = 8;
  train("run", options, false);
  std::istringstream text(read_file(folder_ / "run/train.jsonl"));
  std::string line;
  std::string last;
  while (std::getline(text, line)) last = line;
  const auto json = nlohmann::json::parse(last);
  EXPECT_EQ(json.at("step"), 96);
  EXPECT_EQ(json.at("phase"), "elastic");
  EXPECT_EQ(json.at("epoch"), 8);
  EXPECT_GT(json.at("top1"), 0.7);   // chance: 0.33
  EXPECT_LT(json.at("loss"), 0.85);  // chance: 1.10
}

// Largest: 12 steps; elastic: 12 steps. Steps 6, 12 and 18 are ends of epochs.
TEST_F(TrainerTest, AResumedTrainingEndsWithTheSameBits) {
  for (const bool averages : {false, true}) {
    TrainerOptions options = tiny_options();
    options.elastic_sampler = averages ? Sampler::kSandwich : Sampler::kRandom;
    options.distillation = averages;
    options.dropout = averages ? 0.2 : 0;
    options.ema_decay = averages ? 0.9 : 0;
    options.nesterov = averages;
    options.schedule = averages ? Schedule::kWhole : Schedule::kPhases;
    const std::string whole = averages ? "whole-averaged" : "whole";
    const TensorDictionary expected = train(whole, options, false);
    for (const int stop : {1, 5, 6, 11, 12, 13, 18, 23}) {
      const std::string name = fmt::format("{}-{}", whole, stop);
      train(name, options, false, stop);
      EXPECT_THAT(differing(train(name, options, true), expected), IsEmpty()) << name;
      EXPECT_EQ(measurements(name), measurements(whole)) << name;
    }
  }
}

// An accuracy that goes up and down with the weights, and nothing else.
double pseudo_accuracy(const Supernet& supernet) {
  const double sum = weights_of(*supernet).at("stem.weight").sum().item<double>() * 1e4;
  return sum - std::floor(sum);
}

// Three phases' worth of epochs, of which some are not needed.
TEST_F(TrainerTest, EndsAPhaseThatBringsNothingBetter) {
  for (const double ema_decay : {0.0, 0.5}) {
    TrainerOptions options = tiny_options();
    options.largest_epochs = options.elastic_epochs = 12;
    options.early_stopping_patience = 2;
    options.ema_decay = ema_decay;
    struct Epoch {
      double accuracy;
      TensorDictionary weights;
    };
    std::vector<Epoch> epochs;  // of all starts
    const auto start = [&](const std::string& name, bool resume, int stop_after) {
      TrainerContext context = tiny_context(folder_ / name, options);
      context.evaluate = [&](const Supernet& supernet) {
        epochs.push_back({pseudo_accuracy(supernet), clone(weights_of(*supernet))});
        return std::vector<std::pair<std::string, double>>{{"top1", epochs.back().accuracy}};
      };
      context.should_stop = [left = stop_after]() mutable { return --left == 0; };
      Trainer trainer(tiny_space(), data_, options, std::move(context));
      if (resume) trainer.resume();
      trainer.train();
      return std::pair(trainer.step(), clone(weights_of(*trainer.weights())));
    };
    const std::string whole = fmt::format("whole-{}", ema_decay);
    const auto [steps, weights] = start(whole, false, 1'000'000);
    EXPECT_LT(steps, 24 * 6);
    EXPECT_EQ(steps, static_cast<std::int64_t>(epochs.size()) * 6);

    // Within a phase, the last two are no better than the best, which is what is left of it.
    const Epoch& best = epochs[epochs.size() - 3];
    EXPECT_GE(best.accuracy, epochs[epochs.size() - 2].accuracy);
    EXPECT_GE(best.accuracy, epochs.back().accuracy);
    EXPECT_THAT(differing(weights, best.weights), IsEmpty());

    for (const int stop : {1, 6, 13, 20, 31}) {
      const std::string name = fmt::format("{}-{}", whole, stop);
      start(name, false, stop);
      const auto [again, resumed] = start(name, true, 1'000'000);
      EXPECT_EQ(again, steps) << name;
      EXPECT_THAT(differing(resumed, weights), IsEmpty()) << name;
      EXPECT_EQ(measurements(name), measurements(whole)) << name;
    }
  }
}

TEST_F(TrainerTest, EarlyStoppingNeedsAccuracies) {
  TrainerOptions options = tiny_options();
  options.early_stopping_patience = 1;
  EXPECT_EQ(error_of([&] { train("run", options, false); }),
            "early stopping: this training has no accuracies to go by");
}

// Noise alone, seven of eight examples of one class.
class Skewed : public TinyDataset {
 public:
  std::int32_t label(std::int64_t index) const override {
    return index % 8 == 0 ? static_cast<std::int32_t>(1 + index / 8 % 2) : 0;
  }
  std::optional<datasets::Target> load(std::int64_t index, RandomStream& random,
                                       std::span<float> output) const override {
    for (float& value : output) value = static_cast<float>(random.uniform() - 0.5);
    return target(index);
  }
};

TEST_F(TrainerTest, BalancedClassesAreAllExpected) {
  const auto expected_of_the_first = [&](ClassWeights weights) {
    TrainerOptions options = tiny_options();
    options.largest_epochs = 8;
    options.elastic_epochs = 0;
    options.class_weights = weights;
    const Skewed data;
    const std::string name = fmt::format("skewed-{}", static_cast<int>(weights));
    Trainer trainer(tiny_space(), data, options, tiny_context(folder_ / name, options));
    trainer.train();
    at::manual_seed(1);
    const at::Tensor images = at::rand({32, 3, kTinyResolution, kTinyResolution}) - 0.5;
    const at::NoGradGuard no_grad;
    const Subnet largest = search::space::largest(tiny_space());
    return at::softmax(trainer.weights()->forward(images, largest), 1).mean(0)[0].item<double>();
  };
  EXPECT_GT(expected_of_the_first(ClassWeights::kNone), 0.7);
  EXPECT_LT(expected_of_the_first(ClassWeights::kBalanced), 0.6);
}

TEST_F(TrainerTest, MayBeInterruptedOftenAndWithGradientAccumulation) {
  TrainerOptions options = tiny_options();
  options.gradient_accumulation = 2;
  options.warmup_epochs = 0.5;
  options.label_smoothing = 0.1;
  options.clip_gradient_norm = 0.5;
  const TensorDictionary expected = train("whole", options, false);
  for (int part = 0; part < 12; ++part) train("parts", options, part > 0, 1);
  EXPECT_THAT(differing(train("parts", options, true), expected), IsEmpty());
}

TEST_F(TrainerTest, TheResultDoesNotDependOnTheNumberOfLoaderThreads) {
  TrainerOptions options = tiny_options();
  const TensorDictionary expected = train("one", options, false);
  options.data_workers = 3;
  EXPECT_THAT(differing(train("three", options, false), expected), IsEmpty());
}

// Not to the bit: operators add up in another order on several threads.
TEST_F(TrainerTest, SubNetworksLearnTheSameSideBySide) {
  TrainerOptions options = tiny_options();
  options.largest_epochs = 0;
  options.elastic_epochs = 1;
  options.subnets_per_batch = 4;
  options.dropout = 0.2;
  for (const bool distils : {false, true}) {
    options.elastic_sampler = distils ? Sampler::kSandwich : Sampler::kRandom;
    options.distillation = distils;
    const int threads = at::get_num_threads();
    at::set_num_threads(1);
    const TensorDictionary expected = train(fmt::format("alone {}", distils), options, false);
    at::set_num_threads(4);
    const TensorDictionary beside = train(fmt::format("beside {}", distils), options, false);
    const TensorDictionary again = train(fmt::format("again {}", distils), options, false);
    at::set_num_threads(threads);
    for (const auto& [name, tensor] : expected) {
      EXPECT_TRUE(at::allclose(beside.at(name), tensor, 1e-3, 1e-4)) << name;
    }
    EXPECT_THAT(differing(again, beside), IsEmpty());
  }
}

// The first of a step alone moves them.
TEST_F(TrainerTest, RunningStatisticsAreTheLargestsInASandwich) {
  TrainerOptions options = tiny_options();
  options.largest_epochs = 0;
  options.elastic_epochs = 1;
  options.elastic_learning_rate = 1e-30;
  options.elastic_sampler = Sampler::kSandwich;
  // One thread for each.
  const int threads = at::get_num_threads();
  at::set_num_threads(options.subnets_per_batch);
  const TensorDictionary sandwich = train("sandwich", options, false);
  options.subnets_per_batch = 1;  // the largest alone
  at::set_num_threads(1);
  const TensorDictionary largest = train("largest", options, false);
  at::set_num_threads(threads);
  for (const auto& [name, tensor] : largest) {
    if (!name.ends_with("running_mean")) continue;
    EXPECT_TRUE(tensor.equal(sandwich.at(name))) << name;
  }
}

TEST_F(TrainerTest, SeedAndStepDecideWhatIsDrawn) {
  const auto draw = [](std::uint64_t seed, std::uint64_t step) {
    RandomStream random(seed, {1, 0, step});
    return draw_subnets(tiny_space(), Sampler::kRandom, 4, random);
  };
  EXPECT_EQ(draw(1, 7), draw(1, 7));
  EXPECT_NE(draw(1, 7), draw(2, 7));
  EXPECT_NE(draw(1, 7), draw(1, 8));
}

TEST_F(TrainerTest, SamplersHaveTheirOrder) {
  RandomStream random(1);
  const search::space::SearchSpace space = tiny_space();
  const Subnet largest = search::space::largest(space);
  EXPECT_THAT(draw_subnets(space, Sampler::kLargest, 4, random), ElementsAre(largest));
  const std::vector<Subnet> sandwich = draw_subnets(space, Sampler::kSandwich, 4, random);
  ASSERT_EQ(sandwich.size(), 4u);
  EXPECT_EQ(sandwich[0], largest);
  EXPECT_EQ(sandwich[1], search::space::smallest(space));
  EXPECT_EQ(draw_subnets(space, Sampler::kRandom, 4, random).size(), 4u);
}

// A batch seen with the gradients of every sub-network added is what a step learns from.
TEST_F(TrainerTest, AccumulationTakesTheMeanOverBatches) {
  TrainerOptions options = tiny_options();
  options.largest_epochs = 1;
  options.elastic_epochs = 0;
  options.momentum = 0;
  options.weight_decay = 0;
  options.gradient_accumulation = 6;  // one step an epoch
  options.learning_rate = 1;
  const TensorDictionary stepped = train("accumulated", options, false);

  // The same by hand.
  TrainerOptions none = options;
  none.largest_epochs = 0;
  Trainer untrained(tiny_space(), data_, none, tiny_context(folder_ / "none", none));
  Supernet& supernet = untrained.weights();
  const Subnet largest = search::space::largest(tiny_space());
  datasets::Loader loader(data_, {.batch_size = 8, .workers = 0, .seed = 5});
  loader.start_epoch(0);
  while (auto batch = loader.next()) {
    const at::Tensor images =
        at::from_blob(batch->inputs.data(), {8, 16, 16, 3}).permute({0, 3, 1, 2});
    const at::Tensor targets = targets_of(batch->targets);
    const at::Tensor logits = supernet->forward(images, largest);
    (at::cross_entropy_loss(logits, targets) / 6).backward();
  }
  const double rate = 48.0 / 256;
  for (const auto& entry : supernet->named_parameters()) {
    if (!entry.value().grad().defined()) continue;
    const at::Tensor expected = entry.value().detach() - rate * entry.value().grad();
    EXPECT_TRUE(at::allclose(stepped.at(entry.key()), expected, 1e-4, 1e-6)) << entry.key();
  }
}

TEST_F(TrainerTest, WarnsOfDivergenceAndKeepsTheLastGoodCheckpoint) {
  TrainerOptions options = tiny_options();
  options.learning_rate = 1e30;
  options.checkpoint_interval_steps = 1;
  const std::string error = error_of([&] { train("run", options, false); });
  EXPECT_THAT(error, HasSubstr("training diverged at step "));
  EXPECT_THAT(error, HasSubstr("of phase largest: the loss is "));
  EXPECT_THAT(error, HasSubstr("the last good checkpoint is " + (folder_ / "run").string()));
  Trainer trainer(tiny_space(), data_, options, tiny_context(folder_ / "run", options));
  ASSERT_TRUE(trainer.resume());
  for (const auto& [name, tensor] : weights_of(*trainer.weights())) {
    EXPECT_TRUE(tensor.isfinite().all().item<bool>()) << name;
  }
}

TEST_F(TrainerTest, RefusesACheckpointOfAnotherConfiguration) {
  TrainerOptions options = tiny_options();
  train("run", options, false, 3);
  options.momentum = 0.8;
  EXPECT_THAT(error_of([&] { train("run", options, true); }),
              MatchesRegex(".*/run/checkpoints/rank-0-step-000000000003.checkpoint: "
                           "belongs to another configuration: momentum: was 0.9, is 0.8"));
}

TEST_F(TrainerTest, RefusesACheckpointOfOtherTrainingData) {
  const TrainerOptions options = tiny_options();
  train("run", options, false, 3);
  const TinyDataset larger(64);
  Trainer trainer(tiny_space(), larger, options, tiny_context(folder_ / "run", options));
  EXPECT_THAT(error_of([&] { trainer.resume(); }),
              HasSubstr("an epoch had 6 steps, and has 8 now: the training data changed"));
}

TEST_F(TrainerTest, FallsBackToTheCheckpointBefore) {
  TrainerOptions options = tiny_options();
  options.checkpoint_interval_steps = 2;
  const TensorDictionary expected = train("whole", options, false);
  train("run", options, false, 7);
  const auto newest = folder_ / "run/checkpoints/rank-0-step-000000000007.checkpoint";
  std::string bytes = read_file(newest);
  bytes[bytes.size() / 2] ^= 1;
  write_file_atomically(newest, bytes);
  testing::internal::CaptureStdout();  // where the default logger warns
  EXPECT_THAT(differing(train("run", options, true), expected), IsEmpty());
  EXPECT_THAT(testing::internal::GetCapturedStdout(),
              HasSubstr("000007.checkpoint: is damaged; trying the one before"));
  EXPECT_EQ(measurements("run"), measurements("whole"));
}

TEST_F(TrainerTest, KeepsTwoCheckpoints) {
  TrainerOptions options = tiny_options();
  options.checkpoint_interval_steps = 1;
  train("run", options, false);
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "run/checkpoints")) {
    names.push_back(entry.path().filename());
  }
  EXPECT_THAT(names, testing::UnorderedElementsAre("rank-0-step-000000000023.checkpoint",
                                                   "rank-0-step-000000000024.checkpoint"));
}

// Files may not grow beyond a size, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limited{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limited);
    handler_ = ::signal(SIGXFSZ, SIG_IGN);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  sighandler_t handler_;
};

TEST_F(TrainerTest, AFullDiskLeavesTheOldCheckpoint) {
  TrainerOptions options = tiny_options();
  const TensorDictionary expected = train("whole", options, false);
  train("run", options, false, 7);
  {
    const FileSizeLimit limit(20'000);
    EXPECT_THAT(error_of([&] { train("run", options, true, 3); }),
                HasSubstr("000010.checkpoint: cannot be written: File too large"));
  }
  EXPECT_THAT(folder_.list(), Not(testing::Contains(HasSubstr("partial"))));
  EXPECT_THAT(differing(train("run", options, true), expected), IsEmpty());
}

TEST_F(TrainerTest, EvaluatesAtItsIntervalAndRemembersTheBest) {
  TrainerOptions options = tiny_options();
  options.eval_interval_epochs = 1;
  TrainerContext context = tiny_context(folder_ / "run", options);
  const std::vector<double> accuracies = {0.3, 0.7, 0.5, 0.6};
  std::size_t calls = 0;
  context.evaluate = [&](const Supernet&) {
    return std::vector<std::pair<std::string, double>>{{"largest_top1", accuracies.at(calls++)}};
  };
  Trainer trainer(tiny_space(), data_, options, std::move(context));
  EXPECT_EQ(trainer.train(), TrainingEnd::kComplete);
  EXPECT_EQ(calls, 4u);
  EXPECT_EQ(trainer.best().accuracy, 0.7);
  EXPECT_EQ(trainer.best().step, 12);
  EXPECT_THAT(read_file(folder_ / "run/train.jsonl"),
              HasSubstr(R"({"step":12,"phase":"largest","epoch":2.0,"largest_top1":0.7})"));
}

TEST_F(TrainerTest, ElasticResolutionsShareTheImages) {
  TrainerOptions options = tiny_options();
  search::space::SearchSpace space = tiny_space();
  space.resolutions = {12, 16};
  Trainer trainer(space, data_, options, tiny_context(folder_ / "run", options));
  EXPECT_EQ(trainer.train(), TrainingEnd::kComplete);
}

TEST_F(TrainerTest, TooFewExamplesForAStep) {
  const TinyDataset few(7);
  EXPECT_EQ(error_of([&] {
              const TrainerOptions options = tiny_options();
              Trainer(tiny_space(), few, options, tiny_context(folder_ / "run", options));
            }),
            "the training data have 0 batches of 8, fewer than one step takes");
}

// The steps are so small that the weights stay what they are, up to what rounds to nothing.
TrainerOptions standing_still() {
  TrainerOptions options = tiny_options();
  options.elastic_epochs = 0;  // which would sort the channels
  options.learning_rate = 1e-30;
  options.weight_decay = 0;
  return options;
}

// Whether the parameters are alike; batch-norm statistics change whatever the rate.
bool have_like_parameters(const Supernet& a, const Supernet& b) {
  const auto others = b->named_parameters();
  for (const auto& entry : a->named_parameters()) {
    if (!entry.value().allclose(others[entry.key()])) return false;
  }
  return true;
}

TEST_F(TrainerTest, BeginsFromGivenWeights) {
  for (const double ema_decay : {0.0, 0.5}) {
    TrainerOptions options = standing_still();
    options.ema_decay = ema_decay;
    const Supernet other(tiny_space(), SupernetOptions{.init = {.seed = 99}});
    Trainer trainer(tiny_space(), data_, options,
                    tiny_context(folder_ / fmt::format("run{}", ema_decay), options));
    EXPECT_FALSE(have_like_parameters(trainer.weights(), other));
    trainer.initialize(weights_of(*other), "given");
    EXPECT_THAT(differing(weights_of(*trainer.weights()), weights_of(*other)), IsEmpty());
    EXPECT_EQ(trainer.train(), TrainingEnd::kComplete);
    EXPECT_TRUE(have_like_parameters(trainer.weights(), other));
  }
  Trainer trainer(tiny_space(), data_, tiny_options(),
                  tiny_context(folder_ / "refused", tiny_options()));
  EXPECT_THAT(error_of([&] { trainer.initialize({}, "empty.pt"); }),
              AllOf(testing::StartsWith("empty.pt: "), testing::EndsWith(": is missing")));
}

// A forward pass from outside trains what it uses, and leaves the statistics alone if it does.
TEST_F(TrainerTest, TrainsInAForwardPassFromOutside) {
  TrainerOptions options = tiny_options();
  options.elastic_epochs = 0;
  options.weight_decay = 0;
  TrainerContext context = tiny_context(folder_ / "run", options);
  std::int64_t calls = 0;
  context.forward = [&](const Supernet& supernet, const Subnet& subnet, const at::Tensor& images) {
    ++calls;
    EXPECT_EQ(subnet, search::space::largest(tiny_space()));
    EXPECT_EQ(images.sizes().vec(), (std::vector<std::int64_t>{8, 3, 16, 16}));
    const at::Tensor brightness = images.mean({2, 3});
    const at::Tensor& weight = supernet->layers().head_weight;
    return at::linear(at::constant_pad_nd(brightness, {0, weight.size(1) - 3}), weight);
  };
  Trainer trainer(tiny_space(), data_, options, std::move(context));
  const TensorDictionary before = clone(weights_of(*trainer.weights()));
  EXPECT_EQ(trainer.train(), TrainingEnd::kComplete);
  EXPECT_EQ(calls, 12);
  EXPECT_THAT(differing(before, weights_of(*trainer.weights())), ElementsAre("classifier.weight"));
}

// The first loss, of weights that are the same in all calls.
double first_loss(const std::filesystem::path& folder, const datasets::Dataset& data,
                  const std::function<at::Tensor(const at::Tensor&)>& teacher) {
  TrainerOptions options = standing_still();
  options.log_interval_steps = 1;
  TrainerContext context = tiny_context(folder, options);
  context.teacher = teacher;
  context.should_stop = [] { return true; };
  Trainer(tiny_space(), data, options, std::move(context)).train();
  std::istringstream text(read_file(folder / "train.jsonl"));
  std::string line;
  std::getline(text, line);
  return nlohmann::json::parse(line).at("loss");
}

TEST_F(TrainerTest, ATeacherFromOutsideIsHalfOfTheLoss) {
  const double alone = first_loss(folder_ / "alone", data_, nullptr);
  // A teacher that knows nothing: the cross-entropy is the mean of -log p over the classes.
  std::vector<std::int64_t> shape;
  const auto ignorant = [&](const at::Tensor& images) {
    shape = images.sizes().vec();
    return at::zeros({images.size(0), 3});
  };
  const double half_ignorant = first_loss(folder_ / "ignorant", data_, ignorant);
  EXPECT_THAT(shape, ElementsAre(8, 3, kTinyResolution, kTinyResolution));
  // A teacher that knows the labels exactly: its cross-entropy is that of the labels, so half of
  // the loss plus half of the loss is the loss. The label is the brightest colour.
  const auto knowing = [](const at::Tensor& images) { return images.mean({2, 3}) * 1e4; };
  EXPECT_NEAR(first_loss(folder_ / "knowing", data_, knowing), alone, 1e-5);
  EXPECT_GT(std::abs(half_ignorant - alone), 1e-4);
}

}  // namespace
}  // namespace mcunet::supernet
