#include "jpeg_header.hpp"

#include <opencv2/imgcodecs.hpp>

namespace mcunet::datasets {
namespace {

std::vector<std::uint8_t> encode(int height, int width, bool progressive) {
  cv::Mat image(height, width, CV_8UC3);
  cv::randu(image, 0, 255);
  std::vector<std::uint8_t> bytes;
  cv::imencode(
      ".jpg", image, bytes,
      {cv::IMWRITE_JPEG_PROGRESSIVE, progressive ? 1 : 0, cv::IMWRITE_JPEG_RST_INTERVAL, 4});
  return bytes;
}

TEST(JpegHeader, ReadsTheSizeOfBaselineAndProgressiveFiles) {
  for (bool progressive : {false, true}) {
    const auto header = read_jpeg_header(encode(37, 301, progressive));
    ASSERT_TRUE(header);
    EXPECT_EQ(header->height, 37);
    EXPECT_EQ(header->width, 301);
    EXPECT_TRUE(header->is_complete);
  }
}

TEST(JpegHeader, FindsEveryTruncation) {
  for (bool progressive : {false, true}) {
    const std::vector<std::uint8_t> bytes = encode(20, 30, progressive);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const auto header = read_jpeg_header(std::span(bytes).first(size));
      if (header) {
        EXPECT_FALSE(header->is_complete) << size << " of " << bytes.size();
      }
    }
  }
}

TEST(JpegHeader, IsNotMisledByAThumbnailsEnd) {
  std::vector<std::uint8_t> bytes = encode(20, 30, false);
  // A comment that holds an end marker, as a thumbnail does.
  const std::vector<std::uint8_t> comment = {0xFF, 0xFE, 0, 4, 0xFF, 0xD9};
  bytes.insert(bytes.begin() + 2, comment.begin(), comment.end());
  EXPECT_TRUE(read_jpeg_header(bytes)->is_complete);
  bytes.resize(bytes.size() - 2);
  EXPECT_FALSE(read_jpeg_header(bytes)->is_complete);
}

TEST(JpegHeader, TakesWhatFollowsTheEndAsNothing) {
  std::vector<std::uint8_t> bytes = encode(20, 30, false);
  bytes.resize(bytes.size() + 1000, 0);
  EXPECT_TRUE(read_jpeg_header(bytes)->is_complete);
}

TEST(JpegHeader, KnowsOtherFiles) {
  const std::vector<std::uint8_t> png = {0x89, 'P', 'N', 'G', 13, 10};
  EXPECT_FALSE(read_jpeg_header(png));
  EXPECT_FALSE(read_jpeg_header({}));
}

}  // namespace
}  // namespace mcunet::datasets
