#include "tflite/grouped_convolution.hpp"

#include <algorithm>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/graph_validator.hpp"

namespace mcunet::engine {

Constant ungrouped_weights(const Constant& grouped, std::int32_t input_channels) {
  const std::int32_t outputs = grouped.dims[0];
  const std::int32_t channels = grouped.dims[3];
  const std::int32_t groups = input_channels / channels;
  if (groups < 1 || groups * channels != input_channels || outputs % groups != 0) {
    throw Error("its weights take {} channels of {}, for {} outputs, which are no groups", channels,
                input_channels, outputs);
  }
  if (grouped.type != DataType::kInt8) throw Error("weights '{}': are not int8", grouped.name);
  if (grouped.elements() > kMaxTensorBytes / groups) {
    throw Error("a convolution in {} groups is too large", groups);
  }
  Constant full = grouped;
  full.dims[3] = input_channels;
  full.data.assign(static_cast<std::size_t>(full.elements()), std::byte{0});
  const std::int64_t taps = grouped.elements() / channels;
  const std::int64_t taps_per_group = taps / groups;
  for (std::int64_t tap = 0; tap < taps; ++tap) {
    const std::int64_t first_channel = tap / taps_per_group * channels;
    std::copy_n(grouped.data.begin() + tap * channels, channels,
                full.data.begin() + tap * input_channels + first_channel);
  }
  return full;
}

}  // namespace mcunet::engine
