#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>

#include "mcunet/engine/graph/weights.hpp"

namespace mcunet::engine {

// A quantized network with its weights rounded to four bits where operators take these: the same work on
// half the flash, at whatever accuracy. Each scale becomes that of the largest weight it is for; biases
// follow the scales.
inline Graph narrowed(Graph graph) {
  for (Op& op : graph.ops) {
    if (!takes_int4_weights(op)) continue;
    const WeightLayout layout = weight_layout(graph, op);
    const OpDetails details = graph.details_of(op);
    Constant& weights = graph.constants[details.weights];
    const std::vector<std::int8_t> wide = weight_values(weights);
    std::vector<std::int8_t> narrow(wide.size());
    const bool is_per_tensor = weights.scales.size() == 1;
    int largest = 0;
    for (const std::int8_t value : wide) largest = std::max(largest, std::abs(int{value}));
    for (std::int32_t c = 0; c < layout.outputs; ++c) {
      int most = is_per_tensor ? largest : 0;
      for (std::int64_t i = 0; i < layout.per_output(); ++i) {
        most = std::max(most, std::abs(int{wide[layout.index(c, i)]}));
      }
      if (most == 0) continue;  // as it is: its bias may be any number
      const double factor = most / 7.0;
      for (std::int64_t i = 0; i < layout.per_output(); ++i) {
        const std::size_t at = layout.index(c, i);
        narrow[at] = static_cast<std::int8_t>(std::lround(wide[at] / factor));
      }
      if (!is_per_tensor || c == 0) weights.scales[c] *= static_cast<float>(factor);
      if (!op.has_bias) continue;
      std::byte* const bias = &graph.constants[details.bias].data[4 * c];
      std::int32_t value = 0;
      std::memcpy(&value, bias, sizeof(value));
      value = static_cast<std::int32_t>(std::lround(value / factor));
      std::memcpy(bias, &value, sizeof(value));
    }
    op.weight_bits = 4;
    weights.type = DataType::kInt4;
    weights.data = weight_bytes(narrow, weights.type);
  }
  return graph;
}

}  // namespace mcunet::engine
