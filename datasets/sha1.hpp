#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace mcunet::datasets {

// FIPS 180-4, section 6.1. For splitting datasets as their authors did; not for security.
std::array<std::uint32_t, 5> sha1(std::string_view message);

}  // namespace mcunet::datasets
