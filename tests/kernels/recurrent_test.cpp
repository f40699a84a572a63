#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "mcunet_kernels.h"
#include "random_layer.hpp"
#include "scratch.h"

namespace mcunet::kernels_test {
namespace {

// A factor for sums, as TFLite has it and as the kernel does. Zero, and factors of 1/2 and above, now and then.
struct Factor {
  std::int32_t multiplier = 0;
  std::int32_t shift = 0;  // TFLite's

  Factor(Random& random, int least, int most) {
    if (random.one_in(20)) return;
    multiplier = random.between(1 << 30, std::numeric_limits<std::int32_t>::max() - 1);
    shift = random.one_in(8) ? random.between(0, 2) : -random.between(least, most);
  }
  mcunet_factor packed() const {
    return {static_cast<std::int32_t>(static_cast<std::uint32_t>(multiplier) << 1), -shift};
  }
};

// In two calls, so that what the first one keeps is what the second begins with.
TEST(Lstm, ComputesWhatTheReferenceDoes) {
  Random random(21);
  for (int trial = 0; trial < 400; ++trial) {
    struct reference_lstm_layer reference {
      .steps = random.between(1, 4), .features = random.between(1, 19),
      .cells = random.between(1, 17), .input_zero_point = random.between(-128, 127),
      .hidden_zero_point = random.between(-128, 127),
      .cell_exponent = random.one_in(3) ? random.between(-30, 2) : random.between(-15, -9),
      .cell_min = -32768, .cell_max = 32767
    };
    if (random.one_in(3)) {
      reference.cell_max = random.between(0, 32767);
      reference.cell_min = -reference.cell_max;
    }
    const auto cells = static_cast<std::size_t>(reference.cells);
    const auto features = static_cast<std::size_t>(reference.features);
    mcunet_lstm_layer layer{.steps = reference.steps,
                            .features = reference.features,
                            .cells = reference.cells,
                            .cell_exponent = reference.cell_exponent,
                            .cell_min = reference.cell_min,
                            .cell_max = reference.cell_max,
                            .hidden_zero_point = reference.hidden_zero_point};
    mcunet_lstm_weights weights{.features = reference.features,
                                .cells = reference.cells,
                                .input_zero_point = reference.input_zero_point,
                                .hidden_zero_point = reference.hidden_zero_point};
    std::array<std::pair<Bytes, Bytes>, 4> bytes;
    std::array<std::vector<std::int32_t>, 4> bias;
    for (std::size_t gate = 0; gate < 4; ++gate) {
      bytes[gate] = {random.bytes(cells * features), random.bytes(cells * cells)};
      for (std::size_t c = 0; c < cells; ++c) bias[gate].push_back(random.between(-30000, 30000));
      weights.input[gate] = reference.input_weights[gate] = bytes[gate].first.data();
      weights.recurrent[gate] = reference.recurrent_weights[gate] = bytes[gate].second.data();
      weights.bias[gate] = reference.bias[gate] = bias[gate].data();
      const Factor input(random, 1, 6);
      const Factor recurrent(random, 1, 6);
      reference.input_multipliers[gate] = input.multiplier;
      reference.input_shifts[gate] = input.shift;
      reference.recurrent_multipliers[gate] = recurrent.multiplier;
      reference.recurrent_shifts[gate] = recurrent.shift;
      layer.input[gate] = input.packed();
      layer.recurrent[gate] = recurrent.packed();
    }
    const Factor hidden(random, 20, 23);
    reference.hidden_multiplier = hidden.multiplier;
    reference.hidden_shift = hidden.shift;
    layer.hidden_factor = hidden.packed();
    std::vector<std::uint32_t> packed(
        mcunet_packed_lstm_bytes(reference.features, reference.cells) / 4);
    mcunet_pack_lstm(&weights, packed.data());

    Bytes kept = random.bytes(cells);
    std::vector<std::int16_t> cell(cells);
    for (std::int16_t& value : cell) {
      value = static_cast<std::int16_t>(random.between(-32768, 32767));
    }
    Bytes expected_kept = kept;
    std::vector<std::int16_t> expected_cell = cell;
    for (int call = 0; call < 2; ++call) {
      const auto steps = static_cast<std::size_t>(reference.steps);
      const Bytes input = random.bytes(steps * features);
      Bytes expected(steps * cells);
      reference_lstm(input.data(), &reference, expected_kept.data(), expected_cell.data(),
                     expected.data());
      expected_kept.assign(expected.end() - reference.cells, expected.end());
      Bytes output(expected.size());
      auto scratch = make_scratch(mcunet_lstm_scratch_bytes(reference.features, reference.cells));
      mcunet_lstm(input.data(), output.data(), &layer, packed.data(), kept.data(), cell.data(),
                  scratch.data());
      ASSERT_EQ(output, expected) << trial;
      ASSERT_EQ(kept, expected_kept) << trial;
      ASSERT_EQ(cell, expected_cell) << trial;
    }
  }
}

}  // namespace
}  // namespace mcunet::kernels_test
