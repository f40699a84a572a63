#pragma once

#include <cstdint>

// Keeps gradients of 16-bit floats from vanishing and from becoming infinite (Micikevicius et al., Mixed
// Precision Training, ICLR 2018): losses, and so gradients, are multiplied by a power of two, which adapts to
// them.
namespace mcunet::supernet {

struct LossScale {
  double factor = 65536;
  std::int64_t good_steps = 0;  // in a row, since the factor changed

  // After a step. One that overflowed halves the factor, and is not to be taken; 2,000 that did not double it.
  void update(bool overflowed);

  // Whether gradients are infinite for another reason: no factor helps.
  bool is_exhausted() const { return factor < 1.0 / (1 << 24); }
};

}  // namespace mcunet::supernet
