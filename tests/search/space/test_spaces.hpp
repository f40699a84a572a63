#pragma once

#include <filesystem>

#include "mcunet/search/space/search_space.hpp"

namespace mcunet::search::space {

inline SearchSpace load_shipped_space(const std::string& name) {
  const std::filesystem::path folder = std::filesystem::path(MCUNET_SOURCE_DIR) / "configs/spaces";
  return read_search_space(load_config(folder / (name + ".yaml")));
}

// Two stages, small enough to enumerate: (2 + 2²) · 3 = 18 networks.
inline SearchSpace make_tiny_space() {
  SearchSpace space;
  space.name = "tiny";
  space.resolutions = {32};
  space.stages = {
      {.channels = 16, .stride = 2, .depths = {1, 2}, .kernels = {3, 5}, .expand_ratios = {3}},
      {.channels = 24, .stride = 2, .depths = {1}, .kernels = {3}, .expand_ratios = {3, 4, 6}}};
  space.classes = 10;
  return space;
}

}  // namespace mcunet::search::space
