#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>

namespace mcunet {

// The folder of real models and inputs, which are no part of the project: $MCUNET_SHARED_DATA, or
// shared/data beside the source tree. Absent where there is none.
inline std::optional<std::filesystem::path> find_shared_data() {
  const char* chosen = std::getenv("MCUNET_SHARED_DATA");
  const std::filesystem::path folder =
      chosen != nullptr ? chosen : std::filesystem::path(MCUNET_SOURCE_DIR) / ".." / "shared/data";
  if (!std::filesystem::is_directory(folder / "tflite")) return std::nullopt;
  return folder;
}

}  // namespace mcunet

// Declares `name`, the folder; skips the test where there is none. Needs <gtest/gtest.h>.
#define MCUNET_REQUIRE_SHARED_DATA(name)                                        \
  const auto name##_folder = mcunet::find_shared_data();                        \
  if (!name##_folder) GTEST_SKIP() << "no shared data: set MCUNET_SHARED_DATA"; \
  const std::filesystem::path& name = *name##_folder
