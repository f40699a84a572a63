#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "core/temporary_folder.hpp"
#include "mcunet/datasets/open_dataset.hpp"

// Whether an image's boxes stay where its objects are.
namespace mcunet::datasets {
namespace {

constexpr int kResolution = 64;

// Black images of 160 x 120 with one white rectangle each, at a place of its own.
DatasetOptions white_rectangles(const TemporaryFolder& folder, int count) {
  std::filesystem::create_directories(folder / "data");
  for (int i = 0; i < count; ++i) {
    cv::Mat image(120, 160, CV_8UC3, cv::Scalar::all(0));
    const cv::Rect place(10 + 3 * i, 20 + 2 * i, 60, 40);
    cv::rectangle(image, place, cv::Scalar::all(255), cv::FILLED);
    cv::imwrite((folder / fmt::format("data/{}.png", i)).string(), image);
    folder.write(fmt::format("data/{}.txt", i),
                 fmt::format("0 {} {} {} {}\n", (place.x + 30) / 160.0, (place.y + 20) / 120.0,
                             60 / 160.0, 40 / 120.0));
  }
  DatasetOptions options{.kind = DatasetKind::kYolo,
                         .targets = TargetKind::kBoxes,
                         .path = (folder / "data").string()};
  options.image.brightness = options.image.contrast = options.image.saturation = 0;
  return options;
}

// Around what is white in an input.
Box white_part(const std::vector<float>& input) {
  Box box = {1, 1, 0, 0};
  for (int y = 0; y < kResolution; ++y) {
    for (int x = 0; x < kResolution; ++x) {
      if (input[static_cast<std::size_t>((y * kResolution + x) * 3)] < 0.5f) continue;
      const auto share = [](int pixel) { return static_cast<float>(pixel) / kResolution; };
      box = {std::min(box.left, share(x)), std::min(box.top, share(y)),
             std::max(box.right, share(x + 1)), std::max(box.bottom, share(y + 1))};
    }
  }
  return box;
}

void expect_boxes_to_fit(const Dataset& dataset, std::uint64_t draws) {
  std::vector<float> input(static_cast<std::size_t>(dataset.input_shape().elements()));
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    for (std::uint64_t draw = 0; draw < draws; ++draw) {
      RandomStream random(draw, {static_cast<std::uint64_t>(i)});
      const auto target = dataset.load(i, random, input);
      ASSERT_TRUE(target);
      const Objects& objects = std::get<Objects>(*target);
      const Box seen = white_part(input);
      if (seen.area() <= 0) continue;
      ASSERT_EQ(objects.size(), 1u);
      constexpr float kPixels = 1.6f / kResolution;
      EXPECT_NEAR(objects[0].box.left, seen.left, kPixels);
      EXPECT_NEAR(objects[0].box.top, seen.top, kPixels);
      EXPECT_NEAR(objects[0].box.right, seen.right, kPixels);
      EXPECT_NEAR(objects[0].box.bottom, seen.bottom, kPixels);
    }
  }
}

TEST(ImagesWithBoxes, AreEvaluatedWhole) {
  const TemporaryFolder folder;
  const DatasetOptions options = white_rectangles(folder, 20);
  const auto dataset = open_dataset(options, Split::kTrain, kResolution, /*augment=*/false);
  expect_boxes_to_fit(*dataset, 1);
  EXPECT_NEAR(std::get<Objects>(dataset->target(0))[0].box.width(), 60.0 / 160, 1e-6);
  EXPECT_EQ(dataset->label(0), 0);
}

TEST(ImagesWithBoxes, MoveTheirBoxesWithTheCrop) {
  const TemporaryFolder folder;
  DatasetOptions options = white_rectangles(folder, 20);
  options.image.evaluation = ImageFit::kCrop;
  for (const char* cache : {"", "cache", "cache"}) {
    if (*cache != 0) options.cache = (folder / cache).string();
    const auto dataset = open_dataset(options, Split::kTrain, kResolution, /*augment=*/false);
    expect_boxes_to_fit(*dataset, 1);
    EXPECT_GT(std::get<Objects>(dataset->target(0))[0].box.width(), 60.0 / 160);
  }
}

TEST(ImagesWithBoxes, MoveTheirBoxesInTraining) {
  const TemporaryFolder folder;
  DatasetOptions options = white_rectangles(folder, 20);
  options.image.box_jitter = 0.3;
  for (const char* cache : {"", "cache", "cache"}) {
    if (*cache != 0) options.cache = (folder / cache).string();
    const auto dataset = open_dataset(options, Split::kTrain, kResolution, /*augment=*/true);
    expect_boxes_to_fit(*dataset, 40);
  }
}

// The same folder serves both, so a cached example of one must not be taken for the other.
TEST(ImagesWithBoxes, ShareACacheAcrossEvaluations) {
  const TemporaryFolder folder;
  DatasetOptions options = white_rectangles(folder, 10);
  options.cache = (folder / "cache").string();
  for (const ImageFit fit : {ImageFit::kStretch, ImageFit::kCrop, ImageFit::kStretch}) {
    options.image.evaluation = fit;
    expect_boxes_to_fit(*open_dataset(options, Split::kTrain, kResolution, false), 1);
  }
}

TEST(ImagesWithBoxes, MayHaveNone) {
  const TemporaryFolder folder;
  DatasetOptions options = white_rectangles(folder, 10);
  for (int i = 0; i < 9; ++i) folder.write(fmt::format("data/{}.txt", i), "");
  for (const bool augment : {false, true}) {
    int empty = 0;
    for (const Split split : {Split::kTrain, Split::kSearch, Split::kTest}) {
      const auto dataset = open_dataset(options, split, kResolution, augment);
      std::vector<float> input(static_cast<std::size_t>(dataset->input_shape().elements()));
      for (std::int64_t i = 0; i < dataset->size(); ++i) {
        RandomStream random(0);
        const auto target = dataset->load(i, random, input);
        ASSERT_TRUE(target);
        if (!std::get<Objects>(*target).empty()) continue;
        ++empty;
        EXPECT_EQ(dataset->label(i), kNoObjects);
      }
    }
    EXPECT_EQ(empty, 9);
  }
}

}  // namespace
}  // namespace mcunet::datasets
