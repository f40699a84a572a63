#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "mcunet_kernels.h"
#include "random_layer.hpp"

// Pools, means and maxima against plain formulas.
namespace mcunet::kernels_test {
namespace {

constexpr int kLayers = 300;

struct Pooled {
  std::int32_t sum = 0, count = 0, most = -128;
};

Pooled pool(const Bytes& input, const mcunet_pool2d_layer& layer, int oy, int ox, int c) {
  Pooled pooled;
  for (int ky = 0; ky < layer.kernel_height; ++ky) {
    for (int kx = 0; kx < layer.kernel_width; ++kx) {
      const int y = oy * layer.stride_height - layer.pad_top + ky;
      const int x = ox * layer.stride_width - layer.pad_left + kx;
      if (y < 0 || y >= layer.input_height || x < 0 || x >= layer.input_width) continue;
      const int value =
          input[static_cast<std::size_t>((y * layer.input_width + x) * layer.channels + c)];
      pooled.sum += value;
      ++pooled.count;
      pooled.most = std::max(pooled.most, value);
    }
  }
  return pooled;
}

TEST(Pooling, MatchesPlainFormulas) {
  Random random(1);
  for (int i = 0; i < kLayers; ++i) {
    mcunet_pool2d_layer layer{};
    layer.kernel_height = static_cast<std::int16_t>(random.between(1, 4));
    layer.kernel_width = static_cast<std::int16_t>(random.between(1, 4));
    layer.stride_height = static_cast<std::int16_t>(random.between(1, 3));
    layer.stride_width = static_cast<std::int16_t>(random.between(1, 3));
    layer.pad_top = static_cast<std::int16_t>(random.between(0, layer.kernel_height - 1));
    layer.pad_left = static_cast<std::int16_t>(random.between(0, layer.kernel_width - 1));
    layer.input_height = random.between(layer.kernel_height, 9);
    layer.input_width = random.between(layer.kernel_width, 9);
    layer.channels = random.between(1, 7);
    layer.output_height =
        (layer.input_height + layer.pad_top - layer.kernel_height) / layer.stride_height + 1;
    layer.output_width =
        (layer.input_width + layer.pad_left - layer.kernel_width) / layer.stride_width + 1;
    layer.min = random.between(-128, -20);
    layer.max = random.between(20, 127);
    const Bytes input = random.bytes(
        static_cast<std::size_t>(layer.input_height * layer.input_width * layer.channels));
    Bytes averages(
        static_cast<std::size_t>(layer.output_height * layer.output_width * layer.channels));
    Bytes maxima(averages.size());
    mcunet_average_pool2d(input.data(), averages.data(), &layer);
    mcunet_max_pool2d(input.data(), maxima.data(), &layer);
    std::size_t at = 0;
    for (int oy = 0; oy < layer.output_height; ++oy) {
      for (int ox = 0; ox < layer.output_width; ++ox) {
        for (int c = 0; c < layer.channels; ++c, ++at) {
          const Pooled pooled = pool(input, layer, oy, ox, c);
          const int mean =
              static_cast<int>(std::round(static_cast<double>(pooled.sum) / pooled.count));
          ASSERT_EQ(averages[at], std::clamp(mean, layer.min, layer.max));
          ASSERT_EQ(maxima[at], std::clamp(pooled.most, layer.min, layer.max));
        }
      }
    }
  }
}

// Every count up to beyond those that a reciprocal divides by exactly; means that lie in the middle, at both ends, and anywhere.
TEST(Pooling, AveragesRoundHalvesAwayFromZero) {
  Random random(7);
  for (int count = 1; count <= 2200; ++count) {
    mcunet_pool2d_layer layer{};
    layer.input_height = layer.output_height = layer.output_width = layer.channels = 1;
    layer.input_width = count;
    layer.kernel_height = layer.stride_height = layer.stride_width = 1;
    layer.kernel_width = static_cast<std::int16_t>(count);
    layer.min = -128;
    layer.max = 127;
    for (const int low : {-128, -1, 0, 126, random.between(-128, 126)}) {
      for (const int lower : {count / 2, count, 0, random.between(0, count)}) {
        Bytes input(static_cast<std::size_t>(count), static_cast<std::int8_t>(low + 1));
        std::fill_n(input.begin(), lower, static_cast<std::int8_t>(low));
        std::int8_t average = 0;
        mcunet_average_pool2d(input.data(), &average, &layer);
        const int sum = count * (low + 1) - lower;
        ASSERT_EQ(average, (sum > 0 ? sum + count / 2 : sum - count / 2) / count)
            << sum << " / " << count;
      }
    }
  }
}

TEST(Mean, Rescales) {
  Random random(2);
  for (int i = 0; i < kLayers; ++i) {
    mcunet_mean_layer layer{random.between(1, 3),
                            random.between(1, 20),
                            random.between(1, 9),
                            random.between(-128, 127),
                            random.between(1 << 30, INT32_MAX),
                            random.between(1, 6),
                            {random.between(-128, 127), -128, 127}};
    const Bytes input =
        random.bytes(static_cast<std::size_t>(layer.outer * layer.reduced * layer.inner));
    Bytes output(static_cast<std::size_t>(layer.outer * layer.inner));
    mcunet_mean(input.data(), output.data(), &layer);
    for (int o = 0; o < layer.outer; ++o) {
      for (int n = 0; n < layer.inner; ++n) {
        int sum = 0;
        for (int r = 0; r < layer.reduced; ++r) {
          sum += input[static_cast<std::size_t>((o * layer.reduced + r) * layer.inner + n)];
        }
        const int centred = sum - layer.reduced * layer.input_zero_point;
        const int mean =
            reference_rescale(centred, layer.multiplier, -layer.shift) + layer.output.zero_point;
        ASSERT_EQ(output[static_cast<std::size_t>(o * layer.inner + n)],
                  std::clamp(mean, -128, 127));
      }
    }
  }
}

TEST(Mean, OverRowsAndChannelsMatchesTheMeanOfTheSameValuesSideBySide) {
  Random random(7);
  for (int i = 0; i < kLayers; ++i) {
    const mcunet_mean_apart_layer layer{random.between(1, 5),
                                        random.between(1, 5),
                                        random.between(1, 5),
                                        random.between(-128, 127),
                                        random.between(1 << 30, INT32_MAX),
                                        random.between(1, 6),
                                        {random.between(-128, 127), -128, 127}};
    const Bytes input =
        random.bytes(static_cast<std::size_t>(layer.rows * layer.columns * layer.channels));
    Bytes output(static_cast<std::size_t>(layer.columns));
    mcunet_mean_apart(input.data(), output.data(), &layer);
    for (int x = 0; x < layer.columns; ++x) {
      int sum = 0;
      for (std::size_t at = 0; at < input.size(); ++at) {
        if (static_cast<int>(at) / layer.channels % layer.columns == x) {
          sum += input[at] - layer.input_zero_point;
        }
      }
      const int mean =
          reference_rescale(sum, layer.multiplier, -layer.shift) + layer.output.zero_point;
      ASSERT_EQ(output[static_cast<std::size_t>(x)], std::clamp(mean, -128, 127));
    }
  }
}

TEST(Maximum, OverAnyAxes) {
  Random random(10);
  for (int i = 0; i < kLayers; ++i) {
    const int sizes[] = {random.between(1, 5), random.between(1, 5), random.between(1, 7)};
    int kept[3];
    for (int axis = 0; axis < 3; ++axis) kept[axis] = random.one_in(2) ? 1 : sizes[axis];
    const int steps[] = {kept[1] * kept[2], kept[2], 1};
    mcunet_reduce_extremum_layer layer{{}, {}, kept[0] * kept[1] * kept[2]};
    for (int axis = 0; axis < 3; ++axis) {
      layer.sizes[axis] = sizes[axis];
      layer.strides[axis] = kept[axis] == 1 ? 0 : steps[axis];
    }
    const Bytes input = random.bytes(static_cast<std::size_t>(sizes[0] * sizes[1] * sizes[2]));
    Bytes output(static_cast<std::size_t>(layer.outputs));
    Bytes least(output.size());
    mcunet_reduce_max(input.data(), output.data(), &layer);
    mcunet_reduce_min(input.data(), least.data(), &layer);
    Bytes expected(output.size(), -128), expected_least(output.size(), 127);
    for (int y = 0; y < sizes[0]; ++y) {
      for (int x = 0; x < sizes[1]; ++x) {
        for (int c = 0; c < sizes[2]; ++c) {
          const auto at = index_in(kept, std::min(y, kept[0] - 1), std::min(x, kept[1] - 1),
                                   std::min(c, kept[2] - 1));
          const std::int8_t value = input[index_in(sizes, y, x, c)];
          expected[at] = std::max(expected[at], value);
          expected_least[at] = std::min(expected_least[at], value);
        }
      }
    }
    ASSERT_EQ(output, expected) << "layer " << i;
    ASSERT_EQ(least, expected_least) << "layer " << i;
  }
}

}  // namespace
}  // namespace mcunet::kernels_test
