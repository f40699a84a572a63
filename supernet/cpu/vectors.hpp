#pragma once

#include <cstdint>
#include <cstring>
#include <utility>

#include "cpu/kernels.hpp"

// Vectors of WIDTH floats in the compiler's own notation. Everything is in the namespace of the
// instruction set that the including source is compiled for.
namespace mcunet::supernet::cpu::MCUNET_KERNEL_SET {

template <int WIDTH>
struct VectorTypes;

template <>
struct VectorTypes<16> {
  typedef float Floats __attribute__((vector_size(64)));
  typedef std::uint32_t Words __attribute__((vector_size(64)));
  typedef std::uint16_t Halves __attribute__((vector_size(32)));
};

template <>
struct VectorTypes<8> {
  typedef float Floats __attribute__((vector_size(32)));
  typedef std::uint32_t Words __attribute__((vector_size(32)));
  typedef std::uint16_t Halves __attribute__((vector_size(16)));
};

template <>
struct VectorTypes<1> {
  typedef float Floats __attribute__((vector_size(4)));
  typedef std::uint32_t Words __attribute__((vector_size(4)));
  typedef std::uint16_t Halves __attribute__((vector_size(2)));
};

template <int WIDTH>
struct Vector {
  using Floats = typename VectorTypes<WIDTH>::Floats;
  using Words = typename VectorTypes<WIDTH>::Words;
  using Halves = typename VectorTypes<WIDTH>::Halves;

  static Floats load(const float* source) {
    Floats value;
    std::memcpy(&value, source, sizeof value);
    return value;
  }

  static Floats load(const Bfloat16* source) {
    if constexpr (WIDTH == 1) {
      const Words word = {static_cast<std::uint32_t>(source->bits) << 16};
      return (Floats)word;
    } else {
      return widen(source);
    }
  }

  static void store(float* target, Floats value) { std::memcpy(target, &value, sizeof value); }

  // To the nearest, ties to even.
  static void store(Bfloat16* target, Floats value) {
    Words words = (Words)value;
    words = (words + 0x7FFFu + ((words >> 16) & 1u)) >> 16;
    if constexpr (WIDTH == 1) {
      target->bits = static_cast<std::uint16_t>(words[0]);
    } else {
      narrow(target, words);
    }
  }

  static Floats widen(const Bfloat16* source) {
    Halves halves;
    std::memcpy(&halves, source, sizeof halves);
    const Words words = __builtin_convertvector(halves, Words) << 16;
    return (Floats)words;
  }

  static void narrow(Bfloat16* target, Words words) {
    const Halves halves = __builtin_convertvector(words, Halves);
    std::memcpy(target, &halves, sizeof halves);
  }

  static Floats clamp(Floats x, float low, float high) {
    const Floats lows = Floats{} + low;
    const Floats highs = Floats{} + high;
    x = x < lows ? lows : x;
    return x > highs ? highs : x;
  }

  // The gradient where the activation let x * scale + shift through.
  static Floats masked(Floats gradient, Floats normalized, float low, float high) {
    const Floats lows = Floats{} + low;
    const Floats highs = Floats{} + high;
    const Floats above = normalized > lows ? gradient : Floats{};
    return normalized < highs ? above : Floats{};
  }
};

}  // namespace mcunet::supernet::cpu::MCUNET_KERNEL_SET
