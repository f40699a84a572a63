#include "jpeg_header.hpp"

#include <cstring>

#include "exif.hpp"

namespace mcunet::datasets {
namespace {

constexpr std::uint8_t kStartOfImage = 0xD8;
constexpr std::uint8_t kEndOfImage = 0xD9;
constexpr std::uint8_t kStartOfScan = 0xDA;
constexpr std::uint8_t kApplication1 = 0xE1;  // EXIF, or XMP

bool has_no_length(std::uint8_t marker) { return marker == 0x01 || (marker & 0xF8) == 0xD0; }

// SOF0 to SOF15 without DHT, JPG and DAC, which lie between them.
bool is_frame_header(std::uint8_t marker) {
  return (marker & 0xF0) == 0xC0 && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

int big_endian(const std::uint8_t* bytes) { return bytes[0] << 8 | bytes[1]; }

// The position of the marker that ends the entropy-coded data at `at`.
std::size_t end_of_scan(std::span<const std::uint8_t> bytes, std::size_t at) {
  while (at + 1 < bytes.size()) {
    const void* found = std::memchr(bytes.data() + at, 0xFF, bytes.size() - at - 1);
    if (found == nullptr) break;
    at = static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - bytes.data());
    const std::uint8_t next = bytes[at + 1];
    if (next != 0 && (next & 0xF8) != 0xD0) return at;  // neither a stuffed byte nor a restart
    at += 2;
  }
  return bytes.size();
}

}  // namespace

std::optional<JpegHeader> read_jpeg_header(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < 4 || bytes[0] != 0xFF || bytes[1] != kStartOfImage) return std::nullopt;
  JpegHeader header;
  bool has_exif = false;
  std::size_t at = 2;
  while (at + 1 < bytes.size()) {
    if (bytes[at] != 0xFF || bytes[at + 1] == 0xFF) {  // fill bytes, or rubbish between segments
      ++at;
      continue;
    }
    const std::uint8_t marker = bytes[at + 1];
    at += 2;
    if (marker == kEndOfImage) {
      header.is_complete = true;
      break;
    }
    if (marker == 0 || has_no_length(marker)) continue;
    if (at + 2 > bytes.size()) break;
    const int length = big_endian(bytes.data() + at);
    if (length < 2) return std::nullopt;
    const bool is_first = header.width == 0 && header.height == 0;
    if (is_first && is_frame_header(marker) && length >= 7 && at + 7 <= bytes.size()) {
      header.height = big_endian(bytes.data() + at + 3);
      header.width = big_endian(bytes.data() + at + 5);
    }
    const std::size_t end = at + static_cast<std::size_t>(length);
    if (marker == kApplication1 && end <= bytes.size() && !has_exif) {
      const auto segment = bytes.subspan(at + 2, end - at - 2);
      has_exif = segment.size() > 4 && std::memcmp(segment.data(), "Exif", 4) == 0;
      if (has_exif) header.orientation = exif_orientation(segment);
    }
    at = end;
    if (marker == kStartOfScan) at = end_of_scan(bytes, at);
  }
  return header;
}

}  // namespace mcunet::datasets
