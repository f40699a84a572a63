#include "loss_scale.hpp"

namespace mcunet::supernet {

void LossScale::update(bool overflowed) {
  constexpr std::int64_t kGoodSteps = 2000;
  if (overflowed) {
    factor /= 2;
    good_steps = 0;
  } else if (++good_steps == kGoodSteps) {
    factor *= 2;
    good_steps = 0;
  }
}

}  // namespace mcunet::supernet
