#include "mcunet/datasets/contact_sheet.hpp"

#include <gmock/gmock.h>

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "mcunet/datasets/open_dataset.hpp"

namespace mcunet::datasets {
namespace {

std::unique_ptr<Dataset> four_classes() {
  DatasetOptions options{.kind = DatasetKind::kSyntheticImages};
  options.synthetic.held_out_examples = 40;
  return open_dataset(options, Split::kTest, 32, /*augment=*/false);
}

TEST(ChooseExamples, TakesSomeOfEachClass) {
  const auto dataset = four_classes();
  const auto chosen = choose_examples(*dataset, 3, 7);
  ASSERT_EQ(chosen.size(), 4u);
  for (std::size_t label = 0; label < chosen.size(); ++label) {
    EXPECT_EQ(chosen[label].size(), 3u);
    for (const std::int64_t example : chosen[label]) {
      EXPECT_EQ(dataset->label(example), static_cast<std::int32_t>(label));
    }
  }
  EXPECT_EQ(choose_examples(*dataset, 3, 7), chosen);
  EXPECT_NE(choose_examples(*dataset, 3, 8), chosen);
  EXPECT_EQ(choose_examples(*dataset, 100, 7)[0].size(), 10u);
}

TEST(ChooseExamples, TakesImagesWithAnObjectOfTheClass) {
  DatasetOptions options{.kind = DatasetKind::kSyntheticImages, .targets = TargetKind::kBoxes};
  options.synthetic.held_out_examples = 8;
  const auto dataset = open_dataset(options, Split::kTest, 32, /*augment=*/false);
  const auto chosen = choose_examples(*dataset, 100, 0);
  std::size_t examples = 0;
  for (std::size_t label = 0; label < chosen.size(); ++label) {
    examples += chosen[label].size();
    for (const std::int64_t example : chosen[label]) {
      const Objects objects = std::get<Objects>(dataset->target(example));
      EXPECT_TRUE(std::any_of(objects.begin(), objects.end(), [&](const BoxedObject& object) {
        return object.label == static_cast<std::int32_t>(label);
      }));
    }
  }
  EXPECT_GT(examples, 8u);
}

TEST(DrawExamples, GivesAJpegOfAllOfThem) {
  const auto dataset = four_classes();
  const std::vector<std::int64_t> examples = {0, 1, 2};
  const std::string three = draw_examples(*dataset, examples, 7);
  EXPECT_THAT(three, testing::StartsWith("\xff\xd8\xff"));
  EXPECT_EQ(draw_examples(*dataset, examples, 7), three);
  EXPECT_NE(draw_examples(*dataset, {examples.data(), 1}, 7), three);
}

// Where the objects' borders are, the picture has other colours than without them.
TEST(DrawExamples, DrawsBoxesOverTheImages) {
  DatasetOptions options{.kind = DatasetKind::kSyntheticImages, .targets = TargetKind::kBoxes};
  options.synthetic.held_out_examples = 8;
  options.image.channels = 1;
  const auto dataset = open_dataset(options, Split::kTest, 32, /*augment=*/false);
  const std::string sheet = draw_contact_sheet(*dataset, 1, 1, 0);
  const cv::Mat picture = cv::imdecode(std::vector<char>(sheet.begin(), sheet.end()), 1);
  const std::int64_t example = choose_examples(*dataset, 1, 0)[0][0];
  const Objects objects = std::get<Objects>(dataset->target(example));
  ASSERT_FALSE(objects.empty());
  const Box& box = objects.back().box;  // drawn last
  const int y = 22 + cvRound((box.top + box.bottom) / 2 * 159);
  const auto pixel = picture.at<cv::Vec3b>(y, 4 + cvRound(box.left * 159));
  EXPECT_NE(pixel[0], pixel[2]) << "a gray image has no such colour";
}

// Curves in several colours on a light ground, not a picture of one row of pixels.
TEST(DrawExamples, DrawsSeriesAsCurves) {
  DatasetOptions options{.kind = DatasetKind::kSyntheticSeries};
  options.synthetic.held_out_examples = 8;
  const auto dataset = open_dataset(options, Split::kTest, 64, /*augment=*/false);
  const std::string sheet = draw_contact_sheet(*dataset, 1, 1, 0);
  const cv::Mat picture = cv::imdecode(std::vector<char>(sheet.begin(), sheet.end()), 1);
  const cv::Mat curves = picture(cv::Rect(4, 22, 128, 128));
  EXPECT_GT(cv::mean(curves)[0], 128) << "mostly ground";
  for (int column = 0; column < 128; ++column) {
    double least = 255;
    cv::minMaxLoc(curves.col(column).clone().reshape(1), &least);
    EXPECT_LT(least, 160) << column;
  }
}

}  // namespace
}  // namespace mcunet::datasets
