#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "mcunet/datasets/boxes.hpp"
#include "mcunet/datasets/preprocessing.hpp"

// What a detector found in a photograph, for people.
namespace mcunet::datasets {

// What a network sees of an upright image, in its pixels: the boxes are shares of that.
struct ImagePart {
  int image_width = 0;
  int image_height = 0;
  double left = 0;
  double top = 0;
  double width = 0;
  double height = 0;

  // A box in the image's pixels.
  Box in_pixels(const Box& box) const;
};

// Nothing if the file is unreadable.
std::optional<ImagePart> seen_part(const std::filesystem::path& file,
                                   const ImagePreprocessing& preprocessing);

// A PNG of the whole image, small ones enlarged and large ones reduced, with these boxes and the names
// of their classes. Throws Error if the file is unreadable.
std::string draw_detections(const std::filesystem::path& file,
                            const ImagePreprocessing& preprocessing,
                            std::span<const Detection> detections,
                            std::span<const std::string> classes);

}  // namespace mcunet::datasets
