#include "shared_data.hpp"

#include <cstdlib>

namespace mcunet::engine {

std::optional<std::filesystem::path> find_shared_data() {
  const char* chosen = std::getenv("MCUNET_SHARED_DATA");
  const std::filesystem::path folder =
      chosen != nullptr ? chosen : std::filesystem::path(MCUNET_SOURCE_DIR) / ".." / "shared/data";
  if (!std::filesystem::is_directory(folder / "tflite")) return std::nullopt;
  return folder;
}

}  // namespace mcunet::engine
