#include "mcunet/engine/planning/row_bands.hpp"

#include <gtest/gtest.h>

#include <set>

#include "mcunet/core/error.hpp"
#include "random_chain.hpp"
#include "residual_block.hpp"

namespace mcunet::engine {
namespace {

TEST(RowBands, OfAnInvertedResidualBlock) {
  const Graph graph = make_residual_block({.height = 8, .width = 6});
  const RowBands bands = plan_row_bands(graph, {0, 4, 1});
  ASSERT_EQ(bands.stages.size(), 4u);
  // A 5x5 window reads two rows below its own.
  EXPECT_EQ(bands.stages[0].lead, 2);
  EXPECT_EQ(bands.stages[0].held_rows, 5);
  EXPECT_EQ(bands.stages[1].held_rows, 1);
  EXPECT_EQ(bands.stages[2].held_rows, 1);
  EXPECT_TRUE(bands.stages[3].is_whole);
  // The depthwise row takes the place of the oldest of its input, the projected one that of the depthwise one.
  EXPECT_EQ(bands.stages[1].reuse, RowReuse::kByChannel);
  EXPECT_EQ(bands.stages[2].reuse, RowReuse::kByPixel);
  EXPECT_TRUE(bands.stages[0].holds_padding);
  EXPECT_EQ(bands.buffer_bytes, 5 * 6 * 24);
  EXPECT_EQ(bands.first_band, -2);
  EXPECT_EQ(bands.end_band, 8);
}

TEST(RowBands, HigherBandsHoldMore) {
  const Graph graph = make_residual_block({.height = 8, .width = 6});
  const RowBands bands = plan_row_bands(graph, {0, 4, 3});
  EXPECT_EQ(bands.stages[0].held_rows, 7);
  EXPECT_EQ(bands.stages[1].held_rows, 3);
  EXPECT_EQ(bands.end_band, 3);
  EXPECT_EQ(plan_row_bands(graph, {0, 4, 8}).stages[0].held_rows, 8) << "no more than there are";
}

// The input of a block is held until it has been added.
TEST(RowBands, AResidualKeepsItsDelayedRows) {
  Graph graph;
  const TensorId image = add_input(graph, {16, 4, 3});
  const TensorId input =
      append_op(graph, {.kind = OpKind::kConv2d, .window = centred_window(3, 2)}, {image}, 4);
  const TensorId middle = append_op(
      graph, {.kind = OpKind::kDepthwiseConv2d, .window = centred_window(7, 1)}, {input}, 4);
  graph.outputs = {append_op(graph, {.kind = OpKind::kAdd, .has_bias = false}, {middle, input})};
  const RowBands bands = plan_row_bands(graph, {0, 3, 1});
  // Three rows above the current one, that one, three below: those above serve the window only.
  EXPECT_EQ(bands.stages[0].held_rows, 7);
  EXPECT_EQ(bands.stages[0].lead, 3);
}

TEST(RowBands, WhatLaterStepsReadIsWhole) {
  const Graph graph = make_residual_block({});
  const RowBands bands = plan_row_bands(graph, {0, 2, 1});
  EXPECT_FALSE(bands.stages[0].is_whole);
  EXPECT_TRUE(bands.stages[1].is_whole);
}

TEST(RowBands, RefusesWhatIsNoGroup) {
  Graph graph = make_residual_block({});
  const TensorId last = graph.outputs[0];
  graph.outputs = {append_op(graph, {.kind = OpKind::kFullyConnected}, {last}, 3)};
  EXPECT_THROW(plan_row_bands(graph, {0, 5, 1}), Error) << "needs all rows at once";
  Graph two;
  const TensorId input = add_input(two, {8, 8, 4});
  const TensorId first = append_op(two, {.kind = OpKind::kConv2d}, {input}, 4);
  const TensorId second = append_op(two, {.kind = OpKind::kConv2d}, {input}, 4);
  two.outputs = {first, second};
  EXPECT_THROW(plan_row_bands(two, {0, 2, 1}), Error) << "no reader of the first";
}

TEST(RowBands, AMeanOverTheMapKeepsSumsOnly) {
  Graph graph = make_residual_block({.height = 8, .width = 6});
  Op mean{.kind = OpKind::kMean, .has_bias = false};
  edit_details(graph, mean).reduced = {true, true, false};
  const TensorId last = graph.outputs[0];
  graph.outputs = {append_op(graph, mean, {last})};
  const RowBands bands = plan_row_bands(graph, {0, 5, 1});
  EXPECT_EQ(bands.end_band, 8) << "of the rows that it takes";
  EXPECT_EQ(bands.stages[3].held_rows, 1);
  EXPECT_EQ(bands.stages[3].reuse, RowReuse::kByPixel) << "the sum over the projected row";
  EXPECT_EQ(bands.buffer_bytes, 5 * 6 * 24 + 4 * 4);
  EXPECT_EQ(bands.stages[4].buffer_offset, bands.buffer_bytes - 4 * 4);
  graph.outputs = {append_op(graph, {.kind = OpKind::kConv2d}, {graph.outputs[0]}, 3)};
  EXPECT_THROW(plan_row_bands(graph, {0, 6, 1}), Error) << "has nothing before the end";
  EXPECT_FALSE(works_in_bands(graph, graph.ops[4]) && !accumulates(graph, graph.ops[4]));
}

TEST(RowBands, WhatRepeatsIsThereBeforeTheStep) {
  Graph graph;
  const TensorId input = add_input(graph, {8, 6, 4});
  const TensorId wide = append_op(graph, {.kind = OpKind::kConv2d}, {input}, 6);
  Op mean{.kind = OpKind::kMean, .has_bias = false};
  edit_details(graph, mean).reduced = {true, true, false};
  const TensorId gate = append_op(graph, mean, {wide});
  const TensorId gated = append_op(graph, {.kind = OpKind::kMul, .has_bias = false}, {wide, gate});
  graph.outputs = {append_op(graph, {.kind = OpKind::kConv2d}, {gated}, 3)};
  EXPECT_TRUE(repeats_input(graph, graph.ops[2], gate));
  EXPECT_FALSE(repeats_input(graph, graph.ops[2], wide));
  EXPECT_EQ(plan_row_bands(graph, {2, 2, 1}).stages[0].held_rows, 1);
  EXPECT_THROW(plan_row_bands(graph, {1, 3, 1}), Error);
  EXPECT_EQ(find_overlap(graph, {2, 2, 1}).input, wide) << "the gate is read in every band";
}

TEST(RowBands, ConcatenatesRowsOfEqualHeightsSideBySide) {
  Graph graph;
  const TensorId input = add_input(graph, {8, 6, 4});
  const TensorId left = append_op(graph, {.kind = OpKind::kConv2d}, {input}, 2);
  const TensorId right = append_op(graph, {.kind = OpKind::kConv2d}, {input}, 3);
  for (const Axis axis : {Axis::kChannels, Axis::kHeight}) {
    Graph joined = graph;
    Op op{.kind = OpKind::kConcatenation, .has_bias = false};
    edit_details(joined, op).axis = axis;
    const TensorId inputs[] = {left, axis == Axis::kChannels ? right : left};
    const Tensor output{axis == Axis::kChannels ? Shape{8, 6, 5} : Shape{16, 6, 2}};
    joined.outputs = {append_op(joined, op, inputs, output)};
    EXPECT_EQ(works_in_bands(joined, joined.ops.back()), axis == Axis::kChannels);
    if (axis == Axis::kHeight) continue;
    const RowBands bands = plan_row_bands(joined, {0, 3, 1});
    EXPECT_EQ(bands.stages[0].held_rows, 1);
    EXPECT_EQ(bands.stages[1].held_rows, 1);
  }
}

// What the driver in kernels/streaming does, with numbers of rows for their contents: every row is made
// once, of rows that are there, and no buffer holds more than it has room for.
void simulate(const Graph& graph, const Step& step) {
  const RowBands bands = plan_row_bands(graph, step);
  const std::span<const Op> ops = ops_of(graph, step);
  const auto within = [](std::int32_t rows, std::int32_t height) {
    return std::clamp(rows, 0, height);
  };
  std::vector<std::set<std::int32_t>> held(ops.size());
  std::vector<std::int32_t> made(ops.size(), 0);
  std::set<std::int32_t> pulled;
  for (std::int32_t band = bands.first_band; band < bands.end_band; ++band) {
    if (bands.input) {
      const BandStage& stage = *bands.input;
      const std::int32_t height = graph.tensors[graph.inputs[0]].shape.height;
      const std::int32_t first = within(stage.rows_per_band * band + stage.kept, height);
      pulled.erase(pulled.begin(), pulled.lower_bound(first));
      const std::int32_t end = within(stage.rows_per_band * (band + 1) + stage.lead, height);
      for (std::int32_t y = within(stage.rows_per_band * band + stage.lead, height); y < end; ++y) {
        pulled.insert(y);
      }
      ASSERT_LE(static_cast<std::int32_t>(pulled.size()), stage.held_rows) << "input";
    }
    for (std::size_t i = 0; i < ops.size(); ++i) {
      const BandStage& stage = bands.stages[i];
      const std::int32_t height = band_height(graph, ops[i]);
      const std::int32_t begin = within(stage.rows_per_band * band + stage.lead, height);
      const std::int32_t end = within(stage.rows_per_band * (band + 1) + stage.lead, height);
      ASSERT_EQ(begin, made[i]);
      made[i] = end;
      if (!stage.is_whole) {
        const std::int32_t first = within(stage.rows_per_band * band + stage.kept, height);
        held[i].erase(held[i].begin(), held[i].lower_bound(first));
      }
      const RowWindow window = row_window_of(graph, ops[i]);
      for (std::int32_t row = begin; row < end; ++row) {
        for (const TensorId input : graph.inputs_of(ops[i])) {
          const auto source = std::find_if(ops.begin(), ops.end(),
                                           [&](const Op& op) { return op.output == input; });
          const bool is_pulled = bands.input && input == graph.inputs[0];
          if (source == ops.end() && !is_pulled) continue;
          const auto& rows =
              is_pulled ? pulled : held[static_cast<std::size_t>(source - ops.begin())];
          const std::int32_t top = row * window.stride - window.pad;
          const std::int32_t bottom =
              std::min(top + window.span, graph.tensors[input].shape.height);
          for (std::int32_t y = std::max(top, 0); y < bottom; ++y) {
            ASSERT_TRUE(rows.contains(y)) << "operator " << i << " reads row " << y;
          }
        }
        if (!accumulates(graph, ops[i])) held[i].insert(row);
      }
      ASSERT_LE(static_cast<std::int32_t>(held[i].size()), stage.held_rows) << "operator " << i;
    }
  }
  EXPECT_EQ(made.back(), band_height(graph, ops.back()));
}

// Whether no row of the input that the output takes over is written over before it is read, the headroom
// being so many bytes. What the last operator reads it must find even behind its own band.
bool is_safe(const Graph& graph, const Step& step, const Overlap& overlap) {
  const RowBands bands = plan_row_bands(graph, step);
  const std::span<const Op> ops = ops_of(graph, step);
  const std::int64_t input_row = row_bytes_of(graph.tensors[overlap.input]);
  const std::int64_t output_row = row_bytes_of(graph.output_of(ops.back()));
  std::int64_t written = 0;
  for (std::int32_t band = bands.first_band; band < bands.end_band; ++band) {
    for (std::size_t i = 0; i < ops.size(); ++i) {
      const BandStage& stage = bands.stages[i];
      const std::int32_t height = graph.output_of(ops[i]).shape.height;
      const std::int32_t begin = std::clamp(stage.rows_per_band * band + stage.lead, 0, height);
      const std::int32_t end = std::clamp(stage.rows_per_band * (band + 1) + stage.lead, 0, height);
      if (i + 1 == ops.size()) written = end * output_row;
      const auto inputs = graph.inputs_of(ops[i]);
      if (begin == end || std::count(inputs.begin(), inputs.end(), overlap.input) == 0) continue;
      const RowWindow window = row_window_of(graph, ops[i]);
      const std::int32_t first = std::max(begin * window.stride - window.pad, 0);
      if (overlap.headroom_bytes + first * input_row < written) return false;
    }
  }
  return true;
}

TEST(RowBands, TheOutputFollowsTheInputAsCloselyAsItMay) {
  RandomStream random(17);
  int overlaps = 0;
  int closest = 0;
  for (int trial = 0; trial < 400; ++trial) {
    const Graph graph = RandomChain(random).make(9);
    for (const Step& step : random_steps(graph, random)) {
      Overlap overlap = find_overlap(graph, step);
      if (overlap.input == kNoId) continue;
      ++overlaps;
      SCOPED_TRACE(describe(graph, step));
      EXPECT_TRUE(is_safe(graph, step, overlap));
      overlap.headroom_bytes -= 4;
      closest += overlap.headroom_bytes < 0 || !is_safe(graph, step, overlap) ? 1 : 0;
    }
  }
  EXPECT_GT(overlaps, 300);
  EXPECT_GT(closest, overlaps * 9 / 10);
}

TEST(RowBands, EveryRowIsThereWhenItIsRead) {
  RandomStream random(3);
  int groups = 0;
  int pulling = 0;
  for (int trial = 0; trial < 400; ++trial) {
    const Graph graph = RandomChain(random).make(9);
    for (const Step& step : random_steps(graph, random)) {
      if (step.op_count == 1) continue;
      ++groups;
      SCOPED_TRACE(describe(graph, step));
      simulate(graph, step);
      if (!can_pull(graph, step)) continue;
      ++pulling;
      Step pulls = step;
      pulls.pulls_input = true;
      simulate(graph, pulls);
    }
  }
  EXPECT_GT(groups, 300);
  EXPECT_GT(pulling, 50);
}

}  // namespace
}  // namespace mcunet::engine
