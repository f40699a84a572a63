#pragma once

#include <string_view>

namespace mcunet {

// A file that is part of the program (cmake/EmbedFiles.cmake).
struct EmbeddedFile {
  std::string_view name;  // without its folder
  std::string_view contents;
};

}  // namespace mcunet
