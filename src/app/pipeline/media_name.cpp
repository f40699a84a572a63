#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include "media_input.hpp"

// Apart from media_input.cpp, as it needs no decoder.
namespace mcunet::pipeline {
namespace {

std::string extension_of(const std::string& file) {
  std::string extension = std::filesystem::path(file).extension().string();
  for (char& c : extension) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return extension;
}

}  // namespace

bool is_sound(const std::string& file) { return extension_of(file) == ".wav"; }

bool is_media(const std::string& file) {
  constexpr std::array<std::string_view, 6> kImages = {".jpg", ".jpeg", ".png",
                                                       ".bmp", ".ppm",  ".pgm"};
  return is_sound(file) ||
         std::find(kImages.begin(), kImages.end(), extension_of(file)) != kImages.end();
}

}  // namespace mcunet::pipeline
