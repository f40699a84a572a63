#include "image_decoding.hpp"

#include <cstdio>  // which jpeglib.h lacks
#include <cstdlib>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
// clang-format off
#include <jpeglib.h>
// clang-format on

#include "core/temporary_folder.hpp"
#include "mcunet/core/files.hpp"
#include "shared_data.hpp"

namespace mcunet::datasets {
namespace {

// Red grows to the right, green downwards; smooth, so that any way of scaling gives the same.
cv::Mat gradient(int height, int width) {
  cv::Mat image(height, width, CV_8UC3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      image.at<cv::Vec3b>(y, x) = cv::Vec3b(40, static_cast<std::uint8_t>(255 * y / height),
                                            static_cast<std::uint8_t>(255 * x / width));
    }
  }
  return image;
}

std::filesystem::path write_image(const TemporaryFolder& folder, const std::string& name,
                                  const cv::Mat& image) {
  const std::filesystem::path file = folder / name;
  cv::imwrite(file.string(), image, {cv::IMWRITE_JPEG_QUALITY, 98});
  return file;
}

TEST(ImageDecoding, ReducesAsFarAsTheCropAllows) {
  const TemporaryFolder folder;
  const auto file = write_image(folder, "a.jpg", gradient(375, 501));
  const auto encoded = EncodedImage::read(file);
  ASSERT_TRUE(encoded);
  EXPECT_EQ(encoded->size(), cv::Size(501, 375));
  const std::tuple<double, int, int> cases[] = {
      {370, 185, 2}, {370, 186, 1}, {370, 92, 4}, {370, 40, 8}};
  for (const auto& [side, target, reduction] : cases) {
    cv::Rect2d crop(4, 2, side, side);
    const cv::Mat image = encoded->decode(3, {target, target}, crop);
    EXPECT_EQ(crop.size(), cv::Size2d(side / reduction, side / reduction));
    EXPECT_GE(crop.width, target);
    EXPECT_EQ(cv::Rect2d({0, 0}, cv::Size2d(image.size())) & crop, crop);
    EXPECT_LE(image.cols, side / reduction + 2);  // and no more than that
    EXPECT_LE(image.rows, side / reduction + 2);
  }
}

TEST(ImageDecoding, GivesTheSamePictureWhateverTheReduction) {
  const TemporaryFolder folder;
  const cv::Mat original = gradient(600, 800);
  const auto file = write_image(folder, "a.jpg", original);
  for (int side : {16, 33, 64, 100, 224}) {
    const auto pixels = read_image_file(file, {side, side, 3}, ImageFit::kStretch);
    ASSERT_TRUE(pixels);
    cv::Mat expected;
    cv::resize(original, expected, {side, side}, 0, 0, cv::INTER_AREA);
    cv::cvtColor(expected, expected, cv::COLOR_BGR2RGB);
    const cv::Mat read(side, side, CV_8UC3, const_cast<std::uint8_t*>(pixels->data()));
    EXPECT_LE(cv::norm(read, expected, cv::NORM_INF), 8) << side;
    EXPECT_LE(cv::norm(read, expected, cv::NORM_L1) / (side * side * 3), 1.5) << side;
  }
}

TEST(ImageDecoding, CropsTheCentreForEvaluation) {
  // Shorter side to 256, then the middle 224: 32 of 448 lost at each side.
  const cv::Rect2d crop = evaluation_crop({1024, 512}, {224, 224}, ImageFit::kCentreCrop);
  EXPECT_EQ(crop, cv::Rect2d(288, 32, 448, 448));
  EXPECT_EQ(evaluation_crop({100, 50}, {80, 80}, ImageFit::kStretch), cv::Rect2d(0, 0, 100, 50));
}

TEST(ImageDecoding, ReadsGrayAsColourAndColourAsGray) {
  const TemporaryFolder folder;
  cv::Mat gray(64, 64, CV_8UC1, cv::Scalar(100));
  const auto gray_file = write_image(folder, "gray.jpg", gray);
  const auto colour_file =
      write_image(folder, "colour.png", cv::Mat(64, 64, CV_8UC3, cv::Scalar(0, 0, 255)));
  const auto pixels = read_image_file(gray_file, {8, 8, 3}, ImageFit::kStretch);
  ASSERT_TRUE(pixels);
  EXPECT_THAT(*pixels, testing::Each(testing::AllOf(testing::Ge(98), testing::Le(102))));
  const auto red = read_image_file(colour_file, {8, 8, 1}, ImageFit::kStretch);
  ASSERT_TRUE(red);
  EXPECT_EQ(red->size(), 64u);
  EXPECT_THAT(*red, testing::Each(76));  // 0.299 * 255
  const auto rgb = read_image_file(colour_file, {1, 1, 3}, ImageFit::kStretch);
  ASSERT_TRUE(rgb);
  EXPECT_THAT(*rgb, testing::ElementsAre(255, 0, 0));
}

// As a printer's: four inks, here of cyan alone, which a file holds inverted.
std::string encode_cyan_ink(int side) {
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors;
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &bytes, &size);
  jpeg.image_width = static_cast<JDIMENSION>(side);
  jpeg.image_height = static_cast<JDIMENSION>(side);
  jpeg.input_components = 4;
  jpeg.in_color_space = JCS_CMYK;
  jpeg_set_defaults(&jpeg);
  jpeg_start_compress(&jpeg, TRUE);
  std::vector<unsigned char> row;
  for (int x = 0; x < side; ++x) row.insert(row.end(), {0, 255, 255, 255});
  JSAMPROW line = row.data();
  for (int y = 0; y < side; ++y) jpeg_write_scanlines(&jpeg, &line, 1);
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  std::string file(reinterpret_cast<const char*>(bytes), size);
  std::free(bytes);
  return file;
}

