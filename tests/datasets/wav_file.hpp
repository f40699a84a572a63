#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mcunet::datasets {

// The bytes of a WAV file with 16-bit samples, channels interleaved.
inline std::string wav_bytes(const std::vector<std::int16_t>& samples, std::uint32_t rate,
                             std::uint32_t channels = 1) {
  const auto number = [](std::uint32_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text.push_back(static_cast<char>(value >> (8 * i) & 0xFF));
    return text;
  };
  const auto size = static_cast<std::uint32_t>(samples.size() * 2);
  std::string bytes = "RIFF" + number(36 + size, 4) + "WAVEfmt " + number(16, 4) + number(1, 2) +
                      number(channels, 2) + number(rate, 4) + number(rate * channels * 2, 4) +
                      number(channels * 2, 2) + number(16, 2) + "data" + number(size, 4);
  for (std::int16_t sample : samples) bytes += number(static_cast<std::uint16_t>(sample), 2);
  return bytes;
}

}  // namespace mcunet::datasets
