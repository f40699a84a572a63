#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "mcunet/datasets/dataset.hpp"

// Photographs for networks, as an evaluation or a device sees them. Training crops and colours its
// own way. The orientation that a camera notes in EXIF is ignored, as in the published evaluations.
namespace mcunet::datasets {

enum class ImageFit {
  kCentreCrop,  // resize the shorter side to r * 256 / 224, then the centre (ImageNet)
  kStretch,     // resize to r x r whatever the shape (Visual Wake Words)
};

// The 8-bit pixels [height, width, channels] of an image file, RGB (3 channels) or gray (1),
// whatever the file holds. Nothing if the file is unreadable, corrupt or truncated.
//
// A pixel p stands for the input (p - 127.5) / 127.5 of the network.
std::optional<std::vector<std::uint8_t>> read_image_file(const std::filesystem::path& file,
                                                         const InputShape& shape, ImageFit fit);

}  // namespace mcunet::datasets
