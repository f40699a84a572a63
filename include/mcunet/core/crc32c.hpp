#pragma once

#include <cstdint>
#include <string_view>

namespace mcunet {

// The Castagnoli CRC (polynomial 0x1EDC6F41, reflected) that guards checkpoints and event files.
std::uint32_t crc32c(std::string_view bytes);

}  // namespace mcunet
