#include <gtest/gtest.h>

#include <algorithm>

#include "mcunet_kernels.h"
#include "random_layer.hpp"
#include "scratch.h"

// Random convolutions of every kind against the plain reference, bit for bit.
namespace mcunet::kernels_test {
namespace {

constexpr int kLayers = 400;

Finish finish_of(int i) { return static_cast<Finish>(i % 3); }

using DepthwiseKernel = void (*)(const std::int8_t*, std::int8_t*, const mcunet_depthwise_layer*,
                                 const void*, void*, std::int32_t);

struct SpecialisedDepthwise {
  int rows;
  int kernel;
  int stride;
  DepthwiseKernel function;
};

// The kernels for one width of weights.
struct Kernels {
  int weight_bits;
  decltype(&mcunet_packed_matmul_bytes) matmul_bytes;
  decltype(&mcunet_pack_matmul) pack_matmul;
  decltype(&mcunet_conv2d_1x1) conv2d_1x1;
  decltype(&mcunet_conv2d) conv2d;
  decltype(&mcunet_conv2d_dilated) conv2d_dilated;
  decltype(&mcunet_fully_connected) fully_connected;
  decltype(&mcunet_fully_connected_few) fully_connected_few;
  decltype(&mcunet_packed_depthwise_bytes) depthwise_bytes;
  decltype(&mcunet_pack_depthwise) pack_depthwise;
  decltype(&mcunet_depthwise_conv2d) depthwise_conv2d;
  SpecialisedDepthwise specialised[12];
};

#define WINDOWS(rows, columns, s)                                           \
  {rows, columns, 1, mcunet_depthwise_conv2d_##rows##x##columns##_s1##s}, { \
    rows, columns, 2, mcunet_depthwise_conv2d_##rows##x##columns##_s2##s    \
  }
#define KERNELS(bits, s)                                                                           \
  {                                                                                                \
    bits, mcunet_packed_matmul_bytes##s, mcunet_pack_matmul##s, mcunet_conv2d_1x1##s,              \
        mcunet_conv2d##s, mcunet_conv2d_dilated##s, mcunet_fully_connected##s,                     \
        mcunet_fully_connected_few##s, mcunet_packed_depthwise_bytes##s, mcunet_pack_depthwise##s, \
        mcunet_depthwise_conv2d##s, {                                                              \
      WINDOWS(3, 3, s), WINDOWS(5, 5, s), WINDOWS(7, 7, s), WINDOWS(1, 3, s), WINDOWS(1, 5, s),    \
          WINDOWS(1, 7, s)                                                                         \
    }                                                                                              \
  }
constexpr Kernels kKernels[] = {KERNELS(8, ), KERNELS(4, _s4)};

class Convolution : public testing::TestWithParam<Kernels> {
 protected:
  const Kernels& kernels = GetParam();

  std::vector<std::uint32_t> pack_matmul(const Arithmetic& arithmetic, int depth) const {
    const mcunet_filter filter = arithmetic.filter();
    auto packed = make_scratch(
        static_cast<std::int64_t>(kernels.matmul_bytes(filter.output_channels, depth)));
    kernels.pack_matmul(&filter, depth, packed.data());
    return packed;
  }

