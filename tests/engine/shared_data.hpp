#pragma once

#include <filesystem>
#include <optional>

namespace mcunet::engine {

// The folder of real models and inputs, which are no part of the project: $MCUNET_SHARED_DATA, or
// shared/data beside the source tree. Absent where there is none; tests that need it are skipped.
std::optional<std::filesystem::path> find_shared_data();

}  // namespace mcunet::engine

// Needs <gtest/gtest.h>; declares `name`.
#define MCUNET_REQUIRE_SHARED_DATA(name)                                        \
  const auto name##_folder = mcunet::engine::find_shared_data();                \
  if (!name##_folder) GTEST_SKIP() << "no shared data: set MCUNET_SHARED_DATA"; \
  const std::filesystem::path& name = *name##_folder
