#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "mcunet_kernels.h"
#include "random_layer.hpp"

// Pooling, elementwise operators, softmax and the layout kernels against plain formulas.
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

// The index of an element in a tensor of these sizes.
std::size_t index_in(const int (&sizes)[3], int y, int x, int c) {
  return static_cast<std::size_t>((y * sizes[1] + x) * sizes[2] + c);
}

TEST(Maximum, OverAnyAxes) {
  Random random(10);
  for (int i = 0; i < kLayers; ++i) {
    const int sizes[] = {random.between(1, 5), random.between(1, 5), random.between(1, 7)};
    int kept[3];
    for (int axis = 0; axis < 3; ++axis) kept[axis] = random.one_in(2) ? 1 : sizes[axis];
    const int steps[] = {kept[1] * kept[2], kept[2], 1};
    mcunet_reduce_max_layer layer{{}, {}, kept[0] * kept[1] * kept[2]};
    for (int axis = 0; axis < 3; ++axis) {
      layer.sizes[axis] = sizes[axis];
      layer.strides[axis] = kept[axis] == 1 ? 0 : steps[axis];
    }
    const Bytes input = random.bytes(static_cast<std::size_t>(sizes[0] * sizes[1] * sizes[2]));
    Bytes output(static_cast<std::size_t>(layer.outputs));
    mcunet_reduce_max(input.data(), output.data(), &layer);
    Bytes expected(output.size(), -128);
    for (int y = 0; y < sizes[0]; ++y) {
      for (int x = 0; x < sizes[1]; ++x) {
        for (int c = 0; c < sizes[2]; ++c) {
          std::int8_t& most = expected[index_in(
              kept, std::min(y, kept[0] - 1), std::min(x, kept[1] - 1), std::min(c, kept[2] - 1))];
          most = std::max(most, input[index_in(sizes, y, x, c)]);
        }
      }
    }
    ASSERT_EQ(output, expected) << "layer " << i;
  }
}

mcunet_elementwise_layer random_elementwise(Random& random, int i) {
  mcunet_elementwise_layer layer{};
  layer.elements = random.between(1, 60);
  layer.period = layer.elements;
  if (random.one_in(3)) {
    layer.period = random.between(1, 6);
    layer.elements = layer.period * random.between(1, 9);
  }
  for (mcunet_operand& operand : layer.operands) {
    operand = {random.between(-128, 127), random.between(1 << 30, INT32_MAX), random.between(1, 5)};
  }
  // As TFLite has it: the larger scale's multiplier is exactly a half.
  if (i % 4 < 2) layer.operands[i % 2].multiplier = 1 << 30, layer.operands[i % 2].shift = 0;
  layer.multiplier = random.between(1 << 30, INT32_MAX);
  layer.shift = random.between(17, 20);
  layer.output = {random.between(-128, 127), -128, 127};
  if (random.one_in(3)) layer.output.min = -100, layer.output.max = 90;
  return layer;
}

TEST(Elementwise, SumsAndDifferencesMatch) {
  Random random(3);
  for (int i = 0; i < 4 * kLayers; ++i) {
    const mcunet_elementwise_layer layer = random_elementwise(random, i);
    const Bytes a = random.bytes(static_cast<std::size_t>(layer.elements));
    const Bytes b = random.bytes(static_cast<std::size_t>(layer.period));
    for (const int sign : {1, -1}) {
      Bytes output = a;  // in place
      (sign == 1 ? mcunet_add : mcunet_sub)(output.data(), b.data(), output.data(), &layer);
      for (std::size_t e = 0; e < output.size(); ++e) {
        const int x = (a[e] - layer.operands[0].zero_point) << 20;
        const int y = (b[e % b.size()] - layer.operands[1].zero_point) << 20;
        const int sum =
            reference_rescale(x, layer.operands[0].multiplier, -layer.operands[0].shift) +
            sign * reference_rescale(y, layer.operands[1].multiplier, -layer.operands[1].shift);
        const int value =
            reference_rescale(sum, layer.multiplier, -layer.shift) + layer.output.zero_point;
        ASSERT_EQ(output[e], std::clamp(value, layer.output.min, layer.output.max))
            << "layer " << i;
      }
    }
  }
}

