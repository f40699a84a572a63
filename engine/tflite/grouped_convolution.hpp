#pragma once

#include <cstdint>

#include "mcunet/engine/graph/graph.hpp"

namespace mcunet::engine {

// The weights {out, kernel height, kernel width, in / groups} of a convolution in groups as those
// of a full one over `input_channels`, with zeros between channels of different groups: the same
// sums. Throws Error if the channels do not fall into equal groups, or there are too many zeros.
Constant ungrouped_weights(const Constant& grouped, std::int32_t input_channels);

}  // namespace mcunet::engine
