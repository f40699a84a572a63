#include "synthetic_images.hpp"

#include <cmath>

namespace mcunet::datasets {
namespace {

std::vector<float> load(const Dataset& dataset, std::int64_t index, std::uint64_t seed = 0) {
  std::vector<float> output(static_cast<std::size_t>(dataset.input_shape().elements()));
  RandomStream random(seed, {static_cast<std::uint64_t>(index)});
  EXPECT_TRUE(dataset.load(index, random, output));
  return output;
}

TEST(SyntheticImages, AreTheSameForASeedAndDifferBetweenSplits) {
  const DatasetOptions options;
  const auto train = open_dataset(options, Split::kTrain, 32, false);
  EXPECT_EQ(train->size(), 2000);
  EXPECT_EQ(train->classes(), class_names(options));
  EXPECT_EQ(load(*train, 3, 1), load(*train, 3, 2));
  EXPECT_NE(load(*train, 3), load(*open_dataset(options, Split::kTest, 32, false), 3));
  EXPECT_NE(load(*train, 3), load(*train, 3 + 4));
  const auto augmented = open_dataset(options, Split::kTrain, 32, true);
  EXPECT_NE(load(*augmented, 3, 1), load(*augmented, 3, 2));
}

TEST(SyntheticImages, TellHowManyStripesThereAre) {
  DatasetOptions options;
  options.targets = TargetKind::kValues;
  const auto data = open_dataset(options, Split::kTest, 32, false);
  EXPECT_EQ(data->classes(), std::vector<std::string>{"value"});
  std::vector<float> output(static_cast<std::size_t>(data->input_shape().elements()));
  for (std::int64_t i = 0; i < 50; ++i) {
    RandomStream random(1);
    const float value = std::get<float>(data->target(i));
    EXPECT_GE(value, 3);
    EXPECT_LE(value, 6);
    EXPECT_EQ(std::get<float>(*data->load(i, random, output)), value);
  }
  EXPECT_NE(data->target(0), data->target(1));
}

// The energy of differences along x and along y tells vertical from horizontal stripes.
TEST(SyntheticImages, HaveASignalToLearn) {
  DatasetOptions options;
  options.synthetic.classes = 2;
  const auto dataset = open_dataset(options, Split::kTest, 48, false);
  int correct = 0;
  for (std::int64_t i = 0; i < 100; ++i) {
    const std::vector<float> image = load(*dataset, i);
    double along_x = 0;
    double along_y = 0;
    for (std::size_t y = 0; y + 4 < 48; ++y) {
      for (std::size_t x = 0; x + 4 < 48; ++x) {
        const auto at = [&](std::size_t row, std::size_t column) {
          return image[(row * 48 + column) * 3];
        };
        along_x += std::pow(at(y, x) - at(y, x + 4), 2);
        along_y += std::pow(at(y, x) - at(y + 4, x), 2);
      }
    }
    correct += (along_x > along_y) == (dataset->label(i) == 0) ? 1 : 0;
  }
  EXPECT_GT(correct, 90);
}

}  // namespace
}  // namespace mcunet::datasets