// The value of a tensor at an output position; along axes of size 1 it repeats.
std::int8_t at_position(const Bytes& values, const int (&sizes)[3], int y, int x, int c) {
  const int row = sizes[0] == 1 ? 0 : y;
  const int column = sizes[1] == 1 ? 0 : x;
  const int channel = sizes[2] == 1 ? 0 : c;
  return values[index_in(sizes, row, column, channel)];
}

// Sizes of two operands and their output, that repeat along random axes of one or the other.
struct Broadcast {
  int sizes[3];
  int operand_sizes[2][3];
  int strides[2][3];
  Bytes operands[2];

  explicit Broadcast(Random& random) {
    for (int axis = 0; axis < 3; ++axis) {
      sizes[axis] = random.between(1, 5);
      for (auto& own : operand_sizes) own[axis] = sizes[axis];
      if (random.one_in(2)) operand_sizes[random.between(0, 1)][axis] = 1;
    }
    for (int side = 0; side < 2; ++side) {
      const auto& s = operand_sizes[side];
      operands[side] = random.bytes(static_cast<std::size_t>(s[0] * s[1] * s[2]));
      const int steps[] = {s[1] * s[2], s[2], 1};
      for (int axis = 0; axis < 3; ++axis) strides[side][axis] = s[axis] == 1 ? 0 : steps[axis];
    }
  }

  // An operand with all its repetitions.
  Bytes repeated(int side) const {
    Bytes values;
    for (int y = 0; y < sizes[0]; ++y) {
      for (int x = 0; x < sizes[1]; ++x) {
        for (int c = 0; c < sizes[2]; ++c) {
          values.push_back(at_position(operands[side], operand_sizes[side], y, x, c));
        }
      }
    }
    return values;
  }
};

TEST(Elementwise, BroadcastsOfEitherOperandMatchTheOperatorOnRepeatedValues) {
  Random random(8);
  for (int i = 0; i < 2 * kLayers; ++i) {
    mcunet_broadcast_layer layer{random_elementwise(random, i), {}, {}};
    const Broadcast of(random);
    std::copy(std::begin(of.sizes), std::end(of.sizes), layer.sizes);
    for (int side = 0; side < 2; ++side) {
      std::copy(std::begin(of.strides[side]), std::end(of.strides[side]), layer.strides[side]);
    }
    const Bytes a = of.repeated(0), b = of.repeated(1);
    mcunet_elementwise_layer plain = layer.values;
    plain.elements = plain.period = static_cast<int>(a.size());
    Bytes expected(a.size()), output(a.size());
    const auto expect_same = [&](auto one_to_one, auto broadcast) {
      one_to_one(a.data(), b.data(), expected.data(), &plain);
      broadcast(of.operands[0].data(), of.operands[1].data(), output.data(), &layer);
      ASSERT_EQ(output, expected) << "layer " << i;
    };
    expect_same(mcunet_add, mcunet_add_broadcast);
    expect_same(mcunet_sub, mcunet_sub_broadcast);
    expect_same(mcunet_mul, mcunet_mul_broadcast);
  }
}

TEST(Elementwise, TheLargerAndTheSmallerOfTwo) {
  Random random(11);
  for (int i = 0; i < kLayers; ++i) {
    const Broadcast of(random);
    mcunet_extremum_layer layer{};
    std::copy(std::begin(of.sizes), std::end(of.sizes), layer.sizes);
    for (int side = 0; side < 2; ++side) {
      std::copy(std::begin(of.strides[side]), std::end(of.strides[side]), layer.strides[side]);
    }
    const Bytes a = of.repeated(0), b = of.repeated(1);
    Bytes larger(a.size()), smaller(a.size());
    mcunet_maximum(of.operands[0].data(), of.operands[1].data(), larger.data(), &layer);
    mcunet_minimum(of.operands[0].data(), of.operands[1].data(), smaller.data(), &layer);
    for (std::size_t e = 0; e < a.size(); ++e) {
      ASSERT_EQ(larger[e], std::max(a[e], b[e])) << "layer " << i;
      ASSERT_EQ(smaller[e], std::min(a[e], b[e])) << "layer " << i;
    }
  }
}

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

