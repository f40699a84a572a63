#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace mcunet::datasets {

// The whole file, into a buffer that is reused from file to file; false if it cannot be read, is no
// regular file, or has more than a gigabyte.
bool read_file_bytes(const std::filesystem::path& file, std::vector<std::uint8_t>& bytes);

}  // namespace mcunet::datasets
