#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace mcunet::datasets {

// The whole file, into a buffer that is reused from file to file; false if it cannot be read.
bool read_file_bytes(const std::filesystem::path& file, std::vector<std::uint8_t>& bytes);

}  // namespace mcunet::datasets
