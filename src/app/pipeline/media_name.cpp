#include "mcunet/datasets/media_files.hpp"
#include "media_input.hpp"

// Apart from media_input.cpp, as it needs no decoder.
namespace mcunet::pipeline {

bool is_sound(const std::string& file) {
  return datasets::has_extension(file, datasets::sound_extensions());
}

bool is_recording(const std::string& file) {
  return datasets::has_extension(file, datasets::recording_extensions());
}

bool is_array(const std::string& file) { return datasets::extension_of(file) == ".npy"; }

bool is_media(const std::string& file) {
  return is_sound(file) || datasets::has_extension(file, datasets::image_extensions());
}

std::string media_extensions() {
  std::string text;
  for (const auto* extensions : {&datasets::image_extensions(), &datasets::sound_extensions()}) {
    for (const std::string& extension : *extensions) text += (text.empty() ? "" : ", ") + extension;
  }
  return text;
}

}  // namespace mcunet::pipeline
