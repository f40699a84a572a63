#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "mcunet_kernels.h"
#include "random_layer.hpp"

// What moves values, and tables, against plain formulas.
namespace mcunet::kernels_test {
namespace {

constexpr int kLayers = 300;

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
