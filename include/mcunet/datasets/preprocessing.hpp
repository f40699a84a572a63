#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "mcunet/core/config.hpp"
#include "mcunet/datasets/dataset.hpp"
#include "mcunet/datasets/log_mel.hpp"
#include "mcunet/datasets/series.hpp"

// How a file becomes the input of a network. The options of a dataset decide it; evaluations,
// `emulate` and `data preview` follow it, and an export carries it, as data and as C for the device
// (engine/kernels/frame.h, log_mel.h and series.h). Training augments its examples beyond that.
namespace mcunet::datasets {

enum class ImageFit {
  kCrop,     // the middle of the image, in the shape of the input (ImageNet)
  kStretch,  // the whole image, whatever its shape (Visual Wake Words)
};

// Of the upright image, as its camera's note of the orientation (EXIF) says.
struct ImagePreprocessing {
  InputShape shape;  // 3 channels: red, green, blue; 1: gray
  ImageFit fit = ImageFit::kCrop;
  // Of the side that limits the crop; by default 224 of 256. An image that has the size of the input
  // is not cropped: small images have no border to spare.
  double crop_share = 0.875;
  // Significant bits of the values in a file of 16 bits; what is above them is white. Absent: 12 if
  // all values of the file lie below 4096, else 16.
  std::optional<int> bits;
  // A value p of 0 to 255 is the input (p - mean) / deviation of the network.
  double mean = 127.5;
  double deviation = 127.5;

  // In the 32-bit floats of an evaluation.
  float input_of(int p) const {
    return (static_cast<float>(p) - static_cast<float>(mean)) / static_cast<float>(deviation);
  }

  bool operator==(const ImagePreprocessing&) const = default;
};

std::vector<Field> fields_of(ImagePreprocessing& image);

// Of an image, of a sound: cut out of the middle of the recording, or with silence around it; or of a
// series, in windows.
using Preprocessing = std::variant<ImagePreprocessing, LogMelParameters, SeriesPreprocessing>;

// {"image": {…}}, {"sound": {…}} or {"series": {…}}. Throws Error through the node.
Preprocessing read_preprocessing(const ConfigNode& node);
ConfigNode write_preprocessing(const Preprocessing& preprocessing);

// In words, as lines of text: of what size and colours, cropped or stretched, and what a value means.
std::vector<std::string> describe(const Preprocessing& preprocessing);

}  // namespace mcunet::datasets
