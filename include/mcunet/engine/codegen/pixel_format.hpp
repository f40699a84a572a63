#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "mcunet/engine/graph/graph.hpp"

// What a camera gives instead of the values of an input, which code then makes of it row by row.
namespace mcunet::engine {

enum class PixelFormat {
  kRgb565,  // 16 bits a pixel, little-endian: red in the upper five, green in six, blue in five
  kYuv422,  // of two pixels Y, U, Y, V: ITU-R BT.601 of 16 … 235
  kGray,    // a byte a pixel
};
inline constexpr std::array kPixelFormats = {PixelFormat::kRgb565, PixelFormat::kYuv422,
                                             PixelFormat::kGray};

// "rgb565", "yuv422", "gray": also of its kernel, mcunet_<name>_to_input.
std::string_view name_of(PixelFormat format);
// Throws Error for any other name.
PixelFormat pixel_format_named(std::string_view name);

// Of so many pixels.
std::int64_t bytes_of_pixels(PixelFormat format, std::int64_t pixels);

// Throws Error if an input of this shape cannot be made of such pixels: it has 1 or 3 channels, and of
// yuv422 an even width.
void check_pixels(PixelFormat format, const Shape& input);

// The values of int8 that the kernels make of pixels, which are values of 0 … 255 less 128: NHWC, red, green,
// blue or their luminance. `pixels` are those of whole rows.
std::vector<std::int8_t> input_of_pixels(PixelFormat format, const std::vector<std::int8_t>& pixels,
                                         std::int32_t channels);

}  // namespace mcunet::engine
