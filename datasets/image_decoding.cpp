#include "image_decoding.hpp"

#include <algorithm>
#include <mutex>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "exif.hpp"
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

cv::Mat decode_whole(const std::vector<std::uint8_t>& bytes, int more_flags = 0) {
  try {
    return cv::imdecode(bytes, cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION | more_flags);
  } catch (const cv::Exception&) {  // dimensions beyond its limits, or a damaged header
    return {};
  }
}

// Cameras of 12 bits store them in 16, where they would be all but black.
constexpr int kUsualBits = 12;

cv::Mat to_8_bits(const cv::Mat& image, std::optional<int> bits) {
  if (!bits) {
    double largest = 0;
    cv::minMaxLoc(image.reshape(1), nullptr, &largest);
    bits = largest < (1 << kUsualBits) ? kUsualBits : 16;
  }
  cv::Mat result(image.size(), CV_8UC(image.channels()));
  const int elements = image.cols * image.channels();
  for (int y = 0; y < image.rows; ++y) {
    const auto* from = image.ptr<std::uint16_t>(y);
    std::uint8_t* to = result.ptr(y);
    for (int i = 0; i < elements; ++i) {
      to[i] = static_cast<std::uint8_t>(std::min(from[i] >> (*bits - 8), 255));
    }
  }
  return result;
}

// All formats but JPEG, in 8 bits.
cv::Mat decode_deep(const std::vector<std::uint8_t>& bytes, std::optional<int> bits) {
  const cv::Mat image = decode_whole(bytes, cv::IMREAD_ANYDEPTH);
  if (image.depth() == CV_16U) return to_8_bits(image, bits);
  return image.depth() == CV_8U ? image : decode_whole(bytes);
}

// How what is stored becomes upright, in this order.
struct Turn {
  bool is_transposed = false;
  bool is_mirrored = false;  // left and right
  bool is_flipped = false;   // top and bottom
};

Turn turn_of(int orientation) {
  const int after = orientation <= 4 ? orientation : orientation - 4;
  // 5 is a mere exchange; 6 is mirrored behind it, as 2 is; and so on.
  return {.is_transposed = orientation > 4,
          .is_mirrored = after == 2 || after == 3,
          .is_flipped = after == 3 || after == 4};
}

cv::Size exchanged(cv::Size size) { return {size.height, size.width}; }

cv::Rect2d reflected(cv::Rect2d part, cv::Size2d image, const Turn& turn) {
  if (turn.is_mirrored) part.x = image.width - part.x - part.width;
  if (turn.is_flipped) part.y = image.height - part.y - part.height;
  return part;
}

cv::Rect2d transposed(const cv::Rect2d& part) { return {part.y, part.x, part.height, part.width}; }

// The place in what is stored of a part of the upright image.
cv::Rect2d to_stored(const cv::Rect2d& part, cv::Size upright, int orientation) {
  const Turn turn = turn_of(orientation);
  const cv::Rect2d before = reflected(part, upright, turn);
  return turn.is_transposed ? transposed(before) : before;
}

// Turns pixels as they are stored, and a place in them.
cv::Mat to_upright(cv::Mat image, cv::Rect2d& part, int orientation) {
  const Turn turn = turn_of(orientation);
  if (turn.is_transposed) {
    image = image.t();
    part = transposed(part);
  }
  part = reflected(part, image.size(), turn);
  if (!turn.is_mirrored && !turn.is_flipped) return image;
  cv::Mat result;
  cv::flip(image, result, turn.is_mirrored ? (turn.is_flipped ? -1 : 1) : 0);
  return result;
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

// Red first; `image` has the size of the input.
std::vector<std::uint8_t> in_order_of_inputs(const cv::Mat& image, const InputShape& shape) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(shape.elements()));
  cv::Mat output(shape.height, shape.width, CV_8UC(shape.channels), pixels.data());
  if (shape.channels == 1) {
    image.copyTo(output);
  } else {
    cv::cvtColor(image, output, cv::COLOR_BGR2RGB);
  }
  return pixels;
}

}  // namespace

std::optional<EncodedImage> EncodedImage::read(const std::filesystem::path& file,
                                               std::optional<int> bits) {
  keep_opencv_on_one_thread();
  thread_local std::vector<std::uint8_t> bytes;
  if (!read_file_bytes(file, bytes) || bytes.empty()) return std::nullopt;
  EncodedImage image;
  image.bytes_ = &bytes;
  if (const auto header = read_jpeg_header(bytes)) {
    const std::int64_t pixels = std::int64_t{header->height} * header->width;
    if (!header->is_complete || pixels == 0 || pixels > kMostPixels) return std::nullopt;
    image.orientation_ = header->orientation;
    const cv::Size stored(header->width, header->height);
    image.size_ = turn_of(image.orientation_).is_transposed ? exchanged(stored) : stored;
  } else {
    const auto declared = declared_image_size(bytes);
    if (!declared || declared->pixels() > kMostPixels) return std::nullopt;
    image.decoded_ = decode_deep(bytes, bits);
    if (image.decoded_.empty()) return std::nullopt;
    cv::Rect2d whole;
    image.decoded_ = to_upright(image.decoded_, whole, orientation_of_file(bytes));
    image.size_ = image.decoded_.size();
  }
  return image;
}

