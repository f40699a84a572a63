#pragma once

#include "cpu/vectors.hpp"

// Batch normalization and activation over rows of pixels. Several rows are taken as one, as wide as
// full vectors need; the channels' coefficients are repeated to that width.
namespace mcunet::supernet::cpu::MCUNET_KERNEL_SET {

// Repeats per-channel values over a group of rows.
struct Repeated {
  alignas(64) float values[kMaxGroupWidth];

  Repeated(const float* source, std::int64_t channels, std::int64_t width) {
    for (std::int64_t i = 0; i < width; i += channels) {
      std::memcpy(values + i, source, static_cast<std::size_t>(channels) * sizeof(float));
    }
  }
};

// Sums over the rows of a group, in 32-bit floats over few rows and 64-bit ones over all.
struct GroupSums {
  alignas(64) float values[kMaxGroupWidth];

  void clear(std::int64_t width) {
    std::memset(values, 0, static_cast<std::size_t>(width) * sizeof(float));
  }

  void flush(std::int64_t width, std::int64_t channels, double* sum) {
    for (std::int64_t i = 0; i < width; i += channels) {
      for (std::int64_t c = 0; c < channels; ++c) sum[c] += static_cast<double>(values[i + c]);
    }
    clear(width);
  }
};

constexpr std::int64_t kRowsPerFlush = 64;

using V16 = Vector<16>;
using V1 = Vector<1>;

// Calls op(vector type, first + i, i) for the elements i of a group of rows that begins at `first`:
// over whole groups, vector by vector, then over single rows. flush() comes every kRowsPerFlush
// groups.
template <typename Op, typename Flush>
void for_each_vector(std::int64_t rows, std::int64_t channels, std::int64_t width, Op op,
                     Flush flush) {
  const auto take = [&](std::int64_t first, std::int64_t size) {
    std::int64_t i = 0;
    for (; i + kVectorWidth <= size; i += kVectorWidth) op(V16{}, first + i, i);
    for (; i < size; ++i) op(V1{}, first + i, i);
  };
  const std::int64_t total = rows * channels;
  std::int64_t first = 0;
  std::int64_t count = 0;
  for (; first + width <= total; first += width) {
    take(first, width);
    if (++count % kRowsPerFlush == 0) flush();
  }
  for (; first < total; first += channels) take(first, channels);
  flush();
}

inline std::int64_t group_width(std::int64_t channels) {
  std::int64_t width = channels;
  while (width % kVectorWidth != 0) width += channels;
  return width;
}

template <typename T>
void add_moments(const T* x, std::int64_t rows, std::int64_t channels, double* sum,
                 double* square_sum) {
  if (rows == 0) return;
  const std::int64_t width = group_width(channels);
  // Moments about the first pixel lose no digits if the deviation is small beside the mean.
  float first_pixel[kMaxGroupWidth];
  for (std::int64_t c = 0; c < channels; ++c) first_pixel[c] = V1::load(x + c)[0];
  const Repeated centre(first_pixel, channels, width);
  double near_sum[kMaxGroupWidth];
  double near_square_sum[kMaxGroupWidth];
  for (std::int64_t c = 0; c < channels; ++c) near_sum[c] = near_square_sum[c] = 0;
  GroupSums sums;
  GroupSums squares;
  sums.clear(width);
  squares.clear(width);
  const auto add = [&]<typename V>(V, std::int64_t at, std::int64_t i) {
    const auto value = V::load(x + at) - V::load(centre.values + i);
    V::store(sums.values + i, V::load(sums.values + i) + value);
    V::store(squares.values + i, V::load(squares.values + i) + value * value);
  };
  for_each_vector(rows, channels, width, add, [&] {
    sums.flush(width, channels, near_sum);
    squares.flush(width, channels, near_square_sum);
  });
  const auto count = static_cast<double>(rows);
  for (std::int64_t c = 0; c < channels; ++c) {
    const auto k = static_cast<double>(first_pixel[c]);
    sum[c] += near_sum[c] + count * k;
    square_sum[c] += near_square_sum[c] + 2 * k * near_sum[c] + count * k * k;
  }
}

template <typename T>
void normalize(const T* x, const T* residual, T* out, std::int64_t rows, std::int64_t channels,
               const ScaleShiftClamp& norm) {
  const std::int64_t width = group_width(channels);
  const Repeated scale(norm.scale, channels, width);
  const Repeated shift(norm.shift, channels, width);
  const auto apply = [&]<typename V>(V, std::int64_t at, std::int64_t i) {
    const auto value = V::load(x + at) * V::load(scale.values + i) + V::load(shift.values + i);
    auto activated = V::clamp(value, norm.low, norm.high);
    if (residual != nullptr) activated += V::load(residual + at);
    V::store(out + at, activated);
  };
  for_each_vector(rows, channels, width, apply, [] {});
}

template <typename T>
void add_gradient_sums(const T* gradient, const T* x, std::int64_t rows, std::int64_t channels,
                       const ScaleShiftClamp& norm, const float* centre, double* sum,
                       double* product_sum) {
  const std::int64_t width = group_width(channels);
  const Repeated scale(norm.scale, channels, width);
  const Repeated shift(norm.shift, channels, width);
  const Repeated centres(centre, channels, width);
  GroupSums sums;
  GroupSums products;
  sums.clear(width);
  products.clear(width);
  const auto add = [&]<typename V>(V, std::int64_t at, std::int64_t i) {
    const auto value = V::load(x + at);
    const auto normalized = value * V::load(scale.values + i) + V::load(shift.values + i);
    const auto masked = V::masked(V::load(gradient + at), normalized, norm.low, norm.high);
    V::store(sums.values + i, V::load(sums.values + i) + masked);
    V::store(products.values + i,
             V::load(products.values + i) + masked * (value - V::load(centres.values + i)));
  };
  for_each_vector(rows, channels, width, add, [&] {
    sums.flush(width, channels, sum);
    products.flush(width, channels, product_sum);
  });
}

template <typename T>
void norm_gradient(const T* gradient, const T* x, T* out, std::int64_t rows, std::int64_t channels,
                   const NormGradient& norm) {
  const std::int64_t width = group_width(channels);
  const Repeated scale(norm.forward.scale, channels, width);
  const Repeated shift(norm.forward.shift, channels, width);
  const Repeated slope(norm.slope, channels, width);
  const Repeated offset(norm.offset, channels, width);
  const auto apply = [&]<typename V>(V, std::int64_t at, std::int64_t i) {
    const auto value = V::load(x + at);
    const auto scales = V::load(scale.values + i);
    const auto masked =
        V::masked(V::load(gradient + at), value * scales + V::load(shift.values + i),
                  norm.forward.low, norm.forward.high);
    V::store(out + at,
             masked * scales + value * V::load(slope.values + i) + V::load(offset.values + i));
  };
  for_each_vector(rows, channels, width, apply, [] {});
}

}  // namespace mcunet::supernet::cpu::MCUNET_KERNEL_SET
