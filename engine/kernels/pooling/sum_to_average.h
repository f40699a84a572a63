#ifndef MCUNET_KERNELS_SUM_TO_AVERAGE_H_
#define MCUNET_KERNELS_SUM_TO_AVERAGE_H_

// From a sum of values to their average. Internal to the kernels.

#include "pooling.h"

// Sums of `count` values are divided with halves away from zero: twice a sum and the count by twice the count, rounded
// down; one is taken off first where the sum is negative, which makes a difference to halves alone. 128 is added to every value
// so that nothing is negative.
struct mcunet_divisor {
  int32_t count;
  uint32_t offset;   // 2 * 128 * count + count
  uint32_t inverse;  // 2^32 / (2 * count), rounded up
};

enum {
  kMcunetLargestDivisor = 2049
};  // up to here 511 * count times the inverse's error is below 2^32

MCUNET_INLINE struct mcunet_divisor mcunet_divide_by(int32_t count) {
  return (struct mcunet_divisor){count, 257 * (uint32_t)count,
                                 0xffffffffu / (2 * (uint32_t)count) + 1};
}

// 128 more than the mean.
MCUNET_INLINE uint32_t mcunet_raised_average(int32_t sum, const struct mcunet_divisor* by) {
  const uint32_t twice = by->offset + ((uint32_t)sum << 1) + (uint32_t)(sum >> 31);
  return (uint32_t)(((uint64_t)twice * by->inverse) >> 32);
}

MCUNET_INLINE int32_t mcunet_average_of(int32_t sum, const struct mcunet_divisor* by) {
  if (by->count <= kMcunetLargestDivisor) return (int32_t)mcunet_raised_average(sum, by) - 128;
  return (sum > 0 ? sum + by->count / 2 : sum - by->count / 2) / by->count;
}

#endif  // MCUNET_KERNELS_SUM_TO_AVERAGE_H_
