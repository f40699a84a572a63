#include "mcunet/supernet/trainer_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/error_text.hpp"

namespace mcunet::supernet {
namespace {

TrainerOptions read(const std::string& yaml) {
  TrainerOptions options;
  read_fields(parse_config(yaml, "x.yaml"), fields_of(options));
  return options;
}

TEST(TrainerOptions, DefaultsAreThePapersRecipe) {
  const TrainerOptions options;
  EXPECT_EQ(options.learning_rate, 0.05);
  EXPECT_EQ(options.momentum, 0.9);
  EXPECT_EQ(options.weight_decay, 5e-5);
  EXPECT_EQ(options.subnets_per_batch, 4);
  const std::vector<Phase> phases = phases_of(options);
  ASSERT_EQ(phases.size(), 2u);
  EXPECT_EQ(phases[0].epochs, 150);
  EXPECT_EQ(phases[0].sampler, Sampler::kLargest);
  EXPECT_FALSE(phases[0].sorts_channels);
  EXPECT_EQ(phases[1].epochs, 300);
  EXPECT_EQ(phases[1].sampler, Sampler::kRandom);
  EXPECT_TRUE(phases[1].sorts_channels);
}

TEST(TrainerOptions, OneScheduleMayRunThroughBothPhases) {
  const std::vector<Phase> apart = phases_of(read("{largest_epochs: 3, elastic_epochs: 2}"));
  EXPECT_EQ(apart[0].schedule_epochs, 3);
  EXPECT_EQ(apart[1].schedule_epochs, 2);
  EXPECT_EQ(apart[1].epochs_before, 0);
  const std::vector<Phase> whole = phases_of(
      read("{largest_epochs: 3, elastic_epochs: 2, schedule: whole, learning_rate: 0.5}"));
  for (const Phase& phase : whole) EXPECT_EQ(phase.schedule_epochs, 5);
  EXPECT_EQ(whole[0].learning_rate, 0.5);
  EXPECT_EQ(whole[1].learning_rate, 0.05);
  EXPECT_EQ(whole[0].epochs_before, 0);
  EXPECT_EQ(whole[1].epochs_before, 3);
  EXPECT_TRUE(whole[1].sorts_channels);
  // Of one phase it is that phase's.
  const Phase only =
      phases_of(read("{largest_epochs: 0, elastic_epochs: 2, schedule: whole}")).front();
  EXPECT_EQ(only.epochs_before, 0);
  EXPECT_EQ(only.schedule_epochs, 2);
}

TEST(TrainerOptions, PhasesWithoutEpochsAreLeftOut) {
  EXPECT_EQ(phases_of(read("{largest_epochs: 3, elastic_epochs: 0}")).size(), 1u);
  EXPECT_EQ(phases_of(read("{largest_epochs: 0, elastic_epochs: 3}")).front().name, "elastic");
}

TEST(TrainerOptions, RefusesBadValues) {
  EXPECT_EQ(error_of([] { read("{momentum: 1}"); }),
            "x.yaml:1: momentum: must be between 0 and 0.9999, is 1");
  EXPECT_EQ(error_of([] { read("{precision: fp8}"); }),
            "x.yaml:1: precision: must be one of fp32, bf16, fp16, is fp8");
  EXPECT_EQ(error_of([] { read("{batchsize: 8}"); }),
            "x.yaml:1: batchsize: is no known key; did you mean batch_size?");
}

TEST(TrainerOptions, RoundTrip) {
  TrainerOptions options = read(
      "{elastic_sampler: sandwich, distillation: true, "
      "precision: bf16, device: 'cuda:1', warmup_epochs: 0.5}");
  const std::string text = to_json_text(write_fields(fields_of(options)));
  TrainerOptions copy = read(text);
  EXPECT_EQ(to_json_text(write_fields(fields_of(copy))), text);
  EXPECT_EQ(copy.precision, Precision::kBfloat16);
}

TEST(TrainerOptions, KeysWithoutInfluenceExist) {
  TrainerOptions options;
  const ConfigNode all = write_fields(fields_of(options));
  for (const std::string& key : keys_without_influence()) {
    EXPECT_NE(all.find(key), nullptr) << key;
  }
}

}  // namespace
}  // namespace mcunet::supernet
