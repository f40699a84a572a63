#include "mcunet/engine/quantization/activation_statistics.hpp"

#include <algorithm>
#include <cmath>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/arithmetic/quantized_arithmetic.hpp"

namespace mcunet::engine {
namespace {

constexpr double kTailShare = 1e-4;
// Ranges tried for the least error, as shares of the observed one.
constexpr int kShrinkSteps = 80;
constexpr double kSmallestShare = 0.2;

}  // namespace

std::string_view name_of(RangeMethod method) {
  switch (method) {
    case RangeMethod::kMinMax:
      return "min-max";
    case RangeMethod::kPercentile:
      return "percentile";
    case RangeMethod::kMse:
      return "mse";
  }
  return "";
}

void ActivationStatistics::widen(float largest) {
  if (width_ == 0) {
    // Headroom for the next batches.
    width_ = 2 * largest * 2 / kBins;
    counts_[kHalf] += total_;
    return;
  }
  while (largest >= width_ * kHalf) {
    std::array<std::int64_t, kBins> merged = {};
    for (int bin = 0; bin < kBins; ++bin) merged[kBins / 4 + bin / 2] += counts_[bin];
    counts_ = merged;
    width_ *= 2;
  }
}

void ActivationStatistics::observe(std::span<const float> values) {
  if (values.empty()) return;
  for (float value : values) {
    if (!std::isfinite(value)) {
      has_non_finite_ = true;
      return;
    }
  }
  const auto [lowest, highest] = std::minmax_element(values.begin(), values.end());
  min_ = total_ == 0 ? *lowest : std::min(min_, *lowest);
  max_ = total_ == 0 ? *highest : std::max(max_, *highest);
  const float largest = std::max(std::abs(*lowest), std::abs(*highest));
  if (largest > 0) widen(largest);
  total_ += static_cast<std::int64_t>(values.size());
  if (width_ == 0) return;
  const float per_unit = 1 / width_;
  for (float value : values) {
    const int bin = static_cast<int>(std::floor(value * per_unit)) + kHalf;
    ++counts_[std::clamp(bin, 0, kBins - 1)];
  }
}

RealRange ActivationStatistics::range(RangeMethod method, DataType type) const {
  if (has_non_finite_) throw Error("calibration: an activation is not finite");
  if (total_ == 0) throw Error("calibration: no activations were observed");
  if (width_ == 0 || method == RangeMethod::kMinMax) return {min_, max_};
  if (method == RangeMethod::kPercentile) return percentile_range();
  const ValueRange values = value_range(type);
  return mse_range(values.max - values.min);
}

RealRange ActivationStatistics::percentile_range() const {
  const auto tail = static_cast<std::int64_t>(kTailShare * static_cast<double>(total_));
  RealRange range{min_, max_};
  std::int64_t below = 0;
  for (int bin = 0; bin < kBins; ++bin) {
    below += counts_[bin];
    if (below <= tail) continue;
    range.min = std::max(min_, bin_centre(bin) - width_ / 2);
    break;
  }
  std::int64_t above = 0;
  for (int bin = kBins - 1; bin >= 0; --bin) {
    above += counts_[bin];
    if (above <= tail) continue;
    range.max = std::min(max_, bin_centre(bin) + width_ / 2);
    break;
  }
  return range;
}

// Of rounding to so many steps.
double ActivationStatistics::expected_error(RealRange range, int steps) const {
  const double step = double{std::max(0.0F, range.max) - std::min(0.0F, range.min)} / steps;
  const double rounding = step * step / 12;
  double error = 0;
  for (int bin = 0; bin < kBins; ++bin) {
    if (counts_[bin] == 0) continue;
    const double value = bin_centre(bin);
    const double clipped = std::clamp(value, double{range.min}, double{range.max});
    const double beyond = value - clipped;
    error += static_cast<double>(counts_[bin]) * (rounding + beyond * beyond);
  }
  return error;
}

// Both ends are moved towards zero, one after the other: first alike, then each on its own.
RealRange ActivationStatistics::mse_range(int steps) const {
  const RealRange widest{std::min(0.0F, min_), std::max(0.0F, max_)};
  const auto scaled = [&](double low, double high) {
    return RealRange{static_cast<float>(widest.min * low), static_cast<float>(widest.max * high)};
  };
  double best_low = 1;
  double best_high = 1;
  double least = expected_error(widest, steps);
  const auto consider = [&](double low, double high) {
    const double error = expected_error(scaled(low, high), steps);
    if (error >= least) return;
    least = error;
    best_low = low;
    best_high = high;
  };
  const auto share = [](int step) {
    return 1 - (1 - kSmallestShare) * step / static_cast<double>(kShrinkSteps);
  };
  for (int step = 1; step <= kShrinkSteps; ++step) consider(share(step), share(step));
  for (int step = 0; step <= kShrinkSteps; ++step) consider(share(step), best_high);
  for (int step = 0; step <= kShrinkSteps; ++step) consider(best_low, share(step));
  return scaled(best_low, best_high);
}

}  // namespace mcunet::engine
