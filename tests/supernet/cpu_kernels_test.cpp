#include <gmock/gmock.h>

#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "cpu/kernels.hpp"
#include "mcunet/core/random.hpp"

// Each instruction set that this machine has, against plain loops in 64-bit floats.
namespace mcunet::supernet::cpu {
namespace {

Bfloat16 narrowed(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return {static_cast<std::uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16)};
}
double widened(Bfloat16 value) { return std::bit_cast<float>(std::uint32_t{value.bits} << 16); }
double widened(float value) { return value; }

template <typename T>
T made_of(double value) {
  if constexpr (std::is_same_v<T, float>) {
    return static_cast<float>(value);
  } else {
    return narrowed(static_cast<float>(value));
  }
}

template <typename T>
std::vector<T> random_values(std::int64_t count, std::uint64_t seed) {
  RandomStream random(seed);
  std::vector<T> values;
  for (std::int64_t i = 0; i < count; ++i) values.push_back(made_of<T>(4 * random.uniform() - 2));
  return values;
}

template <typename T>
void expect_near(const std::vector<T>& values, const std::vector<double>& expected,
                 double tolerance) {
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    ASSERT_NEAR(widened(values[i]), expected[i], tolerance * (1 + std::abs(expected[i]))) << i;
  }
}

struct KernelSet {
  std::string name;
  bool is_here;
  const Kernels<float>& float32;
  const Kernels<Bfloat16>& bfloat16;
};

std::vector<KernelSet> kernel_sets() {
  std::vector<KernelSet> sets = {{"baseline", true, baseline::kFloat32, baseline::kBfloat16}};
#ifdef __x86_64__
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") &&
                          __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512vl") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd");
  sets.push_back({"avx2", has_avx2, avx2::kFloat32, avx2::kBfloat16});
  sets.push_back({"avx512", has_avx512, avx512::kFloat32, avx512::kBfloat16});
#endif
  return sets;
}

// The channels' coefficients, such that some values are clamped and most are not.
struct Norm {
  explicit Norm(std::int64_t channels)
      : scale(random_values<float>(channels, 11)),
        shift(random_values<float>(channels, 12)),
        slope(random_values<float>(channels, 13)),
        offset(random_values<float>(channels, 14)) {}

  ScaleShiftClamp forward() const { return {scale.data(), shift.data(), -1, 2}; }
  NormGradient backward() const { return {forward(), slope.data(), offset.data()}; }

  double normalized(double x, std::size_t c) const { return x * scale[c] + shift[c]; }
  static bool is_open(double normalized) { return normalized > -1 && normalized < 2; }
  double gradient(double g, double x, std::size_t c) const {
    return (is_open(normalized(x, c)) ? g : 0) * scale[c] + slope[c] * x + offset[c];
  }

  std::vector<float> scale, shift, slope, offset;
};

template <typename T>
void check_rows(const Kernels<T>& kernels, std::int64_t rows, std::int64_t channels) {
  constexpr double kRounding = sizeof(T) == 2 ? 5e-3 : 1e-5;
  const std::int64_t count = rows * channels;
  const auto x = random_values<T>(count, 1);
  const auto residual = random_values<T>(count, 2);
  const auto gradient = random_values<T>(count, 3);
  const Norm norm(channels);
  const auto centre = random_values<float>(channels, 4);
  const auto width = static_cast<std::size_t>(channels);

  std::vector<double> moments(2 * width), sums(2 * width), normalized, added, gradients;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t c = i % width;
    const double value = widened(x[i]);
    const double g = widened(gradient[i]);
    moments[c] += value;
    moments[width + c] += value * value;
    normalized.push_back(std::clamp(norm.normalized(value, c), -1.0, 2.0));
    added.push_back(normalized.back() + widened(residual[i]));
    const double masked = Norm::is_open(norm.normalized(value, c)) ? g : 0;
    sums[c] += masked;
    sums[width + c] += masked * (value - centre[c]);
    gradients.push_back(norm.gradient(g, value, c));
  }
  std::vector<T> out(x.size());
  kernels.normalize(x.data(), nullptr, out.data(), rows, channels, norm.forward());
  expect_near(out, normalized, kRounding);
  kernels.normalize(x.data(), residual.data(), out.data(), rows, channels, norm.forward());
  expect_near(out, added, kRounding);
  kernels.norm_gradient(gradient.data(), x.data(), out.data(), rows, channels, norm.backward());
  expect_near(out, gradients, kRounding);

  std::vector<double> totals(2 * width);
  kernels.add_moments(x.data(), rows, channels, totals.data(), totals.data() + width);
  expect_near(std::vector<float>(totals.begin(), totals.end()), moments, 1e-4);
  totals.assign(2 * width, 0);
  kernels.add_gradient_sums(gradient.data(), x.data(), rows, channels, norm.forward(),
                            centre.data(), totals.data(), totals.data() + width);
  expect_near(std::vector<float>(totals.begin(), totals.end()), sums, 1e-4);
}

DepthwiseShape depthwise_shape(std::int64_t channels, std::int64_t height, std::int64_t width,
                               std::int64_t kernel_rows, std::int64_t kernel, std::int64_t stride) {
  const auto output = [&](std::int64_t side, std::int64_t taps) {
    return (side + 2 * (taps / 2) - taps) / stride + 1;
  };
  return {.channels = channels,
          .height = height,
          .width = width,
          .output_height = output(height, kernel_rows),
          .output_width = output(width, kernel),
          .kernel_rows = kernel_rows,
          .kernel = kernel,
          .stride = stride,
          .channel_step = kernel_rows * kernel,
          .row_step = kernel,
          .column_step = 1};
}

