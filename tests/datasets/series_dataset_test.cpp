#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "mcunet/datasets/dataset_files.hpp"
#include "mcunet/datasets/open_dataset.hpp"

namespace mcunet::datasets {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string table_of(int rows, double slope, double offset = 0) {
  std::string text = "t,x,y\n";
  for (int i = 0; i < rows; ++i) {
    text += fmt::format("{},{},{}\n", i, offset + slope * i, i % 2 == 0 ? 5 : -5);
  }
  return text;
}

std::vector<float> example(const Dataset& dataset, std::int64_t index, std::uint64_t seed = 0) {
  std::vector<float> input(static_cast<std::size_t>(dataset.input_shape().elements()));
  RandomStream random(seed);
  EXPECT_TRUE(dataset.load(index, random, input));
  return input;
}

class SeriesFolder : public testing::Test {
 protected:
  SeriesFolder() {
    for (int i = 0; i < 10; ++i) {
      folder_.write(fmt::format("rise/{}.csv", i), table_of(100, 1));
      folder_.write(fmt::format("fall/{}.csv", i), table_of(100, -1));
    }
    options_.path = folder_.path().string();
    options_.series.window = 32;
    options_.series.step = 16;
  }

  std::unique_ptr<Dataset> open(Split split, int resolution = 32, bool augment = false) const {
    return open_dataset(options_, split, resolution, augment);
  }

