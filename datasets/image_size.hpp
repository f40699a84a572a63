#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace mcunet::datasets {

struct ImageSize {
  std::uint32_t height = 0;
  std::uint32_t width = 0;

  // No more than that, if there are more than fit.
  std::int64_t pixels() const;

  bool operator==(const ImageSize&) const = default;
};

// The size that a PNG, BMP, WebP, TIFF, PBM, PGM or PPM file promises, so that a decoder need not
// be asked for one that no memory holds. Nothing if it is of another format or ends before it.
std::optional<ImageSize> declared_image_size(std::span<const std::uint8_t> file);

}  // namespace mcunet::datasets
