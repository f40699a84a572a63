#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace mcunet::datasets {

struct JpegHeader {
  int height = 0;
  int width = 0;
  int orientation = 1;       // see exif.hpp
  bool is_complete = false;  // the end marker is there
};

// Walks the markers of a JPEG, through the scans to its end, without decoding: decoders fill what
// is missing of a truncated file with gray and call it an image. Nothing if it is no JPEG.
std::optional<JpegHeader> read_jpeg_header(std::span<const std::uint8_t> bytes);

}  // namespace mcunet::datasets