TEST(Elementwise, ProductsMatch) {
  Random random(4);
  for (int i = 0; i < kLayers; ++i) {
    mcunet_elementwise_layer layer = random_elementwise(random, i);
    layer.shift = random.between(3, 9);
    const Bytes a = random.bytes(static_cast<std::size_t>(layer.elements));
    const Bytes b = random.bytes(static_cast<std::size_t>(layer.period));
    Bytes output(a.size());
    mcunet_mul(a.data(), b.data(), output.data(), &layer);
    for (std::size_t e = 0; e < output.size(); ++e) {
      const int product =
          (a[e] - layer.operands[0].zero_point) * (b[e % b.size()] - layer.operands[1].zero_point);
      const int value =
          reference_rescale(product, layer.multiplier, -layer.shift) + layer.output.zero_point;
      ASSERT_EQ(output[e], std::clamp(value, layer.output.min, layer.output.max));
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

TEST(Layout, LookupAndConcatenation) {
  Random random(6);
  const Bytes table = random.bytes(256);
  const Bytes input = random.bytes(5 * 3);
  Bytes output(5 * 7, 99);
  const mcunet_copy_channels_layer layer{5, 3, 7};
  mcunet_copy_channels(input.data(), output.data() + 2, &layer, table.data());
  mcunet_copy_channels(input.data(), output.data() + 4, &layer, nullptr);
  for (std::size_t pixel = 0; pixel < 5; ++pixel) {
    const std::int8_t* at = &output[pixel * 7];
    EXPECT_EQ(at[0], 99);
    EXPECT_EQ(at[2], table[static_cast<std::size_t>(128 + input[pixel * 3])]);
    EXPECT_EQ(at[3], table[static_cast<std::size_t>(128 + input[pixel * 3 + 1])]);
    for (std::size_t c = 0; c < 3; ++c) EXPECT_EQ(at[4 + c], input[pixel * 3 + c]);
  }
}

TEST(Layout, PadAndResize) {
  const Bytes input = {1, 2, 3, 4};  // 2 x 2 x 1
  Bytes padded(4 * 5);
  const mcunet_pad_layer pad{2, 2, 1, 1, 1, 2, 1, 9};
  mcunet_pad(input.data(), padded.data(), &pad);
  EXPECT_EQ(padded, (Bytes{9, 9, 9, 9, 9, 9, 9, 1, 2, 9, 9, 9, 3, 4, 9, 9, 9, 9, 9, 9}));

  Bytes channels(3 * 2 * 4);
  const mcunet_pad_channels_layer channel_pad{{2, 1, 2, 1, 0, 0, 1, 9}, 1, 1};
  mcunet_pad_channels(input.data(), channels.data(), &channel_pad);
  EXPECT_EQ(channels,
            (Bytes{9, 9, 9, 9, 9, 9, 9, 9, 9, 1, 2, 9, 9, 9, 9, 9, 9, 3, 4, 9, 9, 9, 9, 9}));

  Bytes resized(3 * 3);
  const mcunet_resize_nearest_layer resize{2, 1, 3, 3};
  const std::uint16_t indices[] = {0, 0, 1};
  mcunet_resize_nearest(input.data(), resized.data(), &resize, indices, indices);
  EXPECT_EQ(resized, (Bytes{1, 1, 2, 1, 1, 2, 3, 3, 4}));
}

TEST(Layout, SlicesForwardsAndBackwards) {
  Random random(13);
  for (int i = 0; i < kLayers; ++i) {
    const int sizes[] = {random.between(1, 6), random.between(1, 6), random.between(1, 9)};
    const int steps[] = {sizes[1] * sizes[2], sizes[2], 1};
    const bool forwards = random.one_in(2);
    int begins[3];
    int strides[3];
    mcunet_slice_layer layer{};
    for (int axis = 0; axis < 3; ++axis) {
      begins[axis] = random.between(0, sizes[axis] - 1);
      strides[axis] = random.between(1, 3) * (forwards || random.one_in(2) ? 1 : -1);
      const int reach = strides[axis] > 0 ? sizes[axis] - 1 - begins[axis] : begins[axis];
      layer.sizes[axis] = random.between(1, reach / std::abs(strides[axis]) + 1);
      layer.begin += begins[axis] * steps[axis];
      layer.strides[axis] = strides[axis] * steps[axis];
    }
    const Bytes input = random.bytes(static_cast<std::size_t>(sizes[0] * steps[0]));
    Bytes expected;
    for (int y = 0; y < layer.sizes[0]; ++y) {
      for (int x = 0; x < layer.sizes[1]; ++x) {
        for (int c = 0; c < layer.sizes[2]; ++c) {
          expected.push_back(
              input[index_in(sizes, begins[0] + y * strides[0], begins[1] + x * strides[1],
                             begins[2] + c * strides[2])]);
        }
      }
    }
    Bytes output(expected.size());
    mcunet_slice(input.data(), output.data(), &layer);
    ASSERT_EQ(output, expected) << "layer " << i;
    if (!forwards) continue;
    Bytes shared = input;
    mcunet_slice(shared.data(), shared.data(), &layer);
    shared.resize(expected.size());
    ASSERT_EQ(shared, expected) << "layer " << i << ", in place";
  }
}

TEST(Layout, ResizesBetweenNeighbours) {
  Random random(14);
  for (int i = 0; i < kLayers; ++i) {
    const int height = random.between(1, 4);
    const mcunet_resize_bilinear_layer layer{random.between(1, 4), random.between(1, 5),
                                             random.between(1, 6), random.between(1, 6)};
    const auto places = [&](int count, int size) {
      std::vector<mcunet_interpolation> result;
      for (int n = 0; n < count; ++n) {
        result.push_back({static_cast<std::uint16_t>(random.between(0, size - 1)),
                          static_cast<std::uint16_t>(random.between(0, size - 1)),
                          static_cast<std::uint16_t>(random.between(0, 1023))});
      }
      return result;
    };
    const auto rows = places(layer.output_height, height);
    const auto columns = places(layer.output_width, layer.input_width);
    const Bytes input =
        random.bytes(static_cast<std::size_t>(height * layer.input_width * layer.channels));
    Bytes output(
        static_cast<std::size_t>(layer.output_height * layer.output_width * layer.channels));
    mcunet_resize_bilinear(input.data(), output.data(), &layer, rows.data(), columns.data());
    const int sizes[] = {height, layer.input_width, layer.channels};
    std::size_t at = 0;
    for (const mcunet_interpolation& row : rows) {
      for (const mcunet_interpolation& column : columns) {
        const double down = row.weight / 1024.0;
        const double along = column.weight / 1024.0;
        for (int c = 0; c < layer.channels; ++c, ++at) {
          const double upper = input[index_in(sizes, row.first, column.first, c)] * (1 - along) +
                               input[index_in(sizes, row.first, column.second, c)] * along;
          const double lower = input[index_in(sizes, row.second, column.first, c)] * (1 - along) +
                               input[index_in(sizes, row.second, column.second, c)] * along;
          ASSERT_EQ(output[at], std::round(upper * (1 - down) + lower * down)) << "layer " << i;
        }
      }
    }
  }
}

}  // namespace
}  // namespace mcunet::kernels_test
