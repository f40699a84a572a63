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

}  // namespace mcunet::datasets
