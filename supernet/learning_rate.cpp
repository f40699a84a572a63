#include "learning_rate.hpp"

#include <cmath>
#include <numbers>

namespace mcunet::supernet {

double LearningRateSchedule::at(std::int64_t step) const {
  if (step < warmup_steps) {
    return peak * static_cast<double>(step + 1) / static_cast<double>(warmup_steps);
  }
  const double share =
      static_cast<double>(step - warmup_steps) / static_cast<double>(steps - warmup_steps);
  return peak * 0.5 * (1 + std::cos(std::numbers::pi * share));
}

}  // namespace mcunet::supernet
