#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "pack.h"
#include "reference.h"

// Random layers for the tests of the kernels. Buffers are vectors of exactly the size that a kernel
// may touch, so that the address sanitizer sees every access beyond one.
namespace mcunet::kernels_test {

using Bytes = std::vector<std::int8_t>;

class Random {
 public:
  explicit Random(unsigned seed) : generator_(seed) {}
  int between(int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(generator_);
  }
  bool one_in(int n) { return between(1, n) == 1; }

  // Values of so many bits over the whole range or, now and then, only the extreme ones.
  Bytes bytes(std::size_t count, int bits = 8) {
    Bytes values(count);
    const int low = -(1 << (bits - 1));
    const int high = -low - 1;
    const bool extreme = one_in(4);
    for (auto& value : values) {
      value = static_cast<std::int8_t>(extreme ? (one_in(2) ? low : high) : between(low, high));
    }
    return values;
  }

 private:
  std::mt19937 generator_;
};

// Memory that a kernel may use as it likes, 4-byte aligned and filled with rubbish.
inline std::vector<std::uint32_t> make_scratch(std::int64_t bytes) {
  return std::vector<std::uint32_t>(static_cast<std::size_t>((bytes + 3) / 4), 0xdeadbeefu);
}

enum class Finish { kRelu, kLinear, kAny };

// Everything about a layer's arithmetic that does not depend on its window.
struct Arithmetic {
  Bytes weights;
  std::vector<std::int32_t> bias, multipliers, right_shifts, shifts;
  std::int32_t input_zero_point = 0;
  mcunet_output output{};

  Arithmetic(Random& random, std::size_t weight_count, int channels, int depth, Finish finish,
             int weight_bits = 8)
      : weights(random.bytes(weight_count, weight_bits)),
        input_zero_point(random.between(-128, 127)) {
    int base = weight_bits - 3;
    for (int n = depth; n > 1; n /= 4) ++base;
    for (int c = 0; c < channels; ++c) {
      bias.push_back(random.between(-100000, 100000));
      multipliers.push_back(random.between(1 << 30, INT32_MAX));
      right_shifts.push_back(base + random.between(-3, 2));
      if (finish == Finish::kAny && random.one_in(3)) right_shifts.back() = random.between(-2, 31);
      if (finish == Finish::kAny && random.one_in(8)) multipliers.back() = right_shifts.back() = 0;
      if (random.one_in(5)) make_wide(random, c);
      shifts.push_back(-right_shifts.back());
    }
    output = {random.between(-128, 127), -128, 127};
    if (finish == Finish::kRelu) output.zero_point = -128;
    if (finish == Finish::kAny) {
      output.min = random.between(-128, 0);
      output.max = random.between(1, 127);
    }
  }

  // A bias anywhere in 32 bits, where sums wrap, and a scale of which something is left.
  void make_wide(Random& random, int channel) {
    bias[channel] = random.one_in(2)   ? random.between(INT32_MIN, INT32_MAX)
                    : random.one_in(2) ? INT32_MIN + random.between(0, 100000)
                                       : INT32_MAX - random.between(0, 100000);
    right_shifts[channel] = random.between(20, 31);
  }

  mcunet_filter filter() const {
    return {weights.data(),
            bias.data(),
            multipliers.data(),
            right_shifts.data(),
            static_cast<std::int32_t>(bias.size()),
            input_zero_point,
            output};
  }
  reference_scale scale() const {
    return {multipliers.data(), shifts.data(), input_zero_point,
            output.zero_point,  output.min,    output.max};
  }
};

// The index of an element in a tensor of these sizes.
inline std::size_t index_in(const int (&sizes)[3], int y, int x, int c) {
  return static_cast<std::size_t>((y * sizes[1] + x) * sizes[2] + c);
}

}  // namespace mcunet::kernels_test
