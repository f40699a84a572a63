#pragma once

#include <filesystem>

#include "mcunet/core/error.hpp"

namespace mcunet::pipeline {

// What `work` returns; puts the name of the file before its errors. For the engine's functions,
// which do not know where a graph comes from.
template <typename Work>
auto under_name(const std::filesystem::path& file, Work work) {
  try {
    return work();
  } catch (const Error& error) {
    throw Error("{}: {}", file.string(), error.what());
  }
}

}  // namespace mcunet::pipeline