TEST(ImageDecoding, ReadsThePrintersColours) {
  const TemporaryFolder folder;
  const auto file = folder.write("ink.jpg", encode_cyan_ink(64));
  const auto pixels = read_image_file(file, {1, 1, 3}, ImageFit::kCentreCrop);
  ASSERT_TRUE(pixels);
  EXPECT_LT((*pixels)[0], 10);
  EXPECT_GT((*pixels)[1], 245);
  EXPECT_GT((*pixels)[2], 245);
}

TEST(ImageDecoding, FindsTruncatedFiles) {
  const TemporaryFolder folder;
  cv::Mat noise(120, 160, CV_8UC3);
  cv::randu(noise, 0, 255);
  for (const char* name : {"a.jpg", "a.png", "a.bmp"}) {
    const std::string whole = read_file(write_image(folder, name, noise));
    ASSERT_TRUE(read_image_file(folder / name, {32, 32, 3}, ImageFit::kStretch)) << name;
    for (double share : {0.0, 0.01, 0.3, 0.9, 0.999}) {
      const auto size = static_cast<std::size_t>(share * static_cast<double>(whole.size()));
      const auto file = folder.write(std::string("cut_") + name, whole.substr(0, size));
      EXPECT_FALSE(read_image_file(file, {32, 32, 3}, ImageFit::kStretch)) << name << " " << share;
    }
  }
  EXPECT_FALSE(read_image_file(folder / "absent.jpg", {32, 32, 3}, ImageFit::kStretch));
  EXPECT_FALSE(read_image_file(folder.write("text.jpg", "not an image at all"), {32, 32, 3},
                               ImageFit::kStretch));
}

TEST(ImageDecoding, SurvivesDamagedBytes) {
  const TemporaryFolder folder;
  cv::Mat noise(60, 80, CV_8UC3);
  cv::randu(noise, 0, 255);
  for (const char* name : {"a.jpg", "a.png"}) {
    const std::string whole = read_file(write_image(folder, name, noise));
    RandomStream random(3);
    for (int i = 0; i < 300; ++i) {
      std::string damaged = whole;
      const std::uint32_t reach = i % 2 == 0 ? 200 : static_cast<std::uint32_t>(whole.size());
      for (int j = 0; j < 3; ++j)
        damaged[random.index(reach)] = static_cast<char>(random.index(256));
      const auto pixels =
          read_image_file(folder.write("damaged", damaged), {24, 24, 3}, ImageFit::kCentreCrop);
      if (pixels) {
        EXPECT_EQ(pixels->size(), 24u * 24 * 3);
      }
    }
  }
}

TEST(ImageDecoding, ReadsTheImagenetSample) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  int files = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(data / "imagenet_sample")) {
    if (entry.path().extension() != ".JPEG") continue;
    ++files;
    EXPECT_TRUE(read_image_file(entry.path(), {128, 128, 3}, ImageFit::kCentreCrop))
        << entry.path();
    EXPECT_TRUE(read_image_file(entry.path(), {20, 20, 1}, ImageFit::kStretch)) << entry.path();
  }
  EXPECT_EQ(files, 100);
}

}  // namespace
}  // namespace mcunet::datasets
