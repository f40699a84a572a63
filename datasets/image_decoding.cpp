#include "image_decoding.hpp"

#include <algorithm>
#include <mutex>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "file_bytes.hpp"
#include "image_size.hpp"
#include "jpeg_decoder.hpp"
#include "jpeg_header.hpp"

namespace mcunet::datasets {
namespace {

// A file of a few kilobytes may promise gigabytes of pixels.
constexpr std::int64_t kMostPixels = std::int64_t{1} << 27;

// Threads of its own inside each of the loader's would only fight for the cores.
void keep_opencv_on_one_thread() {
  static std::once_flag once;
  std::call_once(once, [] { cv::setNumThreads(1); });
}

cv::Mat decode_whole(const std::vector<std::uint8_t>& bytes) {
  try {
    return cv::imdecode(bytes, cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION);
  } catch (const cv::Exception&) {  // dimensions beyond its limits, or a damaged header
    return {};
  }
}

cv::Mat with_channels(const cv::Mat& colour, int channels) {
  if (channels != 1 || colour.empty()) return colour;
  cv::Mat gray;
  cv::cvtColor(colour, gray, cv::COLOR_BGR2GRAY);
  return gray;
}

// As libjpeg does it.
cv::Size reduced_size(cv::Size whole, int reduction) {
  return {(whole.width + reduction - 1) / reduction, (whole.height + reduction - 1) / reduction};
}

// The pixels that a part of an image touches.
cv::Rect touched_pixels(const cv::Rect2d& part, cv::Size image) {
  const cv::Point first(cvFloor(part.x), cvFloor(part.y));
  const cv::Point end(cvCeil(part.x + part.width), cvCeil(part.y + part.height));
  return cv::Rect(first, end) & cv::Rect({0, 0}, image);
}

int choose_reduction(const cv::Rect2d& crop, cv::Size target) {
  const double ratio = std::min(crop.width / target.width, crop.height / target.height);
  return ratio >= 8 ? 8 : ratio >= 4 ? 4 : ratio >= 2 ? 2 : 1;
}

}  // namespace

std::optional<EncodedImage> EncodedImage::read(const std::filesystem::path& file) {
  keep_opencv_on_one_thread();
  thread_local std::vector<std::uint8_t> bytes;
  if (!read_file_bytes(file, bytes) || bytes.empty()) return std::nullopt;
  EncodedImage image;
  image.bytes_ = &bytes;
  if (const auto header = read_jpeg_header(bytes)) {
    const std::int64_t pixels = std::int64_t{header->height} * header->width;
    if (!header->is_complete || pixels == 0 || pixels > kMostPixels) return std::nullopt;
    image.size_ = {header->width, header->height};
  } else {
    const auto declared = declared_image_size(bytes);
    if (!declared || declared->pixels() > kMostPixels) return std::nullopt;
    image.decoded_ = decode_whole(bytes);
    if (image.decoded_.empty()) return std::nullopt;
    image.size_ = image.decoded_.size();
  }
  return image;
}

cv::Mat EncodedImage::decode(int channels, cv::Size target, cv::Rect2d& crop) const {
  if (!decoded_.empty()) return with_channels(decoded_, channels);
  const int reduction = choose_reduction(crop, target);
  const cv::Rect2d reduced(crop.x / reduction, crop.y / reduction, crop.width / reduction,
                           crop.height / reduction);
  const cv::Rect part = touched_pixels(reduced, reduced_size(size_, reduction));
  const cv::Mat image = decode_jpeg_part(*bytes_, channels, reduction, size_, part);
  if (image.empty()) {  // corrupt, or of colours that only OpenCV converts
    const cv::Mat whole = decode_whole(*bytes_);
    return whole.size() == size_ ? with_channels(whole, channels) : cv::Mat();
  }
  crop = reduced - cv::Point2d(part.tl());
  return image;
}

cv::Mat resize_crop(const cv::Mat& image, const cv::Rect2d& crop, cv::Size size) {
  const cv::Rect whole(0, 0, image.cols, image.rows);
  cv::Rect pixels(cvRound(crop.x), cvRound(crop.y), std::max(1, cvRound(crop.width)),
                  std::max(1, cvRound(crop.height)));
  pixels.x = std::min(pixels.x, image.cols - 1);
  pixels.y = std::min(pixels.y, image.rows - 1);
  pixels &= whole;
  cv::Mat result;
  // Below half the size bilinear sampling would skip pixels; above, it is ten times faster.
  const bool skips = pixels.width >= 2 * size.width || pixels.height >= 2 * size.height;
  cv::resize(image(pixels), result, size, 0, 0, skips ? cv::INTER_AREA : cv::INTER_LINEAR);
  return result;
}

cv::Rect2d evaluation_crop(cv::Size image, cv::Size target, ImageFit fit) {
  if (fit == ImageFit::kStretch) return {0, 0, double(image.width), double(image.height)};
  // The crop is 224 / 256 of the shorter side, in the shape of the target.
  const double scale =
      224.0 / 256.0 *
      std::min(double(image.width) / target.width, double(image.height) / target.height);
  const double width = scale * target.width;
  const double height = scale * target.height;
  return {(image.width - width) / 2, (image.height - height) / 2, width, height};
}

std::optional<std::vector<std::uint8_t>> read_image_file(const std::filesystem::path& file,
                                                         const InputShape& shape, ImageFit fit) {
  const auto encoded = EncodedImage::read(file);
  if (!encoded) return std::nullopt;
  const cv::Size target(shape.width, shape.height);
  cv::Rect2d crop = evaluation_crop(encoded->size(), target, fit);
  const cv::Mat image = encoded->decode(shape.channels, target, crop);
  if (image.empty()) return std::nullopt;
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(shape.elements()));
  cv::Mat output(shape.height, shape.width, CV_8UC(shape.channels), pixels.data());
  cv::Mat small = resize_crop(image, crop, target);
  if (shape.channels == 1) {
    small.copyTo(output);
  } else {
    cv::cvtColor(small, output, cv::COLOR_BGR2RGB);
  }
  return pixels;
}

}  // namespace mcunet::datasets
