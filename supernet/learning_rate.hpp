#pragma once

#include <cstdint>

namespace mcunet::supernet {

// Rises linearly over the warm-up, reaching `peak` at its last step, then follows half a cosine
// that would reach 0 one step after the last.
struct LearningRateSchedule {
  double peak = 0;
  std::int64_t warmup_steps = 0;
  std::int64_t steps = 0;  // of the phase, warm-up included

  double at(std::int64_t step) const;
};

}  // namespace mcunet::supernet