// Calls tap(input pixel, output pixel, weight) for all pixels, each times the channels.
template <typename Tap>
void for_each_tap(const DepthwiseShape& s, const Tap& tap) {
  for (std::int64_t y = 0; y < s.output_height; ++y) {
    for (std::int64_t x = 0; x < s.output_width; ++x) {
      for (std::int64_t k = 0; k < s.taps(); ++k) {
        const std::int64_t from_y = y * s.stride + k / s.kernel - s.kernel_rows / 2;
        const std::int64_t from_x = x * s.stride + k % s.kernel - s.kernel / 2;
        if (from_y < 0 || from_x < 0 || from_y >= s.height || from_x >= s.width) continue;
        tap((from_y * s.width + from_x) * s.channels, (y * s.output_width + x) * s.channels, k);
      }
    }
  }
}

template <typename T>
void check_depthwise(const Kernels<T>& kernels, const DepthwiseShape& s) {
  constexpr double kRounding = sizeof(T) == 2 ? 2e-2 : 1e-5;
  const std::int64_t taps = s.taps();
  const std::int64_t outputs = s.output_height * s.output_width * s.channels;
  const auto input = random_values<T>(s.height * s.width * s.channels, 1);
  const auto weights = random_values<float>(taps * s.channels, 2);
  const auto gradient = random_values<T>(outputs, 3);
  const Norm norm(s.channels);
  std::vector<float> scratch(static_cast<std::size_t>(depthwise_scratch(s)));
  const auto weight = [&](std::int64_t c, std::int64_t k) { return weights[c * taps + k]; };

  std::vector<double> expected(static_cast<std::size_t>(outputs));
  for_each_tap(s, [&](std::int64_t from, std::int64_t to, std::int64_t k) {
    for (std::int64_t c = 0; c < s.channels; ++c) {
      expected[to + c] += widened(input[from + c]) * weight(c, k);
    }
  });
  std::vector<T> output(expected.size());
  for (std::int64_t c = 0; c < s.channels; c += kVectorWidth) {
    kernels.depthwise(s, c, input.data(), weights.data(), output.data(), nullptr, nullptr,
                      scratch.data());
  }
  expect_near(output, expected, kRounding);

  std::vector<double> input_gradient(input.size());
  std::vector<double> weight_gradient(weights.size());
  for_each_tap(s, [&](std::int64_t from, std::int64_t to, std::int64_t k) {
    for (std::int64_t c = 0; c < s.channels; ++c) {
      const double g = norm.gradient(widened(gradient[to + c]), widened(output[to + c]),
                                     static_cast<std::size_t>(c));
      input_gradient[from + c] += g * weight(c, k);
      weight_gradient[k * s.channels + c] += g * widened(input[from + c]);
    }
  });
  std::vector<T> found(input.size());
  std::vector<float> found_weights(weights.size());
  const DepthwiseBackward<T> tensors{input.data(), output.data(), gradient.data(), weights.data(),
                                     found.data()};
  for (std::int64_t c = 0; c < s.channels; c += kVectorWidth) {
    kernels.depthwise_backward(s, c, tensors, norm.backward(), found_weights.data(),
                               scratch.data());
  }
  expect_near(found, input_gradient, kRounding);
  expect_near(found_weights, weight_gradient, 1e-3);
}

class CpuKernels : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    if (!set_.is_here) GTEST_SKIP() << "this machine has no " << set_.name;
  }
  const KernelSet set_ = kernel_sets()[static_cast<std::size_t>(GetParam())];
};

TEST_P(CpuKernels, NormalizeRowsOfAnyWidth) {
  for (const std::int64_t channels : {1, 3, 8, 16, 24, 40, 100}) {
    for (const std::int64_t rows : {1, 7, 64, 1200}) {
      SCOPED_TRACE(testing::Message() << rows << " rows of " << channels);
      check_rows(set_.float32, rows, channels);
      check_rows(set_.bfloat16, rows, channels);
    }
  }
}

TEST_P(CpuKernels, ConvolveForwardsAndBackwards) {
  for (const std::int64_t channels : {1, 8, 16, 40}) {
    for (const std::int64_t kernel : {3, 5, 7}) {
      for (const std::int64_t stride : {1, 2, 3}) {
        SCOPED_TRACE(testing::Message() << channels << " channels, " << kernel << " / " << stride);
        const DepthwiseShape shape = depthwise_shape(channels, 9, 6, kernel, kernel, stride);
        check_depthwise(set_.float32, shape);
        check_depthwise(set_.bfloat16, shape);
        const DepthwiseShape line = depthwise_shape(channels, 1, 19, 1, kernel, stride);
        check_depthwise(set_.float32, line);
        check_depthwise(set_.bfloat16, line);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(OfTheMachine, CpuKernels,
                         testing::Range(0, static_cast<int>(kernel_sets().size())),
                         [](const auto& set) {
                           return kernel_sets()[static_cast<std::size_t>(set.param)].name;
                         });

}  // namespace
}  // namespace mcunet::supernet::cpu
