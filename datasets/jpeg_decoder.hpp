#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <span>

namespace mcunet::datasets {

// A part of a JPEG at 1, 1/2, 1/4 or 1/8 (`reduction` 1, 2, 4, 8) of its size, of `channels` 3
// (blue first) or 1 (gray). `part` is in pixels of the reduced image, whose sides are those of
// `whole` / reduction, rounded up. libjpeg-turbo neither transforms what lies outside the part nor
// reads what follows it, so a small crop costs a fraction of the whole.
//
// Empty if the data is corrupt, or its size is not `whole`, or its colours are not of a kind that
// libjpeg turns into those asked for (CMYK).
cv::Mat decode_jpeg_part(std::span<const std::uint8_t> bytes, int channels, int reduction,
                         cv::Size whole, cv::Rect part);

}  // namespace mcunet::datasets
