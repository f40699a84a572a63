#include "pixels.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "mcunet/datasets/loader.hpp"
#include "mcunet/supernet/subnet_evaluator.hpp"
#include "supernet/photographs.hpp"
#include "supernet/tiny_training.hpp"

namespace mcunet::supernet {
namespace {

using datasets::ColourJitter;

constexpr int kResolution = kTinyResolution;

class Pixels : public testing::TestWithParam<int> {
 protected:
  const Photographs photographs_{12};
  datasets::DatasetOptions options_ = photographs_.options(GetParam());
};

TEST_P(Pixels, BecomeWhatALoaderMakesOfThem) {
  for (const double strength : {0.0, 0.6}) {
    options_.image.brightness = options_.image.contrast = options_.image.saturation = strength;
    const auto data =
        datasets::open_dataset(options_, datasets::Split::kTrain, kResolution, /*augment=*/true);
    ASSERT_TRUE(data->pixel_values().has_value());
    const at::Tensor values =
        at::tensor(at::ArrayRef<float>(data->pixel_values()->data(), std::size_t{256}));
    datasets::Loader floats(*data, {.batch_size = 4, .seed = 5});
    datasets::Loader pixels(*data, {.batch_size = 4, .seed = 5, .pixels = true});
    floats.start_epoch(1);
    pixels.start_epoch(1);
    int batches = 0;
    for (; auto expected = floats.next(); ++batches) {
      auto batch = pixels.next();
      ASSERT_TRUE(batch);
      EXPECT_TRUE(batch->inputs.empty());
      EXPECT_EQ(batch->indices, expected->indices);
      const at::Tensor bytes =
          at::from_blob(batch->pixels.data(), {4, kResolution, kResolution, GetParam()}, at::kByte);
      const at::Tensor jitters = jitter_table(batch->jitters);
      EXPECT_EQ(jitters.defined(), strength > 0);
      const at::Tensor inputs = inputs_of_pixels(bytes, values, jitters);
      const at::Tensor wanted = at::from_blob(expected->inputs.data(), bytes.sizes(), at::kFloat);
      EXPECT_LT((inputs - wanted).abs().max().item<float>(), 1e-5) << strength;
      EXPECT_GT(wanted.std().item<float>(), 0.05);
      pixels.recycle(std::move(*batch));
    }
    EXPECT_GE(batches, 1);
  }
}

// Where floats would take too much memory, an evaluation keeps pixels, and finds the same.
TEST_P(Pixels, AreWhatAnEvaluationKeeps) {
  const auto data =
      datasets::open_dataset(options_, datasets::Split::kTrain, kResolution, /*augment=*/false);
  search::space::SearchSpace space = tiny_space();
  space.image_channels = GetParam();
  const Supernet supernet(space);
  const std::int64_t values = data->size() * data->input_shape().elements();
  std::vector<at::Tensor> found;
  for (const std::int64_t bytes : {4 * values, values, std::int64_t{0}}) {
    SubnetEvaluator evaluator(*data, *data,
                              {.calibration_batches = 1, .batch_size = 4, .cache_bytes = bytes});
    for (const bool again : {false, true}) {
      std::vector<at::Tensor> outputs;
      evaluator.evaluate(
          supernet, search::space::largest(space),
          [&](const at::Tensor& logits, const BatchTensors&) { outputs.push_back(logits); });
      found.push_back(at::cat(outputs));
      EXPECT_TRUE(found.back().equal(found.front())) << bytes << again;
    }
  }
  EXPECT_EQ(found.front().size(0), data->size());
}

INSTANTIATE_TEST_SUITE_P(Channels, Pixels, testing::Values(1, 3));

}  // namespace
}  // namespace mcunet::supernet
