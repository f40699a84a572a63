#include "image_size.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <opencv2/imgcodecs.hpp>
#include <string>

namespace mcunet::datasets {
namespace {

std::optional<ImageSize> size_of(const std::string& bytes) {
  return declared_image_size({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

TEST(ImageSize, IsThatOfTheDecodedImage) {
  const cv::Mat image(37, 541, CV_8UC3, cv::Scalar(1, 2, 3));
  const cv::Mat gray(37, 541, CV_8UC1, cv::Scalar(1));
  for (const char* extension : {".png", ".bmp", ".webp", ".tiff", ".ppm", ".pgm", ".pbm"}) {
    std::vector<std::uint8_t> bytes;
    const bool is_gray = extension[2] == 'g' || extension[2] == 'b';
    ASSERT_TRUE(cv::imencode(extension, is_gray ? gray : image, bytes));
    EXPECT_EQ(declared_image_size(bytes), (ImageSize{37, 541})) << extension;
  }
  std::vector<std::uint8_t> lossless;
  ASSERT_TRUE(cv::imencode(".webp", image, lossless, {cv::IMWRITE_WEBP_QUALITY, 101}));
  EXPECT_EQ(declared_image_size(lossless), (ImageSize{37, 541}));
}

TEST(ImageSize, IsReadBetweenRemarks) {
  EXPECT_EQ(size_of("P5\n# from a camera\n 640\t\n#\n480\n255\n"), (ImageSize{480, 640}));
  EXPECT_EQ(size_of("P5 640"), std::nullopt);
  EXPECT_EQ(size_of("P5 #"), std::nullopt);
  EXPECT_EQ(size_of("P5 x y"), std::nullopt);
}

TEST(ImageSize, OfABitmapIsPositive) {
  const std::string start = "BM" + std::string(12, '\0') + "\x28" + std::string(3, '\0');
  EXPECT_EQ(size_of(start + std::string("\5\0\0\0\xF9\xFF\xFF\xFF", 8)), (ImageSize{7, 5}));
  EXPECT_EQ(size_of(start + std::string("\0\0\0\x80\0\0\0\x80", 8)),
            (ImageSize{1U << 31, 1U << 31}));
  EXPECT_EQ(size_of(start), std::nullopt);
}

TEST(ImageSize, IsUnknownOfAnythingElse) {
  for (const std::string text : {"", "P", "GIF89a", "RIFF....WAVEfmt ", "II*", "hello, world"}) {
    EXPECT_EQ(size_of(text), std::nullopt) << text;
  }
}

// Every beginning of every format, and bytes at random: no access beside the file.
TEST(ImageSize, EndsWithTheFile) {
  for (const char* extension : {".png", ".bmp", ".webp", ".tiff", ".ppm"}) {
    std::vector<std::uint8_t> bytes;
    cv::imencode(extension, cv::Mat(5, 6, CV_8UC3, cv::Scalar(1, 2, 3)), bytes);
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
      const std::vector<std::uint8_t> cut(bytes.begin(),
                                          bytes.begin() + static_cast<std::ptrdiff_t>(size));
      declared_image_size(cut);
    }
    EXPECT_EQ(declared_image_size(bytes), (ImageSize{5, 6})) << extension;
  }
}

TEST(ImageSize, CountsPixelsWithoutOverflow) {
  EXPECT_EQ((ImageSize{3, 4}).pixels(), 12);
  EXPECT_GT((ImageSize{~0U, ~0U}).pixels(), std::int64_t{1} << 62);
}

}  // namespace
}  // namespace mcunet::datasets