  std::vector<std::uint32_t> pack_depthwise(const Arithmetic& arithmetic, int taps) const {
    const mcunet_filter filter = arithmetic.filter();
    auto packed = make_scratch(
        static_cast<std::int64_t>(kernels.depthwise_bytes(filter.output_channels, taps)));
    kernels.pack_depthwise(&filter, taps, packed.data());
    return packed;
  }
};

INSTANTIATE_TEST_SUITE_P(WeightBits, Convolution, testing::ValuesIn(kKernels),
                         [](const auto& test) { return std::to_string(test.param.weight_bits); });

// A window that fits its map, with any padding smaller than itself.
reference_window random_window(Random& random, int kernel_height, int kernel_width,
                               int stride_height, int stride_width) {
  reference_window w{};
  w.kernel_height = kernel_height;
  w.kernel_width = kernel_width;
  w.stride_height = stride_height;
  w.stride_width = stride_width;
  w.input_height = random.between(1, 12);
  w.input_width = random.between(1, 12);
  auto extent = [&](int input, int kernel, int stride, int& pad) {
    pad = random.between(0, kernel - 1);
    int bottom = random.between(0, kernel - 1);
    if (input + pad + bottom < kernel) bottom = kernel - input - pad;
    return (input + pad + bottom - kernel) / stride + 1;
  };
  w.output_height = extent(w.input_height, kernel_height, stride_height, w.pad_top);
  w.output_width = extent(w.input_width, kernel_width, stride_width, w.pad_left);
  return w;
}

// The same for a kernel whose taps lie apart.
reference_window random_dilated_window(Random& random) {
  const int height = random.between(1, 4);
  const int width = random.between(1, 4);
  const int gap_height = random.between(0, 2);
  const int gap_width = random.between(0, 2);
  reference_window w =
      random_window(random, (height - 1) * (gap_height + 1) + 1, (width - 1) * (gap_width + 1) + 1,
                    random.between(1, 3), random.between(1, 3));
  w.kernel_height = height;
  w.kernel_width = width;
  w.gap_height = gap_height;
  w.gap_width = gap_width;
  return w;
}

mcunet_conv2d_layer conv2d_of(const reference_window& w, const Arithmetic& arithmetic) {
  return {w.input_height,
          w.input_width,
          w.input_channels,
          w.output_height,
          w.output_width,
          w.output_channels,
          static_cast<std::int16_t>(w.kernel_height),
          static_cast<std::int16_t>(w.kernel_width),
          static_cast<std::int16_t>(w.stride_height),
          static_cast<std::int16_t>(w.stride_width),
          static_cast<std::int16_t>(w.pad_top),
          static_cast<std::int16_t>(w.pad_left),
          arithmetic.input_zero_point,
          arithmetic.output};
}

// A buffer for an output at its beginning and an input `distance` bytes behind.
Bytes overlap(const Bytes& input, int distance, std::size_t output_size) {
  Bytes both(std::max(static_cast<std::size_t>(distance) + input.size(), output_size));
  std::copy(input.begin(), input.end(), both.begin() + distance);
  return both;
}

TEST_P(Convolution, PointwiseMatchesReference) {
  Random random(1);
  for (int i = 0; i < kLayers; ++i) {
    reference_window w{};
    w.input_height = w.output_height = random.between(1, 4);
    w.input_width = w.output_width = random.between(1, 6);
    w.input_channels = random.between(1, 40);
    w.output_channels = random.between(1, 20);
    w.kernel_height = w.kernel_width = w.stride_height = w.stride_width = 1;
    const int pixels = w.input_height * w.input_width;
    const Arithmetic arithmetic(
        random, static_cast<std::size_t>(w.input_channels * w.output_channels), w.output_channels,
        w.input_channels, finish_of(i), kernels.weight_bits);
    const Bytes input = random.bytes(static_cast<std::size_t>(pixels * w.input_channels));
    Bytes expected(static_cast<std::size_t>(pixels * w.output_channels));
    const reference_scale scale = arithmetic.scale();
    reference_conv2d(input.data(), arithmetic.weights.data(), arithmetic.bias.data(), &w, &scale,
                     expected.data());

    const mcunet_conv2d_1x1_layer layer{pixels, w.input_channels, w.output_channels,
                                        arithmetic.output};
    const auto packed = pack_matmul(arithmetic, w.input_channels);
    auto scratch = make_scratch(mcunet_conv2d_1x1_scratch_bytes(pixels, w.input_channels));
    Bytes output(expected.size());
    kernels.conv2d_1x1(input.data(), output.data(), &layer, packed.data(), scratch.data());
    ASSERT_EQ(output, expected) << "layer " << i;

    const int distance = std::max(0, w.output_channels - w.input_channels) * pixels;
    Bytes both = overlap(input, distance, expected.size());
    kernels.conv2d_1x1(both.data() + distance, both.data(), &layer, packed.data(), scratch.data());
    both.resize(expected.size());
    ASSERT_EQ(both, expected) << "layer " << i << ", overlapping";
  }
}

TEST_P(Convolution, AnyWindowMatchesReference) {
  Random random(2);
  for (int i = 0; i < kLayers; ++i) {
    reference_window w = random_window(random, random.between(1, 5), random.between(1, 5),
                                       random.between(1, 3), random.between(1, 3));
    w.input_channels = random.one_in(2) ? 4 * random.between(1, 4) : random.between(1, 9);
    w.output_channels = random.between(1, 12);
    const int depth = w.kernel_height * w.kernel_width * w.input_channels;
    const Arithmetic arithmetic(random, static_cast<std::size_t>(depth * w.output_channels),
                                w.output_channels, depth, finish_of(i), kernels.weight_bits);
    const Bytes input =
        random.bytes(static_cast<std::size_t>(w.input_height * w.input_width * w.input_channels));
    Bytes expected(static_cast<std::size_t>(w.output_height * w.output_width * w.output_channels));
    const reference_scale scale = arithmetic.scale();
    reference_conv2d(input.data(), arithmetic.weights.data(), arithmetic.bias.data(), &w, &scale,
                     expected.data());

    const mcunet_conv2d_layer layer = conv2d_of(w, arithmetic);
    const auto packed = pack_matmul(arithmetic, depth);
    for (const int columns : {1, 4}) {
      const int scratch_bytes = mcunet_conv2d_scratch_bytes(&layer, columns);
      auto scratch = make_scratch(scratch_bytes);
      Bytes output(expected.size());
      kernels.conv2d(input.data(), output.data(), &layer, packed.data(), scratch.data(),
                     scratch_bytes);
      ASSERT_EQ(output, expected) << "layer " << i << ", columns " << columns;

      int distance = 0;
      for (int y = 0; y < w.output_height; ++y) {
        const int written = (y + 1) * w.output_width * w.output_channels;
        const int consumed =
            std::max(0, y * w.stride_height - w.pad_top) * w.input_width * w.input_channels;
        distance = std::max(distance, written - consumed);
      }
      Bytes both = overlap(input, distance, expected.size());
      kernels.conv2d(both.data() + distance, both.data(), &layer, packed.data(), scratch.data(),
                     scratch_bytes);
      both.resize(expected.size());
      ASSERT_EQ(both, expected) << "layer " << i << ", overlapping, columns " << columns;
    }
  }
}

TEST_P(Convolution, FullyConnectedMatchesReference) {
  Random random(3);
  for (int i = 0; i < kLayers; ++i) {
    reference_window w{};
    w.input_width = w.output_width = random.between(1, 6);
    w.input_height = w.output_height = 1;
    w.input_channels = random.one_in(20) ? random.between(490, 1100) : random.between(1, 70);
    w.output_channels = random.between(1, 13);
    w.kernel_height = w.kernel_width = w.stride_height = w.stride_width = 1;
    const Arithmetic arithmetic(
        random, static_cast<std::size_t>(w.input_channels * w.output_channels), w.output_channels,
        w.input_channels, finish_of(i), kernels.weight_bits);
    const Bytes input = random.bytes(static_cast<std::size_t>(w.input_width * w.input_channels));
    Bytes expected(static_cast<std::size_t>(w.input_width * w.output_channels));
    const reference_scale scale = arithmetic.scale();
    reference_conv2d(input.data(), arithmetic.weights.data(), arithmetic.bias.data(), &w, &scale,
                     expected.data());

    const mcunet_fully_connected_layer layer{w.input_width, w.input_channels, w.output_channels,
                                             arithmetic.output};
    const auto packed = pack_matmul(arithmetic, w.input_channels);
    auto scratch =
        make_scratch(mcunet_fully_connected_scratch_bytes(w.input_width, w.input_channels));
    Bytes output(expected.size());
    kernels.fully_connected(input.data(), output.data(), &layer, packed.data(), scratch.data());
    ASSERT_EQ(output, expected) << "layer " << i;
    output.assign(output.size(), 0);
    kernels.fully_connected_few(input.data(), output.data(), &layer, packed.data());
    ASSERT_EQ(output, expected) << "layer " << i;
  }
}

TEST_P(Convolution, SpecialisedDepthwiseMatchesReference) {
  Random random(4);
  for (const SpecialisedDepthwise& special : kernels.specialised) {
    for (int i = 0; i < kLayers; ++i) {
      reference_window w =
          random_window(random, special.rows, special.kernel, special.stride, special.stride);
      w.input_channels = w.output_channels = random.between(1, 7);
      const int taps = special.rows * special.kernel;
      const Arithmetic arithmetic(random, static_cast<std::size_t>(taps * w.output_channels),
                                  w.output_channels, taps, finish_of(i), kernels.weight_bits);
      const Bytes input =
          random.bytes(static_cast<std::size_t>(w.input_height * w.input_width * w.input_channels));
      Bytes expected(
          static_cast<std::size_t>(w.output_height * w.output_width * w.output_channels));
      const reference_scale scale = arithmetic.scale();
      reference_depthwise_conv2d(input.data(), arithmetic.weights.data(), arithmetic.bias.data(),
                                 &w, &scale, expected.data());

      const mcunet_depthwise_layer layer{
          w.input_height,    w.input_width, w.output_height, w.output_width,
          w.output_channels, w.pad_top,     w.pad_left,      arithmetic.input_zero_point,
          arithmetic.output};
      const auto packed = pack_depthwise(arithmetic, taps);
      const int whole = mcunet_depthwise_whole_scratch_bytes(&layer, special.rows, special.kernel,
                                                             special.stride);
      const int least =
          mcunet_depthwise_scratch_bytes(&layer, special.rows, special.kernel, special.stride);
      for (const int scratch_bytes : {whole, least}) {
        auto scratch = make_scratch(scratch_bytes);
        Bytes output(expected.size());
        special.function(input.data(), output.data(), &layer, packed.data(), scratch.data(),
                         scratch_bytes);
        ASSERT_EQ(output, expected) << special.rows << "x" << special.kernel << " stride "
                                    << special.stride << ", layer " << i;
        if (w.output_width > w.input_width) continue;
        for (const int pixels : {0, 1, random.between(2, 40)}) {
          Bytes in_place(static_cast<std::size_t>(pixels * w.input_channels));
          in_place.insert(in_place.end(), input.begin(), input.end());
          in_place.resize(std::max(in_place.size(), expected.size()));
          special.function(in_place.data() + pixels * w.input_channels, in_place.data(), &layer,
                           packed.data(), scratch.data(), scratch_bytes);
          in_place.resize(expected.size());
          ASSERT_EQ(in_place, expected)
              << special.rows << "x" << special.kernel << " stride " << special.stride << ", layer "
              << i << ", " << pixels << " pixels before the input";
        }
      }
    }
  }
}

TEST_P(Convolution, DilatedMatchesReference) {
  Random random(6);
  for (int i = 0; i < kLayers; ++i) {
    reference_window w = random_dilated_window(random);
    w.input_channels = random.between(1, 9);
    w.output_channels = random.between(1, 9);
    const int depth = w.kernel_height * w.kernel_width * w.input_channels;
    const Arithmetic arithmetic(random, static_cast<std::size_t>(depth * w.output_channels),
                                w.output_channels, depth, finish_of(i), kernels.weight_bits);
    const Bytes input =
        random.bytes(static_cast<std::size_t>(w.input_height * w.input_width * w.input_channels));
    Bytes expected(static_cast<std::size_t>(w.output_height * w.output_width * w.output_channels));
    const reference_scale scale = arithmetic.scale();
    reference_conv2d(input.data(), arithmetic.weights.data(), arithmetic.bias.data(), &w, &scale,
                     expected.data());

    const mcunet_conv2d_dilated_layer layer{conv2d_of(w, arithmetic),
                                            static_cast<std::int16_t>(w.gap_height + 1),
                                            static_cast<std::int16_t>(w.gap_width + 1)};
    const auto packed = pack_matmul(arithmetic, depth);
    auto scratch = make_scratch(mcunet_conv2d_dilated_scratch_bytes(&layer));
    Bytes output(expected.size());
    kernels.conv2d_dilated(input.data(), output.data(), &layer, packed.data(), scratch.data());
    ASSERT_EQ(output, expected) << "layer " << i;
  }
}

TEST_P(Convolution, AnyDepthwiseMatchesReference) {
  Random random(5);
  for (int i = 0; i < kLayers; ++i) {
    reference_window w = i % 2 == 0
                             ? random_window(random, random.between(1, 5), random.between(1, 5),
                                             random.between(1, 3), random.between(1, 3))
                             : random_dilated_window(random);
    const int depth_multiplier = i % 3 == 0 ? 1 : random.between(1, 9);
    w.input_channels = random.between(1, i % 3 == 0 ? 11 : 5);
    w.output_channels = w.input_channels * depth_multiplier;
    const int taps = w.kernel_height * w.kernel_width;
    const Arithmetic arithmetic(random, static_cast<std::size_t>(taps * w.output_channels),
                                w.output_channels, taps, finish_of(i), kernels.weight_bits);
    const Bytes input =
        random.bytes(static_cast<std::size_t>(w.input_height * w.input_width * w.input_channels));
    Bytes expected(static_cast<std::size_t>(w.output_height * w.output_width * w.output_channels));
    const reference_scale scale = arithmetic.scale();
    reference_depthwise_conv2d(input.data(), arithmetic.weights.data(), arithmetic.bias.data(), &w,
                               &scale, expected.data());

    const mcunet_depthwise_any_layer layer{conv2d_of(w, arithmetic), depth_multiplier,
                                           static_cast<std::int16_t>(w.gap_height + 1),
                                           static_cast<std::int16_t>(w.gap_width + 1)};
    const auto packed = pack_depthwise(arithmetic, taps);
    Bytes output(expected.size());
    kernels.depthwise_conv2d(input.data(), output.data(), &layer, packed.data());
    ASSERT_EQ(output, expected) << "layer " << i;
  }
}

// The kernel's parts, one for each remainder of the outputs' positions by the stride.
std::vector<std::uint32_t> pack_transposed(const Arithmetic& arithmetic,
                                           const mcunet_conv2d_layer& layer) {
  std::vector<std::uint32_t> packed;
  Bytes part(arithmetic.weights.size());
  for (int ry = 0; ry < layer.stride_height; ++ry) {
    for (int rx = 0; rx < layer.stride_width; ++rx) {
      const int depth =
          mcunet_transpose_conv2d_part(&layer, arithmetic.weights.data(), ry, rx, part.data());
      mcunet_filter filter = arithmetic.filter();
      filter.weights = part.data();
      std::vector<std::uint32_t> one(mcunet_packed_matmul_bytes(layer.output_channels, depth) /
                                     sizeof(std::uint32_t));
      mcunet_pack_matmul(&filter, depth, one.data());
      packed.insert(packed.end(), one.begin(), one.end());
    }
  }
  return packed;
}

// What the convolution of this window leads from is an output of the transposed one.
TEST(TransposedConvolution, MatchesReference) {
  Random random(6);
  for (int i = 0; i < kLayers; ++i) {
    reference_window w = random_window(random, random.between(1, 5), random.between(1, 5),
                                       random.between(1, 4), random.between(1, 3));
    std::swap(w.input_height, w.output_height);
    std::swap(w.input_width, w.output_width);
    w.input_channels = random.between(1, 9);
    w.output_channels = random.between(1, 8);
    const int depth = w.kernel_height * w.kernel_width * w.input_channels;
    const Arithmetic arithmetic(random, static_cast<std::size_t>(depth * w.output_channels),
                                w.output_channels, depth, finish_of(i));
    const Bytes input =
        random.bytes(static_cast<std::size_t>(w.input_height * w.input_width * w.input_channels));
    Bytes expected(static_cast<std::size_t>(w.output_height * w.output_width * w.output_channels));
    std::vector<std::int32_t> sums(expected.size());
    const reference_scale scale = arithmetic.scale();
    reference_transpose_conv2d(input.data(), arithmetic.weights.data(), arithmetic.bias.data(), &w,
                               &scale, sums.data(), expected.data());

    const mcunet_conv2d_layer layer{w.input_height,
                                    w.input_width,
                                    w.input_channels,
                                    w.output_height,
                                    w.output_width,
                                    w.output_channels,
                                    static_cast<std::int16_t>(w.kernel_height),
                                    static_cast<std::int16_t>(w.kernel_width),
                                    static_cast<std::int16_t>(w.stride_height),
                                    static_cast<std::int16_t>(w.stride_width),
                                    static_cast<std::int16_t>(w.pad_top),
                                    static_cast<std::int16_t>(w.pad_left),
                                    arithmetic.input_zero_point,
                                    arithmetic.output};
    const auto packed = pack_transposed(arithmetic, layer);
    auto scratch = make_scratch(mcunet_transpose_conv2d_scratch_bytes(&layer));
    Bytes output(expected.size());
    mcunet_transpose_conv2d(input.data(), output.data(), &layer, packed.data(), scratch.data());
    ASSERT_EQ(output, expected) << "layer " << i;
  }
}

TEST(BatchMatmul, ProductsMatch) {
  Random random(14);
  for (int i = 0; i < 300; ++i) {
    mcunet_batch_matmul_layer layer{};
    layer.matrices = random.between(1, 3);
    layer.rows = random.between(1, 5);
    layer.depth = random.between(1, 13);
    layer.columns = random.between(1, 5);
    const int size = layer.depth * layer.columns;
    layer.stride = random.one_in(3) ? 0 : layer.rows * layer.depth;
    layer.strides[0] = random.one_in(3) ? 0 : size;
    const bool is_transposed = random.one_in(2);
    layer.strides[1] = is_transposed ? 1 : layer.columns;
    layer.strides[2] = is_transposed ? layer.depth : 1;
    for (int& zero_point : layer.zero_points) zero_point = random.between(-128, 127);
    layer.multiplier = random.between(1 << 30, INT32_MAX);
    layer.shift = random.between(-1, 12);
    layer.output = {random.between(-128, 127), -128, 127};
    const Bytes a =
        random.bytes(static_cast<std::size_t>(layer.matrices * layer.rows * layer.depth));
    const Bytes b = random.bytes(static_cast<std::size_t>(layer.matrices * size));
    Bytes output(static_cast<std::size_t>(layer.matrices * layer.rows * layer.columns));
    std::vector<std::int32_t> scratch(
        static_cast<std::size_t>(mcunet_batch_matmul_scratch_bytes(layer.depth)) / 4);
    mcunet_batch_matmul(a.data(), b.data(), output.data(), &layer, scratch.data());
    std::size_t at = 0;
    for (int m = 0; m < layer.matrices; ++m) {
      for (int row = 0; row < layer.rows; ++row) {
        for (int column = 0; column < layer.columns; ++column) {
          int sum = 0;
          for (int k = 0; k < layer.depth; ++k) {
            sum += (a[m * layer.stride + row * layer.depth + k] - layer.zero_points[0]) *
                   (b[m * layer.strides[0] + k * layer.strides[1] + column * layer.strides[2]] -
                    layer.zero_points[1]);
          }
          const int value =
              reference_rescale(sum, layer.multiplier, -layer.shift) + layer.output.zero_point;
          ASSERT_EQ(output[at++], std::clamp(value, -128, 127)) << "layer " << i;
        }
      }
    }
  }
}

}  // namespace
}  // namespace mcunet::kernels_test
