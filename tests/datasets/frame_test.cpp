// The C of the firmware for a frame of pixels, beside what an evaluation makes of the file that holds
// them.
#include "frame.h"

#include <opencv2/imgproc.hpp>

#include "image_decoding.hpp"
#include "mcunet_kernels.h"
#include "shared_data.hpp"

namespace mcunet::datasets {
namespace {

struct Difference {
  int largest = 0;
  double sum = 0;
  double bytes = 0;
};

// Of the levels, 0 to 255.
void add_difference(const std::filesystem::path& file, const ImagePreprocessing& image,
                    Difference& difference) {
  const auto encoded = EncodedImage::read(file);
  ASSERT_TRUE(encoded) << file;
  const cv::Size size = encoded->size();
  const auto pixels = read_image_file(file, {{size.height, size.width, 3}, ImageFit::kStretch});
  const auto expected = read_image_file(file, image);
  ASSERT_TRUE(pixels && expected) << file;
  std::vector<std::int8_t> values;
  for (int p = 0; p < 256; ++p) values.push_back(static_cast<std::int8_t>(p - 128));
  const mcunet_frame frame{pixels->data(), size.height, size.width, 3 * size.width, 3};
  const mcunet_frame_layer layer{image.shape.height, image.shape.width, image.shape.channels,
                                 image.fit == ImageFit::kCrop ? 57344 : 0, values.data()};
  std::vector<std::int8_t> input(expected->size());
  mcunet_frame_to_input(&frame, input.data(), &layer);
  for (std::size_t i = 0; i < input.size(); ++i) {
    const int apart = std::abs(input[i] + 128 - (*expected)[i]);
    difference.largest = std::max(difference.largest, apart);
    difference.sum += apart;
    difference.bytes += 1;
  }
}

std::vector<std::uint8_t> random_bytes(std::size_t count) {
  RandomStream random(31);
  std::vector<std::uint8_t> bytes(count);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.index(256));
  return bytes;
}

TEST(Frame, RowsAreThoseOfTheWholeInput) {
  const std::vector<std::uint8_t> pixels = random_bytes(50 * 41 * 3);
  std::vector<std::int8_t> values;
  for (int p = 0; p < 256; ++p) values.push_back(static_cast<std::int8_t>(p - 128));
  const mcunet_frame frame{pixels.data(), 50, 41, 3 * 41, 3};
  for (const int side : {16, 50, 64}) {
    const mcunet_frame_layer layer{side, side, 3, 57344, values.data()};
    std::vector<std::int8_t> whole(static_cast<std::size_t>(side * side * 3));
    std::vector<std::int8_t> in_rows(whole.size());
    mcunet_frame_to_input(&frame, whole.data(), &layer);
    for (int row = 0; row < side; row += 3) {
      mcunet_frame_rows_to_input(&frame, row, std::min(3, side - row),
                                 in_rows.data() + row * side * 3, &layer);
    }
    EXPECT_EQ(in_rows, whole) << side;
  }
}

TEST(Pixels, OfYuv422AreWhatOpenCvMakesOfThem) {
  const std::vector<std::uint8_t> bytes = random_bytes(64 * 48 * 2);
  std::vector<std::int8_t> input(64 * 48 * 3);
  mcunet_yuv422_to_input(bytes.data(), 64 * 48, input.data(), 3);
  cv::Mat expected;
  cv::cvtColor(cv::Mat(64, 48, CV_8UC2, const_cast<std::uint8_t*>(bytes.data())), expected,
               cv::COLOR_YUV2RGB_YUY2);
  for (std::size_t i = 0; i < input.size(); ++i) {
    ASSERT_EQ(input[i] + 128, expected.data[i]) << i;
  }
}

// Evaluations shrink a JPEG by 2, 4 or 8 in the domain of its frequencies, round the crop to pixels of
// that, and interpolate, where a frame is averaged at once: edges lie half a pixel elsewhere.
TEST(FrameOfAJpeg, IsNearTheEvaluation) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  for (const int side : {48, 96, 160}) {
    for (const ImageFit fit : {ImageFit::kCrop, ImageFit::kStretch}) {
      Difference difference;
      int files = 0;
      for (const auto& entry :
           std::filesystem::recursive_directory_iterator(data / "imagenet_sample")) {
        if (entry.path().extension() != ".JPEG" || files++ % 5 != 0) continue;
        add_difference(entry.path(), {{side, side, 3}, fit}, difference);
      }
      RecordProperty(fmt::format("side_{}_fit_{}", side, static_cast<int>(fit)),
                     fmt::format("mean {}, largest {}", difference.sum / difference.bytes,
                                 difference.largest));
      EXPECT_LT(difference.sum / difference.bytes, 7) << side;
    }
  }
}

}  // namespace
}  // namespace mcunet::datasets
