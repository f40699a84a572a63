#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>

#include "mcunet/core/random.hpp"

namespace mcunet {

// A photograph as a PPM (3 channels) or PGM (1): slopes that differ by the seed, with noise on them.
inline std::string pnm_photo(int height, int width, int channels, std::uint64_t seed) {
  std::string file = fmt::format("P{}\n{} {}\n255\n", channels == 3 ? 6 : 5, width, height);
  RandomStream random(seed);
  const int slope[] = {int(random.index(300)), int(random.index(300)), int(random.index(300))};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < channels; ++c) {
        const int value = slope[c] * x / width + slope[2 - c] * y / height;
        file += static_cast<char>((value + int(random.index(60))) % 256);
      }
    }
  }
  return file;
}

}  // namespace mcunet
