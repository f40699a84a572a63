#include "mcunet/engine/codegen/pixel_format.hpp"

#include "kernels/mcunet_kernels.h"
#include "mcunet/core/error.hpp"

namespace mcunet::engine {

std::string_view name_of(PixelFormat format) {
  switch (format) {
    case PixelFormat::kRgb565:
      return "rgb565";
    case PixelFormat::kYuv422:
      return "yuv422";
    case PixelFormat::kGray:
      return "gray";
  }
  return "";
}

PixelFormat pixel_format_named(std::string_view name) {
  for (const PixelFormat format : kPixelFormats) {
    if (name == name_of(format)) return format;
  }
  throw Error("pixels: must be rgb565, yuv422 or gray, are {}", name);
}

std::int64_t bytes_of_pixels(PixelFormat format, std::int64_t pixels) {
  return format == PixelFormat::kGray ? pixels : 2 * pixels;
}

void check_pixels(PixelFormat format, const Shape& input) {
  if (input.channels != 1 && input.channels != 3) {
    throw Error("pixels become inputs of 1 or 3 channels, but the network takes in {}",
                input.channels);
  }
  if (format == PixelFormat::kYuv422 && input.width % 2 != 0) {
    throw Error("pixels of yuv422 come in pairs, but the input's rows have {}", input.width);
  }
}

std::vector<std::int8_t> input_of_pixels(PixelFormat format, const std::vector<std::int8_t>& pixels,
                                         std::int32_t channels) {
  const auto count = static_cast<std::int32_t>(std::ssize(pixels) / bytes_of_pixels(format, 1));
  std::vector<std::int8_t> input(static_cast<std::size_t>(count) * channels);
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(pixels.data());
  switch (format) {
    case PixelFormat::kRgb565:
      mcunet_rgb565_to_input(bytes, count, input.data(), channels);
      break;
    case PixelFormat::kYuv422:
      mcunet_yuv422_to_input(bytes, count, input.data(), channels);
      break;
    case PixelFormat::kGray:
      mcunet_gray_to_input(bytes, count, input.data(), channels);
      break;
  }
  return input;
}

}  // namespace mcunet::engine
