#include "mcunet/datasets/media_files.hpp"

#include <algorithm>

namespace mcunet::datasets {

const std::vector<std::string>& image_extensions() {
  static const std::vector<std::string> extensions = {".jpg", ".jpeg", ".png", ".bmp", ".webp",
                                                      ".tif", ".tiff", ".ppm", ".pgm"};
  return extensions;
}

const std::vector<std::string>& sound_extensions() {
  static const std::vector<std::string> extensions = {".wav", ".flac", ".ogg"};
  return extensions;
}

const std::vector<std::string>& recording_extensions() {
  static const std::vector<std::string> extensions = {".csv", ".tsv", ".npy"};
  return extensions;
}

std::string extension_of(const std::filesystem::path& file) {
  std::string extension = file.extension().string();
  for (char& c : extension) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return extension;
}

bool has_extension(const std::filesystem::path& file, const std::vector<std::string>& extensions) {
  return std::find(extensions.begin(), extensions.end(), extension_of(file)) != extensions.end();
}

}  // namespace mcunet::datasets