  TemporaryFolder folder_;
  DatasetOptions options_{.kind = DatasetKind::kSeries};
};

TEST_F(SeriesFolder, WindowsOfAFileStayInItsSplit) {
  const auto train = open(Split::kTrain, 32, /*augment=*/true);
  EXPECT_THAT(train->classes(), ElementsAre("fall", "rise"));
  EXPECT_EQ(train->input_shape(), (InputShape{1, 32, 2}));
  // (100 - 32) / 16 + 1 windows of each file; without augmentation they do not overlap.
  EXPECT_EQ(train->size(), 14 * 5);
  EXPECT_EQ(open(Split::kTrain)->size(), 14 * 3);
  EXPECT_EQ(open(Split::kSearch)->size(), 2 * 3);
  EXPECT_EQ(open(Split::kTest)->size(), 4 * 3);
  EXPECT_THAT(train->name(0), testing::EndsWith(".csv, row 0"));
  EXPECT_THAT(train->name(4), testing::EndsWith(".csv, row 64"));
  EXPECT_EQ(train->name(0).substr(0, train->name(0).find(',')),
            train->name(4).substr(0, train->name(4).find(',')));
  EXPECT_EQ(train->label(0), 0);
  EXPECT_EQ(train->label(69), 1);
}

TEST_F(SeriesFolder, ChannelsAreNormalizedByTheTrainingData) {
  const auto series = std::get<SeriesPreprocessing>(preprocessing_of(options_, 32));
  ASSERT_EQ(series.channels.size(), 2u);
  EXPECT_EQ(series.channels[0].name, "x");
  EXPECT_EQ(series.window, 32);
  // x: as many files rise from 0 to 99 as fall; of 0 … 99 the mean of the squares is 3283.5.
  EXPECT_NEAR(series.channels[0].centre, 0, 1e-9);
  EXPECT_NEAR(series.channels[0].range, 4 * std::sqrt(3283.5), 1e-6);
  EXPECT_NEAR(series.channels[1].centre, 0, 1e-9);
  EXPECT_NEAR(series.channels[1].range, 20, 1e-9);
  const std::vector<float> input = example(*open(Split::kTrain), 41);  // the last rises from 64
  for (std::size_t i = 0; i < 32; ++i) {
    const double x = (64 + double(i)) / series.channels[0].range;
    EXPECT_NEAR(input[2 * i], x, 0.5 / 128 + 1e-6);
    EXPECT_EQ(input[2 * i] * 128, std::round(input[2 * i] * 128)) << "a level";
    EXPECT_EQ(input[2 * i + 1], i % 2 == 0 ? 0.25F : -0.25F);
  }
}

TEST_F(SeriesFolder, ASmallerResolutionAverages) {
  const auto whole = open(Split::kTest, 32);
  const auto half = open(Split::kTest, 16);
  EXPECT_EQ(half->input_shape(), (InputShape{1, 16, 2}));
  const std::vector<float> a = example(*whole, 3);
  const std::vector<float> b = example(*half, 3);
  for (std::size_t i = 0; i < 16; ++i) {
    EXPECT_NEAR(b[2 * i], (a[4 * i] + a[4 * i + 2]) / 2, 1.0 / 128);
    EXPECT_EQ(b[2 * i + 1], 0);
  }
  EXPECT_EQ(error_of([&] { open(Split::kTest, 24); }),
            "dataset.series.window: is 32, no multiple of the resolution 24; a sample of the input "
            "is the mean of a whole number of rows");
}

TEST_F(SeriesFolder, ShortRecordingsHoldTheirLastRow) {
  folder_.write("rise/short.csv", table_of(10, 1));
  options_.test_share = 0.9;
  const auto train = open(Split::kTrain);
  const auto test = open(Split::kTest);
  for (const Dataset* dataset : {train.get(), test.get()}) {
    for (std::int64_t i = 0; i < dataset->size(); ++i) {
      if (!dataset->name(i).ends_with("short.csv")) continue;
      const std::vector<float> input = example(*dataset, i);
      EXPECT_GT(input[2 * 9], input[2 * 8]);
      for (std::size_t row = 10; row < 32; ++row) EXPECT_EQ(input[2 * row], input[2 * 9]);
      return;
    }
  }
  FAIL() << "the short recording is in no split";
}

TEST_F(SeriesFolder, AugmentationShiftsScalesAndAddsNoise) {
  const auto plain = open(Split::kTrain);
  const auto augmented = open(Split::kTrain, 32, /*augment=*/true);
  EXPECT_EQ(example(*plain, 3, 1), example(*plain, 3, 2));
  EXPECT_EQ(example(*augmented, 3, 1), example(*augmented, 3, 1)) << "of the stream alone";
  EXPECT_NE(example(*augmented, 3, 1), example(*augmented, 3, 2));
  options_.series.time_shift = options_.series.scale = options_.series.noise = 0;
  options_.series.step = 32;
  EXPECT_EQ(example(*open(Split::kTrain, 32, true), 3, 1), example(*plain, 3, 1));
  options_.series.noise = 0.05;
  const std::vector<float> noisy = example(*open(Split::kTrain, 32, true), 3, 1);
  const std::vector<float> clean = example(*plain, 3);
  double squares = 0;
  for (std::size_t i = 0; i < noisy.size(); ++i) {
    squares += std::pow(double(noisy[i]) - double(clean[i]), 2);
  }
  EXPECT_NEAR(std::sqrt(squares / double(noisy.size())), 0.05, 0.02) << "of the range";
}

TEST_F(SeriesFolder, WhatCannotBeReadIsUnreadable) {
  folder_.write("rise/bad.csv", "t,x,y\n1,2\n");
  folder_.write("rise/words.csv", "t,x,y\n1,2,three\n");
  folder_.write("fall/other.csv", "t,x,z\n1,2,3\n");
  // Columns in another order, and one more, are no fault.
  folder_.write("fall/turned.csv", "y,z,x\n1,2,3\n");
  std::int64_t unreadable = 0;
  for (const Split split : {Split::kTrain, Split::kSearch, Split::kTest}) {
    const auto dataset = open(split);
    std::vector<float> input(64);
    for (std::int64_t i = 0; i < dataset->size(); ++i) {
      RandomStream random(0);
      const bool is_good = dataset->load(i, random, input).has_value();
      const std::string name = dataset->name(i);
      const auto is = [&](const char* file) { return name.find(file) != std::string::npos; };
      const bool is_bad = is("bad.csv") || is("words.csv") || is("other.csv");
      EXPECT_EQ(is_good, !is_bad) << name;
      unreadable += is_good ? 0 : 1;
    }
  }
  EXPECT_GE(unreadable, 3 * 2) << "as many windows as the others have";
}

TEST_F(SeriesFolder, OptionsChooseTheColumns) {
  options_.series.channels = {"y"};
  EXPECT_EQ(input_channels(options_), 1);
  EXPECT_EQ(open(Split::kTest)->input_shape(), (InputShape{1, 32, 1}));
  options_.series.channels = {"y", "q"};
  EXPECT_THAT(error_of([&] { open(Split::kTest); }),
              testing::AllOf(HasSubstr("no training file can be read; the first: "),
                             HasSubstr("has no column q")));
  options_.series.channels = {};
  EXPECT_EQ(input_channels(options_), 2);
}

TEST_F(SeriesFolder, HasNoCacheAndTellsWhatItLeavesOut) {
  options_.cache = "cache";
  EXPECT_EQ(error_of([&] { open(Split::kTest); }),
            "dataset.cache: is for images and sounds; recordings are held in memory");
  options_.cache = "";
  const auto findings = findings_in(files_of(options_), options_);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].what, "columns left out");
  EXPECT_THAT(findings[0].items, ElementsAre("t"));
}

TEST(SyntheticSeries, ClassesDifferAndSeedsRepeat) {
  DatasetOptions options{.kind = DatasetKind::kSyntheticSeries};
  options.synthetic = {.examples = 40, .held_out_examples = 8, .classes = 4};
  const auto dataset = open_dataset(options, Split::kTrain, 64, false);
  EXPECT_THAT(dataset->classes(), ElementsAre("motion_0", "motion_1", "motion_2", "motion_3"));
  EXPECT_EQ(dataset->size(), 40);
  EXPECT_EQ(dataset->input_shape(), (InputShape{1, 64, 3}));
  EXPECT_EQ(input_channels(options), 3);
  const std::vector<float> first = example(*dataset, 0);
  EXPECT_NE(first, example(*dataset, 4));
  options.seed = 1;
  EXPECT_NE(first, example(*open_dataset(options, Split::kTrain, 64, false), 0));
  options.seed = 0;
  EXPECT_EQ(first, example(*open_dataset(options, Split::kTrain, 64, false), 0));
}

}  // namespace
}  // namespace mcunet::datasets
