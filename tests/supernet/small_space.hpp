#pragma once

#include "mcunet/search/space/subnet.hpp"

// A search space whose networks run in milliseconds and that has every elastic dimension.
namespace mcunet::supernet {

inline search::space::SearchSpace small_space() {
  search::space::SearchSpace space;
  space.name = "small";
  space.widths = {1.0};
  space.resolutions = {24, 32};
  space.stem_channels = 8;
  space.first_block_channels = 8;
  space.stages = {{.channels = 8, .stride = 2, .depths = {1, 2, 3}},
                  {.channels = 16, .stride = 1, .depths = {2, 3}},
                  {.channels = 24, .stride = 2, .depths = {1, 2}, .kernels = {3, 7}}};
  space.feature_mix_channels = 40;
  space.classes = 7;
  return space;
}

}  // namespace mcunet::supernet
