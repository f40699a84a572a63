#include "exif.hpp"

#include <cstddef>
#include <cstring>
#include <string_view>

namespace mcunet::datasets {
namespace {

using Bytes = std::span<const std::uint8_t>;

bool begins_with(Bytes bytes, std::string_view text, std::size_t at = 0) {
  return bytes.size() >= at && bytes.size() - at >= text.size() &&
         std::memcmp(bytes.data() + at, text.data(), text.size()) == 0;
}

std::uint32_t number(Bytes bytes, std::size_t at, std::size_t count, bool is_big_endian) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    value = value << 8 | bytes[at + (is_big_endian ? i : count - 1 - i)];
  }
  return value;
}

// The contents of the first chunk of a name, in a file of chunks: NAME and length in this order or
// the other, contents, and `after` bytes; chunks of odd length may be padded.
struct ChunkFormat {
  std::size_t first;  // chunk
  bool length_comes_first;
  bool is_big_endian;
  std::size_t after;
  bool is_padded;
};

Bytes find_chunk(Bytes file, std::string_view name, const ChunkFormat& format) {
  std::size_t at = format.first;
  while (at + 8 <= file.size()) {
    const std::uint32_t length =
        number(file, at + (format.length_comes_first ? 0 : 4), 4, format.is_big_endian);
    const std::size_t contents = at + 8;
    if (length > file.size() - contents) break;
    if (begins_with(file, name, at + (format.length_comes_first ? 4 : 0))) {
      return file.subspan(contents, length);
    }
    at = contents + length + format.after + (format.is_padded ? length & 1 : 0);
  }
  return {};
}

}  // namespace

int exif_orientation(Bytes block) {
  constexpr std::size_t kEntryBytes = 12;
  constexpr std::uint32_t kOrientation = 0x0112;
  constexpr std::uint32_t kShort = 3;
  if (begins_with(block, {"Exif\0\0", 6})) block = block.subspan(6);
  const bool is_big_endian = begins_with(block, "MM");
  if (block.size() < 8 || (!is_big_endian && !begins_with(block, "II"))) return kUpright;
  const std::size_t directory = number(block, 4, 4, is_big_endian);
  if (directory > block.size() - 2) return kUpright;
  const std::uint32_t entries = number(block, directory, 2, is_big_endian);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t at = directory + 2 + kEntryBytes * i;
    if (at + kEntryBytes > block.size()) break;
    if (number(block, at, 2, is_big_endian) != kOrientation) continue;
    const std::uint32_t value = number(block, at + 8, 2, is_big_endian);
    const bool is_known =
        number(block, at + 2, 2, is_big_endian) == kShort && value >= 1 && value <= 8;
    return is_known ? static_cast<int>(value) : kUpright;
  }
  return kUpright;
}

int orientation_of_file(Bytes file) {
  if (begins_with(file, "\x89PNG\r\n\x1a\n")) {
    return exif_orientation(find_chunk(file, "eXIf",
                                       {.first = 8,
                                        .length_comes_first = true,
                                        .is_big_endian = true,
                                        .after = 4,
                                        .is_padded = false}));
  }
  if (begins_with(file, "RIFF") && begins_with(file, "WEBP", 8)) {
    return exif_orientation(find_chunk(file, "EXIF",
                                       {.first = 12,
                                        .length_comes_first = false,
                                        .is_big_endian = false,
                                        .after = 0,
                                        .is_padded = true}));
  }
  return kUpright;
}

}  // namespace mcunet::datasets