cv::Mat EncodedImage::decode(int channels, cv::Size target, cv::Rect2d& crop) const {
  if (!decoded_.empty()) return with_channels(decoded_, channels);
  const int reduction = choose_reduction(crop, target);
  const cv::Size stored_size = turn_of(orientation_).is_transposed ? exchanged(size_) : size_;
  const cv::Rect2d stored = to_stored(crop, size_, orientation_);
  const cv::Rect2d reduced(stored.x / reduction, stored.y / reduction, stored.width / reduction,
                           stored.height / reduction);
  const cv::Rect part = touched_pixels(reduced, reduced_size(stored_size, reduction));
  const cv::Mat image = decode_jpeg_part(*bytes_, channels, reduction, stored_size, part);
  if (image.empty()) {  // corrupt, or of colours that only OpenCV converts
    const cv::Mat whole = decode_whole(*bytes_);
    if (whole.size() != stored_size) return {};
    cv::Rect2d unused;
    return to_upright(with_channels(whole, channels), unused, orientation_);
  }
  crop = reduced - cv::Point2d(part.tl());
  return to_upright(image, crop, orientation_);
}

cv::Mat resize_crop(const cv::Mat& image, const cv::Rect2d& crop, cv::Size size) {
  const cv::Rect whole(0, 0, image.cols, image.rows);
  cv::Rect pixels(cvRound(crop.x), cvRound(crop.y), std::max(1, cvRound(crop.width)),
                  std::max(1, cvRound(crop.height)));
  pixels.x = std::min(pixels.x, image.cols - 1);
  pixels.y = std::min(pixels.y, image.rows - 1);
  pixels &= whole;
  cv::Mat result;
  // Below half the size bilinear sampling would skip pixels; above, it is ten times faster. Areas are
  // averaged only where no side grows.
  const bool grows = pixels.width < size.width || pixels.height < size.height;
  const bool skips = !grows && (pixels.width >= 2 * size.width || pixels.height >= 2 * size.height);
  cv::resize(image(pixels), result, size, 0, 0, skips ? cv::INTER_AREA : cv::INTER_LINEAR);
  return result;
}

cv::Rect2d evaluation_crop(cv::Size image, const ImagePreprocessing& preprocessing) {
  const cv::Size target(preprocessing.shape.width, preprocessing.shape.height);
  if (preprocessing.fit == ImageFit::kStretch || image == target) {
    return {0, 0, double(image.width), double(image.height)};
  }
  // A share of the shorter side, in the shape of the target.
  // Divided last, so that halves stay halves, as in frame.c.
  const double share = preprocessing.crop_share;
  const double across = double(image.width) * target.height;
  const double down = double(image.height) * target.width;
  const double width = across <= down ? share * image.width : share * down / target.height;
  const double height = across <= down ? share * across / target.width : share * image.height;
  return {(image.width - width) / 2, (image.height - height) / 2, width, height};
}

cv::Mat read_for_evaluation(const std::filesystem::path& file,
                            const ImagePreprocessing& preprocessing) {
  const auto encoded = EncodedImage::read(file, preprocessing.bits);
  if (!encoded) return {};
  const InputShape& shape = preprocessing.shape;
  const cv::Size target(shape.width, shape.height);
  cv::Rect2d crop = evaluation_crop(encoded->size(), preprocessing);
  const cv::Mat image = encoded->decode(shape.channels, target, crop);
  return image.empty() ? image : resize_crop(image, crop, target);
}

std::optional<std::vector<std::uint8_t>> read_image_file(const std::filesystem::path& file,
                                                         const ImagePreprocessing& preprocessing) {
  const cv::Mat image = read_for_evaluation(file, preprocessing);
  if (image.empty()) return std::nullopt;
  return in_order_of_inputs(image, preprocessing.shape);
}

std::vector<std::uint8_t> preprocess_frame(const CameraFrame& frame,
                                           const ImagePreprocessing& preprocessing) {
  const InputShape& shape = preprocessing.shape;
  // OpenCV takes no constant memory; it only reads this.
  cv::Mat image(frame.height, frame.width, CV_8UC3, const_cast<std::uint8_t*>(frame.pixels.data()));
  if (shape.channels == 1) {
    cv::Mat gray;
    cv::cvtColor(image, gray, cv::COLOR_BGR2GRAY);
    image = gray;
  }
  return in_order_of_inputs(resize_crop(image, evaluation_crop(image.size(), preprocessing),
                                        cv::Size(shape.width, shape.height)),
                            shape);
}

}  // namespace mcunet::datasets
