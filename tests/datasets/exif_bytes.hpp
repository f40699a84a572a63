#pragma once

#include <cstdint>
#include <string>

namespace mcunet::datasets {

inline std::string big_endian_word(std::uint32_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
  return text;
}

// An EXIF block with an entry before the orientation, in either order of bytes.
inline std::string exif_block(int orientation, bool is_big_endian = true) {
  const auto word = [&](std::uint32_t value, int bytes) {
    std::string text = big_endian_word(value, bytes);
    return is_big_endian ? text : std::string(text.rbegin(), text.rend());
  };
  const auto entry = [&](std::uint32_t tag, std::uint32_t value) {
    return word(tag, 2) + word(3, 2) + word(1, 4) + word(value, 2) + word(0, 2);
  };
  return (is_big_endian ? "MM" : "II") + word(42, 2) + word(8, 4) + word(2, 2) + entry(0x0103, 6) +
         entry(0x0112, static_cast<std::uint32_t>(orientation)) + word(0, 4);
}

// A JPEG with such a block in front.
inline std::string with_exif(const std::string& jpeg, int orientation, bool is_big_endian = true) {
  const std::string block = std::string("Exif\0\0", 6) + exif_block(orientation, is_big_endian);
  const auto length = static_cast<std::uint32_t>(block.size() + 2);
  return jpeg.substr(0, 2) + "\xFF\xE1" + big_endian_word(length, 2) + block + jpeg.substr(2);
}

}  // namespace mcunet::datasets
