#pragma once

#include <cstdint>
#include <span>

namespace mcunet::datasets {

// How a stored image must be turned to stand upright, as cameras note it: 1 as it is, 2 mirrored,
// 3 upside down, 4 mirrored and upside down; 5 to 8 likewise after rows and columns are exchanged.
inline constexpr int kUpright = 1;

// Of an EXIF block, which is a small TIFF; kUpright if it says nothing that makes sense.
int exif_orientation(std::span<const std::uint8_t> block);

// Of a PNG or WebP file; of others kUpright.
int orientation_of_file(std::span<const std::uint8_t> file);

}  // namespace mcunet::datasets
