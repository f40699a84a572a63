#pragma once

#include <filesystem>
#include <string>

namespace mcunet::deploy {

// Writes the linked firmware of a project to a board that is connected, by st-flash, or by openocd
// where that is not installed. Returns what the tool said. Throws Error if the project is not
// linked, if neither tool is there, or if the tool fails.
std::string flash_firmware(const std::filesystem::path& folder);

}  // namespace mcunet::deploy
