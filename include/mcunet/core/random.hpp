#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <numbers>
#include <utility>
#include <vector>

namespace mcunet {

// A seeded stream of random numbers that depends on its seed and path alone, so that work item i
// draws the same numbers whichever thread runs it: RandomStream stream(seed, {space, sample}).
// The generator is SplitMix64 (Steele, Lea, Flood 2014); its whole state is one word, to be saved
// in checkpoints. Not for cryptography.
class RandomStream {
 public:
  using result_type = std::uint64_t;

  explicit RandomStream(std::uint64_t seed, std::initializer_list<std::uint64_t> path = {}) {
    state_ = mix(seed + kGamma);
    for (std::uint64_t step : path) state_ = mix(mix(state_ + kGamma) + step);
  }

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return ~result_type{0}; }

  result_type operator()() { return mix(state_ += kGamma); }

  // Uniform in [0, count) without modulo bias beyond count / 2^32. Requires count > 0.
  std::uint32_t index(std::uint32_t count) {
    return static_cast<std::uint32_t>(((*this)() >> 32) * count >> 32);
  }

  // Uniform in [0, 1), with 53 random bits.
  double uniform() { return static_cast<double>((*this)() >> 11) * 0x1.0p-53; }

  // Of zero mean and unit variance, by Box and Muller.
  double normal() {
    const double radius = std::sqrt(-2 * std::log1p(-uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

  // One of the choices, each as likely. Requires that there are any.
  template <typename T>
  const T& pick(const std::vector<T>& choices) {
    return choices[index(static_cast<std::uint32_t>(choices.size()))];
  }

  // Puts the values into an order that is any with equal chance (Fisher and Yates).
  template <typename Values>
  void shuffle(Values& values) {
    for (std::size_t i = std::size(values); i > 1; --i) {
      std::swap(values[i - 1], values[index(static_cast<std::uint32_t>(i))]);
    }
  }

  std::uint64_t state() const { return state_; }
  void restore(std::uint64_t state) { state_ = state; }

 private:
  static constexpr std::uint64_t kGamma = 0x9E3779B97F4A7C15;

  static constexpr std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

  std::uint64_t state_ = 0;
};

}  // namespace mcunet
