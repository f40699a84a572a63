#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <optional>
#include <vector>

#include "mcunet/datasets/image_file.hpp"

// Decoding in two steps, so that the part and the reduction can be chosen when the crop is known:
// libjpeg decodes a part, at 1/2, 1/4 or 1/8 of the size, in a fraction of the time. Pixels have 8
// bits, in OpenCV's order, blue first. All is upright, whatever way it is stored.
namespace mcunet::datasets {

class EncodedImage {
 public:
  // Reads the file, see ImagePreprocessing::bits. Nothing if it is unreadable or seen to be
  // truncated.
  static std::optional<EncodedImage> read(const std::filesystem::path& file,
                                          std::optional<int> bits = std::nullopt);

  // Of the whole image.
  cv::Size size() const { return size_; }

  // The part of the image that holds `crop` (of the whole image), of `channels` channels, decoded
  // small: each side of the crop keeps at least the length that `target` has. `crop` becomes the
  // place in the result. Empty if the data is corrupt.
  cv::Mat decode(int channels, cv::Size target, cv::Rect2d& crop) const;

 private:
  std::vector<std::uint8_t>* bytes_ = nullptr;  // of this thread, until it reads the next image
  cv::Mat decoded_;                             // of formats whose size takes decoding
  cv::Size size_;                               // upright
  int orientation_ = 1;                         // of what is stored in bytes_, see exif.hpp
};

// A part of an image at another size: averaged to half the size and below, else interpolated.
cv::Mat resize_crop(const cv::Mat& image, const cv::Rect2d& crop, cv::Size size);

// What an evaluation crops from an image of this size.
cv::Rect2d evaluation_crop(cv::Size image, const ImagePreprocessing& preprocessing);

// What an evaluation makes of a file, [height, width] of the input; empty if it cannot be read.
cv::Mat read_for_evaluation(const std::filesystem::path& file,
                            const ImagePreprocessing& preprocessing);

}  // namespace mcunet::datasets
