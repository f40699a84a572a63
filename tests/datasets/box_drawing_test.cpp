#include "box_drawing.hpp"

#include <gmock/gmock.h>

#include <opencv2/imgcodecs.hpp>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "mcunet/datasets/box_picture.hpp"

namespace mcunet::datasets {
namespace {

const std::vector<std::string> kClasses = {"dog", "a very long name of a class, that has no end"};

std::string gray_image(int height, int width) {
  return "P6\n" + std::to_string(width) + " " + std::to_string(height) + "\n255\n" +
         std::string(static_cast<std::size_t>(3 * height * width), '\x80');
}

TEST(BoxDrawing, DrawsBordersWhereTheyAre) {
  cv::Mat picture(200, 100, CV_8UC3, cv::Scalar::all(0));
  draw_boxes(picture, Detections{{.box = {0.2F, 0.5F, 0.8F, 0.9F}, .label = 0, .score = 0.5F}},
             kClasses);
  EXPECT_NE(picture.at<cv::Vec3b>(140, 20), cv::Vec3b()) << "left";
  EXPECT_NE(picture.at<cv::Vec3b>(180, 50), cv::Vec3b()) << "bottom";
  EXPECT_EQ(picture.at<cv::Vec3b>(140, 50), cv::Vec3b()) << "within";
  EXPECT_EQ(picture.at<cv::Vec3b>(190, 50), cv::Vec3b()) << "outside";
}

TEST(BoxDrawing, StaysWithinThePicture) {
  for (const int side : {1, 8, 40}) {
    cv::Mat picture(side, side, CV_8UC3, cv::Scalar::all(0));
    Detections all = {{.box = {0, 0, 1, 1}, .label = 1, .score = 1},
                      {.box = {1, 1, 1, 1}, .label = 7, .score = 0},
                      {.box = {0, 0, 0, 0}, .label = 0, .score = 0}};
    draw_boxes(picture, all, kClasses);
  }
}

TEST(BoxPicture, KnowsWhatANetworkSees) {
  const TemporaryFolder folder;
  const std::string file = folder.write("a.ppm", gray_image(60, 90)).string();
  const ImagePreprocessing stretched{.shape = {32, 32, 3}, .fit = ImageFit::kStretch};
  const auto whole = seen_part(file, stretched);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->in_pixels({0, 0.5F, 1, 1}), (Box{0, 30, 90, 60}));
  const ImagePreprocessing cropped{.shape = {32, 32, 3}, .crop_share = 0.5};
  const auto middle = seen_part(file, cropped);
  ASSERT_TRUE(middle);
  EXPECT_EQ(middle->in_pixels({0, 0, 1, 1}), (Box{30, 15, 60, 45}));
  const Detections detections = {{.box = {0, 0, 1, 1}, .label = 0, .score = 0.75F}};
  const std::string png = draw_detections(file, cropped, detections, kClasses);
  const cv::Mat picture = cv::imdecode(std::vector<std::uint8_t>(png.begin(), png.end()), 1);
  ASSERT_EQ(picture.size(), cv::Size(4 * 90, 4 * 60)) << "enlarged";
  EXPECT_NE(picture.at<cv::Vec3b>(4 * 30, 4 * 30), cv::Vec3b(128, 128, 128)) << "left";
  EXPECT_EQ(picture.at<cv::Vec3b>(4 * 30, 4 * 45), cv::Vec3b(128, 128, 128)) << "within";
  EXPECT_EQ(picture.at<cv::Vec3b>(4 * 30, 4 * 25), cv::Vec3b(128, 128, 128)) << "outside";
}

TEST(BoxPicture, RefusesWhatIsNoImage) {
  const TemporaryFolder folder;
  const std::string file = folder.write("a.png", "no image").string();
  const ImagePreprocessing image{.shape = {32, 32, 3}};
  EXPECT_FALSE(seen_part(file, image));
  EXPECT_EQ(error_of([&] { draw_detections(file, image, {}, {}); }),
            file + ": is no readable image");
}

}  // namespace
}  // namespace mcunet::datasets
