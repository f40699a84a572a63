// What moves rows, and in which order stages run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "mcunet_kernels.h"

namespace {

using testing::ElementsAre;

TEST(MoveUp, MovesWordsThatOverlap) {
  for (int bytes = 1; bytes < 70; ++bytes) {
    for (int by = 4; by < 80; by += 4) {
      const auto words = static_cast<std::size_t>((bytes + 3) / 4 * 4);
      alignas(4) std::int8_t memory[160];
      std::iota(std::begin(memory), std::end(memory), std::int8_t{-80});
      const std::vector<std::int8_t> before(std::begin(memory), std::end(memory));
      mcunet_move_up(memory, bytes, by);
      EXPECT_TRUE(std::equal(before.begin(), before.begin() + static_cast<std::ptrdiff_t>(words),
                             memory + by))
          << bytes << " by " << by;
      EXPECT_TRUE(std::equal(before.begin() + by + static_cast<std::ptrdiff_t>(words), before.end(),
                             memory + by + words));
    }
  }
}

std::string calls;

void log_call(const char* stage, const mcunet_band* band) {
  calls +=
      std::string(stage) + std::to_string(band->first_row) + "+" + std::to_string(band->rows) + " ";
}

// Rows hold their numbers.
void make_rows(const mcunet_band* band) {
  log_call("a", band);
  for (int i = 0; i < band->rows; ++i) {
    std::fill_n(band->output + 2 * i, 2, static_cast<std::int8_t>(band->first_row + i));
  }
}

// The sum of a window of three rows, without what lies in the padding.
void add_rows(const mcunet_band* band) {
  log_call("b", band);
  for (int i = 0; i < band->rows; ++i) {
    int sum = 0;
    for (int k = i - band->pad_top; k < i - band->pad_top + 3; ++k) {
      if (k >= 0 && k < band->input_rows) sum += band->inputs[0][2 * k];
    }
    band->output[i] = static_cast<std::int8_t>(sum);
  }
}

TEST(Stream, RunsStagesBandByBand) {
  std::int8_t held[4 * 2];
  std::int8_t output[5];
  const mcunet_stage stages[] = {{.compute = make_rows,
                                  .rows = held,
                                  .row_bytes = 2,
                                  .height = 5,
                                  .rows_per_band = 2,
                                  .lead = 1,
                                  .kept = -1,
                                  .span = 1,
                                  .stride = 1,
                                  .pad = 0,
                                  .input_count = 0,
                                  .inputs = {}},
                                 {.compute = add_rows,
                                  .rows = output,
                                  .row_bytes = 1,
                                  .height = 5,
                                  .rows_per_band = 2,
                                  .lead = 0,
                                  .kept = MCUNET_WHOLE_TENSOR,
                                  .span = 3,
                                  .stride = 1,
                                  .pad = 1,
                                  .input_count = 1,
                                  .inputs = {0}}};
  calls.clear();
  mcunet_stream(stages, 2, -1, 3);
  EXPECT_EQ(calls, "a0+1 a1+2 b0+2 a3+2 b2+2 b4+1 ");
  EXPECT_THAT(output, ElementsAre(0 + 1, 0 + 1 + 2, 1 + 2 + 3, 2 + 3 + 4, 3 + 4));
}

}  // namespace
