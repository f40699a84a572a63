#pragma once

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>

// Real data that the project does not ship: a folder shared/data beside the checkout, or the one
// that $MCUNET_SHARED_DATA names. Tests that need it skip, and say so, where it is absent.
namespace mcunet {

inline std::filesystem::path shared_data(const std::string& relative) {
  const char* variable = std::getenv("MCUNET_SHARED_DATA");
  const std::filesystem::path root =
      variable != nullptr ? std::filesystem::path(variable)
                          : std::filesystem::path(MCUNET_SOURCE_DIR) / ".." / "shared" / "data";
  return root / relative;
}

}  // namespace mcunet

#define MCUNET_REQUIRE_SHARED_DATA(relative)                   \
  if (!std::filesystem::exists(mcunet::shared_data(relative))) \
  GTEST_SKIP() << "skipped: needs " << relative << " of the shared data, which is not here"
