#include "image_decoding.hpp"

#include <algorithm>
#include <mutex>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "file_bytes.hpp"
#include "jpeg_header.hpp"

namespace mcunet::datasets {
namespace {

// Threads of its own inside each of the loader's would only fight for the cores.
void keep_opencv_on_one_thread() {
  static std::once_flag once;
  std::call_once(once, [] { cv::setNumThreads(1); });
}

cv::Mat decode_bytes(const std::vector<std::uint8_t>& bytes, int flags) {
  try {
    return cv::imdecode(bytes, flags | cv::IMREAD_IGNORE_ORIENTATION);
  } catch (const cv::Exception&) {  // dimensions beyond its limits, or a damaged header
    return {};
  }
}

int decoding_flags(int channels, int reduction) {
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
    if (!header->is_complete || header->height == 0 || header->width == 0) return std::nullopt;
    image.size_ = {header->width, header->height};
  } else {
    image.decoded_ = decode_bytes(bytes, cv::IMREAD_COLOR);
    if (image.decoded_.empty()) return std::nullopt;
    image.size_ = image.decoded_.size();
  }
  return image;
}

cv::Mat EncodedImage::decode(int channels, cv::Size target, cv::Rect2d& crop) const {
  if (!decoded_.empty()) {
    if (channels != 1) return decoded_;
    cv::Mat gray;
    cv::cvtColor(decoded_, gray, cv::COLOR_BGR2GRAY);
    return gray;
  }
  const int reduction = choose_reduction(crop, target);
  cv::Mat image = decode_bytes(*bytes_, decoding_flags(channels, reduction));
  // libjpeg rounds the reduced size up.
  const auto is_reduced = [reduction](int reduced, int whole) {
    return reduced == (whole + reduction - 1) / reduction;
  };
  if (image.empty() || !is_reduced(image.cols, size_.width) ||
      !is_reduced(image.rows, size_.height)) {
    return {};
  }
  crop = {crop.x / reduction, crop.y / reduction, crop.width / reduction, crop.height / reduction};
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
