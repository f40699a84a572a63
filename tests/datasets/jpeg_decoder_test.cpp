#include "jpeg_decoder.hpp"

#include <opencv2/imgcodecs.hpp>

#include "mcunet/core/files.hpp"
#include "mcunet/core/random.hpp"
#include "shared_data.hpp"

namespace mcunet::datasets {
namespace {

using Bytes = std::vector<std::uint8_t>;

// Blocks of colour with noise on them: what interpolation of the colours shows on.
cv::Mat patches(cv::Size size) {
  cv::Mat image(size, CV_8UC3);
  RandomStream random(5);
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      const int block = (x / 11) * 7 + (y / 13) * 5;
      for (int c = 0; c < 3; ++c) {
        image.at<cv::Vec3b>(y, x)[c] = static_cast<std::uint8_t>(
            (block * (37 + 20 * c)) % 200 + static_cast<int>(random.index(40)));
      }
    }
  }
  return image;
}

Bytes encode(const cv::Mat& image, bool progressive) {
  Bytes bytes;
  cv::imencode(".jpg", image, bytes,
               {cv::IMWRITE_JPEG_QUALITY, 90, cv::IMWRITE_JPEG_PROGRESSIVE, progressive ? 1 : 0});
  return bytes;
}

int opencv_flags(int channels, int reduction) {
  switch (reduction) {
    case 2:
      return channels == 1 ? cv::IMREAD_REDUCED_GRAYSCALE_2 : cv::IMREAD_REDUCED_COLOR_2;
    case 4:
      return channels == 1 ? cv::IMREAD_REDUCED_GRAYSCALE_4 : cv::IMREAD_REDUCED_COLOR_4;
    case 8:
      return channels == 1 ? cv::IMREAD_REDUCED_GRAYSCALE_8 : cv::IMREAD_REDUCED_COLOR_8;
    default:
      return channels == 1 ? cv::IMREAD_GRAYSCALE : cv::IMREAD_COLOR;
  }
}

// Every part of an image must be that part of OpenCV's whole decoding, in every bit.
void expect_parts_of_the_whole(const Bytes& bytes, cv::Size size, int parts, std::uint64_t seed) {
  RandomStream random(seed);
  const auto index = [&](int below) {
    return static_cast<int>(random.index(static_cast<std::uint32_t>(below)));
  };
  for (int channels : {1, 3}) {
    for (int reduction : {1, 2, 4, 8}) {
      const cv::Mat whole =
          cv::imdecode(bytes, opencv_flags(channels, reduction) | cv::IMREAD_IGNORE_ORIENTATION);
      for (int i = 0; i < parts; ++i) {
        cv::Rect part({0, 0}, whole.size());
        if (i > 0) {
          part.x = index(whole.cols);
          part.y = index(whole.rows);
          part.width = 1 + index(whole.cols - part.x);
          part.height = 1 + index(whole.rows - part.y);
        }
        const cv::Mat decoded = decode_jpeg_part(bytes, channels, reduction, size, part);
        ASSERT_EQ(decoded.size(), part.size()) << reduction;
        ASSERT_EQ(cv::norm(decoded, whole(part), cv::NORM_INF), 0)
            << channels << " channels, 1/" << reduction << ", " << part;
      }
    }
  }
}

TEST(JpegDecoder, APartIsThatPartOfTheWhole) {
  const cv::Size size(211, 157);
  for (bool progressive : {false, true}) {
    expect_parts_of_the_whole(encode(patches(size), progressive), size, 40, 1);
  }
}

TEST(JpegDecoder, RefusesWhatIsNotAsTold) {
  const Bytes bytes = encode(patches({64, 48}), false);
  EXPECT_FALSE(decode_jpeg_part(bytes, 3, 1, {64, 48}, {0, 0, 64, 48}).empty());
  EXPECT_TRUE(decode_jpeg_part(bytes, 3, 1, {64, 49}, {0, 0, 64, 49}).empty());
  EXPECT_TRUE(
      decode_jpeg_part(std::span(bytes).first(100), 3, 1, {64, 48}, {0, 0, 64, 48}).empty());
  EXPECT_TRUE(decode_jpeg_part({}, 3, 1, {64, 48}, {0, 0, 64, 48}).empty());
}

TEST(JpegDecoder, PartsOfPhotographsAreThoseOfTheWhole) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  int files = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(data / "imagenet_sample")) {
    if (entry.path().extension() != ".JPEG" || files++ % 5 != 0) continue;
    SCOPED_TRACE(entry.path());
    const std::string file = read_file(entry.path());
    const Bytes bytes(file.begin(), file.end());
    const cv::Mat whole = cv::imdecode(bytes, cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION);
    expect_parts_of_the_whole(bytes, whole.size(), 4, 2);
  }
  EXPECT_GT(files, 0);
}

}  // namespace
}  // namespace mcunet::datasets
