#include "image_size.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string_view>

namespace mcunet::datasets {
namespace {

using Bytes = std::span<const std::uint8_t>;

bool begins_with(Bytes file, std::string_view signature, std::size_t at = 0) {
  return file.size() >= at + signature.size() &&
         std::memcmp(file.data() + at, signature.data(), signature.size()) == 0;
}

std::uint32_t number(Bytes file, std::size_t at, int bytes, bool is_big_endian) {
  std::uint32_t value = 0;
  for (int i = 0; i < bytes; ++i) {
    const int place = is_big_endian ? i : bytes - 1 - i;
    value = value << 8 | file[at + static_cast<std::size_t>(place)];
  }
  return value;
}

std::optional<ImageSize> png_size(Bytes file) {
  if (!begins_with(file, "IHDR", 12) || file.size() < 24) return std::nullopt;
  return ImageSize{number(file, 20, 4, true), number(file, 16, 4, true)};
}

// A height below zero says that rows go from top to bottom.
std::optional<ImageSize> bmp_size(Bytes file) {
  if (file.size() < 26) return std::nullopt;
  constexpr std::uint32_t kOldHeaderBytes = 12;
  if (number(file, 14, 4, false) == kOldHeaderBytes) {
    return ImageSize{number(file, 20, 2, false), number(file, 18, 2, false)};
  }
  const auto magnitude = [&](std::size_t at) {
    const auto value = static_cast<std::int32_t>(number(file, at, 4, false));
    return static_cast<std::uint32_t>(std::abs(std::int64_t{value}));
  };
  return ImageSize{magnitude(22), magnitude(18)};
}

std::optional<ImageSize> webp_size(Bytes file) {
  if (file.size() < 30) return std::nullopt;
  if (begins_with(file, "VP8X", 12)) {
    return ImageSize{number(file, 27, 3, false) + 1, number(file, 24, 3, false) + 1};
  }
  if (begins_with(file, "VP8L", 12)) {  // 14 bits each
    const std::uint32_t both = number(file, 21, 4, false);
    return ImageSize{(both >> 14 & 0x3FFF) + 1, (both & 0x3FFF) + 1};
  }
  if (!begins_with(file, "VP8 ", 12)) return std::nullopt;
  return ImageSize{number(file, 28, 2, false) & 0x3FFF, number(file, 26, 2, false) & 0x3FFF};
}

// Tags 256 and 257 of the first directory.
std::optional<ImageSize> tiff_size(Bytes file) {
  constexpr std::size_t kEntryBytes = 12;
  constexpr std::uint32_t kShort = 3;
  const bool is_big_endian = file[0] == 'M';
  const std::size_t directory = file.size() < 8 ? file.size() : number(file, 4, 4, is_big_endian);
  if (file.size() < 2 || directory > file.size() - 2) return std::nullopt;
  const std::size_t entries = number(file, directory, 2, is_big_endian);
  ImageSize size;
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t at = directory + 2 + kEntryBytes * i;
    if (at + kEntryBytes > file.size()) return std::nullopt;
    const std::uint32_t tag = number(file, at, 2, is_big_endian);
    const int bytes = number(file, at + 2, 2, is_big_endian) == kShort ? 2 : 4;
    if (tag == 256) size.width = number(file, at + 8, bytes, is_big_endian);
    if (tag == 257) size.height = number(file, at + 8, bytes, is_big_endian);
  }
  return size;
}

// "P5 640 480 255" with any white space and comments between.
std::optional<ImageSize> pnm_size(Bytes file) {
  std::uint32_t numbers[2] = {};
  std::size_t at = 2;
  for (std::uint32_t& value : numbers) {
    constexpr std::string_view kBetween = " \t\r\n#";
    for (; at < file.size() && kBetween.find(static_cast<char>(file[at])) != kBetween.npos; ++at) {
      if (file[at] != '#') continue;
      while (at + 1 < file.size() && file[at] != '\n') ++at;
    }
    const std::size_t first = at;
    for (; at < file.size() && at - first < 9 && file[at] >= '0' && file[at] <= '9'; ++at) {
      value = value * 10 + (file[at] - std::uint32_t{'0'});
    }
    if (at == first) return std::nullopt;
  }
  return ImageSize{numbers[1], numbers[0]};
}

}  // namespace

std::int64_t ImageSize::pixels() const {
  const std::uint64_t product = std::uint64_t{height} * width;
  return static_cast<std::int64_t>(
      std::min<std::uint64_t>(product, std::numeric_limits<std::int64_t>::max()));
}

std::optional<ImageSize> declared_image_size(Bytes file) {
  if (begins_with(file, "\x89PNG\r\n\x1a\n")) return png_size(file);
  if (begins_with(file, "BM")) return bmp_size(file);
  if (begins_with(file, "RIFF") && begins_with(file, "WEBP", 8)) return webp_size(file);
  if (begins_with(file, {"II*\0", 4}) || begins_with(file, {"MM\0*", 4})) return tiff_size(file);
  if (file.size() > 2 && file[0] == 'P' && file[1] >= '1' && file[1] <= '6') return pnm_size(file);
  return std::nullopt;
}

}  // namespace mcunet::datasets
