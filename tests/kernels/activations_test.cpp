#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "mcunet_kernels.h"
#include "random_layer.hpp"

// Softmax and conversions against the real functions.
namespace mcunet::kernels_test {
namespace {

constexpr int kLayers = 300;

TEST(Conversion, RoundsAsTheStandardLibraryDoes) {
  Random random(9);
  for (int i = 0; i < kLayers; ++i) {
    const bool is_unsigned = i % 2 == 1;
    const int least = is_unsigned ? 0 : -128;
    const mcunet_conversion_layer layer{64, static_cast<float>(random.between(1, 1000)) / 8192.0F,
                                        least + random.between(0, 255), least};
    std::vector<float> real;
    // Multiples of half a step, where rounding decides, and their neighbours.
    for (int e = 0; e < layer.elements; ++e) {
      const float half = layer.scale * static_cast<float>(random.between(-700, 700)) / 2;
      real.push_back(e % 3 == 0 ? half : std::nextafter(half, e % 3 == 1 ? -1e9F : 1e9F));
    }
    real[0] = std::numeric_limits<float>::infinity();
    real[1] = -real[0];
    real[2] = std::numeric_limits<float>::quiet_NaN();
    real[3] = 3e38F;
    std::vector<float> shared = real;  // the output begins where the input does
    mcunet_quantize(shared.data(), reinterpret_cast<std::int8_t*>(shared.data()), &layer);
    const auto* quantized = reinterpret_cast<const std::int8_t*>(shared.data());
    std::vector<float> back(real.size());
    mcunet_dequantize(quantized, back.data(), &layer);
    for (std::size_t e = 0; e < real.size(); ++e) {
      const double scaled = std::round(real[e] / layer.scale) + layer.zero_point;
      const double expected =
          std::isnan(scaled) ? layer.zero_point : std::clamp<double>(scaled, least, least + 255);
      const int value = is_unsigned ? static_cast<std::uint8_t>(quantized[e]) : int{quantized[e]};
      ASSERT_EQ(value, expected) << real[e] << " / " << layer.scale;
      ASSERT_EQ(back[e], layer.scale * static_cast<float>(value - layer.zero_point));
    }
  }
}

// The fixed-point result is within one step of the real one.
TEST(Softmax, IsCloseToTheRealOne) {
  Random random(5);
  for (int i = 0; i < kLayers; ++i) {
    const double input_scale = random.between(1, 400) / 1000.0;
    int exponent = 0;
    // input_scale in units of 2^-26, as a multiplier of 2^31 and a left shift.
    const double fraction = std::frexp(input_scale * (1 << 26), &exponent);
    mcunet_softmax_layer layer{random.between(1, 3), random.between(1, 40),
                               static_cast<std::int32_t>(std::round(fraction * 2147483648.0)),
                               exponent, 0};
    layer.min_difference =
        -static_cast<std::int32_t>(std::floor(31.0 * (1 << 26) / std::exp2(exponent)));
    const Bytes input = random.bytes(static_cast<std::size_t>(layer.rows * layer.depth));
    Bytes output = input;
    mcunet_softmax(output.data(), output.data(), &layer);
    for (int row = 0; row < layer.rows; ++row) {
      const auto begin = input.begin() + row * layer.depth;
      const int most = *std::max_element(begin, begin + layer.depth);
      double sum = 0;
      for (auto at = begin; at != begin + layer.depth; ++at)
        sum += std::exp((*at - most) * input_scale);
      for (int c = 0; c < layer.depth; ++c) {
        const double real = std::exp((begin[c] - most) * input_scale) / sum * 256 - 128;
        EXPECT_NEAR(output[static_cast<std::size_t>(row * layer.depth + c)], std::min(real, 127.0),
                    1.0);
      }
    }
  }
}

// Within one step of the real one; its steps are 16ths.
TEST(LogSoftmax, IsCloseToTheRealOne) {
  Random random(12);
  for (int i = 0; i < kLayers; ++i) {
    const double input_scale = random.between(1, 400) / 1000.0;
    int exponent = 0;
    const double fraction = std::frexp(input_scale * (1 << 26), &exponent);
    mcunet_log_softmax_layer layer{};
    layer.rows = random.between(1, 3);
    layer.depth = random.between(1, 40);
    layer.multiplier = static_cast<std::int32_t>(std::round(fraction * 2147483648.0));
    layer.left_shift = exponent;
    layer.min_difference =
        -static_cast<std::int32_t>(std::floor(31.0 * (1 << 26) / std::exp2(exponent)));
    // 1 / input_scale in units of 2^-26.
    const double inverse = std::frexp(1 / (input_scale * (1 << 26)), &exponent);
    layer.inverse_multiplier = static_cast<std::int32_t>(std::round(inverse * 2147483648.0));
    layer.inverse_shift = -exponent;
    const Bytes input = random.bytes(static_cast<std::size_t>(layer.rows * layer.depth));
    Bytes output = input;
    mcunet_log_softmax(output.data(), output.data(), &layer);
    for (int row = 0; row < layer.rows; ++row) {
      const auto begin = input.begin() + row * layer.depth;
      const int most = *std::max_element(begin, begin + layer.depth);
      double sum = 0;
      for (auto at = begin; at != begin + layer.depth; ++at)
        sum += std::exp((*at - most) * input_scale);
      for (int c = 0; c < layer.depth; ++c) {
        const double real = ((begin[c] - most) * input_scale - std::log(sum)) * 16 + 127;
        EXPECT_NEAR(output[static_cast<std::size_t>(row * layer.depth + c)], std::max(real, -128.0),
                    0.51)
            << "layer " << i;
      }
    }
  }
}

}  // namespace
}  // namespace mcunet::kernels_test
