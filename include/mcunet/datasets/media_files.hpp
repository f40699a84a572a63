#pragma once

#include <filesystem>
#include <string>
#include <vector>

// Which files are images, sounds and recordings, by their names: the same everywhere. No decoder is needed to
// tell.
namespace mcunet::datasets {

// Lower case, with the dot.
const std::vector<std::string>& image_extensions();
const std::vector<std::string>& sound_extensions();
const std::vector<std::string>& recording_extensions();

// Of a file's name, in lower case, with the dot.
std::string extension_of(const std::filesystem::path& file);

// Whether the name ends in one of them, in either case.
bool has_extension(const std::filesystem::path& file, const std::vector<std::string>& extensions);

}  // namespace mcunet::datasets
