#pragma once

#include <span>
#include <string_view>

namespace mcunet {

// A file that is part of the program (cmake/EmbedFiles.cmake).
struct EmbeddedFile {
  std::string_view name;  // without its folder
  std::string_view contents;
};

// Null if none has the name.
inline const EmbeddedFile* find_file(std::span<const EmbeddedFile> files, std::string_view name) {
  for (const EmbeddedFile& file : files) {
    if (file.name == name) return &file;
  }
  return nullptr;
}

}  // namespace mcunet
