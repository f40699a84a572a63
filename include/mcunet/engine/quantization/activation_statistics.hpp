#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "mcunet/engine/quantization/quantizer.hpp"

namespace mcunet::engine {

// How the range of an activation is chosen from what was observed.
enum class RangeMethod {
  kMinMax,      // every observed value
  kPercentile,  // all but the 0.01 % at either end
  kMse,         // the least expected squared error of clipping and rounding together
};

inline constexpr RangeMethod kRangeMethods[] = {RangeMethod::kMinMax, RangeMethod::kPercentile,
                                                RangeMethod::kMse};

// "min-max", "percentile", "mse"
std::string_view name_of(RangeMethod method);

// The distribution of one tensor's real values, gathered over calibration data in constant memory:
// a histogram around zero whose bins double in width when a value falls outside.
class ActivationStatistics {
 public:
  void observe(std::span<const float> values);

  // Of a tensor of int8 or int4. Throws Error if nothing was observed, or a value that is not finite.
  RealRange range(RangeMethod method, DataType type) const;

 private:
  static constexpr int kBins = 4096;
  static constexpr int kHalf = kBins / 2;  // the bin that begins at zero

  void widen(float largest);
  RealRange percentile_range() const;
  RealRange mse_range(int steps) const;
  double expected_error(RealRange range, int steps) const;
  float bin_centre(int bin) const { return (static_cast<float>(bin - kHalf) + 0.5F) * width_; }

  std::array<std::int64_t, kBins> counts_ = {};
  std::int64_t total_ = 0;
  float width_ = 0;  // of a bin; 0 before the first value that is not 0
  float min_ = 0;
  float max_ = 0;
  bool has_non_finite_ = false;
};

}  // namespace mcunet::engine
