#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "mcunet/datasets/preprocessing.hpp"

// Photographs for networks, as an evaluation or a device sees them. Training crops and colours its
// own way.
namespace mcunet::datasets {

// The 8-bit pixels [height, width, channels] that the preprocessing makes of an image file,
// whatever colours the file holds. Nothing if the file is unreadable, corrupt or truncated.
std::optional<std::vector<std::uint8_t>> read_image_file(const std::filesystem::path& file,
                                                         const ImagePreprocessing& preprocessing);

// A frame of a camera: 8-bit pixels [height, width, 3], blue first.
struct CameraFrame {
  int height = 0;
  int width = 0;
  std::vector<std::uint8_t> pixels;
};

// What the preprocessing makes of it, as of an image file of these pixels.
std::vector<std::uint8_t> preprocess_frame(const CameraFrame& frame,
                                           const ImagePreprocessing& preprocessing);

}  // namespace mcunet::datasets
