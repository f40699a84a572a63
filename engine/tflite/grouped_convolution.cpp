#include "tflite/grouped_convolution.hpp"

#include <algorithm>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/graph_validator.hpp"
#include "mcunet/engine/graph/weights.hpp"

namespace mcunet::engine {

Constant ungrouped_weights(const Constant& grouped, std::int32_t input_channels) {
  const std::int32_t outputs = grouped.dims[0];
  const std::int32_t channels = grouped.dims[3];
  const std::int32_t groups = input_channels / channels;
  if (groups < 1 || groups * channels != input_channels || outputs % groups != 0) {
    throw Error("its weights take {} channels of {}, for {} outputs, which are no groups", channels,
                input_channels, outputs);
  }
  if (grouped.type != DataType::kInt8 && grouped.type != DataType::kInt4) {
    throw Error("weights '{}': are {}, not int8 or int4", grouped.name, name_of(grouped.type));
  }
  if (grouped.elements() > kMaxTensorBytes / groups) {
    throw Error("a convolution in {} groups is too large", groups);
  }
  Constant full = grouped;
  full.dims[3] = input_channels;
  const std::vector<std::int8_t> values = weight_values(grouped);
  std::vector<std::int8_t> all(static_cast<std::size_t>(full.elements()), 0);
  const std::int64_t taps = grouped.elements() / channels;
  const std::int64_t taps_per_group = taps / groups;
  for (std::int64_t tap = 0; tap < taps; ++tap) {
    const std::int64_t first_channel = tap / taps_per_group * channels;
    std::copy_n(values.begin() + tap * channels, channels,
                all.begin() + tap * input_channels + first_channel);
  }
  full.data = weight_bytes(all, grouped.type);
  return full;
}

}  // namespace mcunet::engine
