#include "mcunet/engine/planning/resources.hpp"

#include <gmock/gmock.h>

#include "mcunet/engine/graph/weights.hpp"
#include "mcunet/engine/planning/plan_validator.hpp"
#include "residual_block.hpp"

namespace mcunet::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// 4 x 24 expansion, 5x5 depthwise, 24 x 4 projection, at 8 x 6.
constexpr std::int64_t kMacs = 48 * (4 * 24 + 25 * 24 + 24 * 4);

TEST(ResourceOracle, MeasuresAResidualBlock) {
  ResourceOracle oracle({.scratch = ScratchPolicy::kOwn, .planner = {.alignment = 1}});
  const Resources resources = oracle.measure(make_residual_block({}));
  // The depthwise step: expanded map, residual and scratch. The projection: expanded map, projected
  // map, residual and less scratch.
  EXPECT_EQ(resources.peak_sram_bytes, 48 * (24 + 4) + 496);
  EXPECT_EQ(resources.lower_bound_bytes, resources.peak_sram_bytes);
  EXPECT_TRUE(resources.is_optimal);
  EXPECT_EQ(resources.macs, kMacs);
  EXPECT_THAT(validate_plan(oracle.requests().buffers, oracle.plan(), PlannerOptions{}.alignment),
              IsEmpty());
}

TEST(ResourceOracle, OpByOpNeedsMore) {
  ResourceOracle in_place({.scratch = ScratchPolicy::kOwn});
  ResourceOracle op_by_op({.schedule = SchedulePolicy::kOpByOp, .scratch = ScratchPolicy::kOwn});
  const Graph graph = make_residual_block({});
  EXPECT_GE(op_by_op.measure(graph).peak_sram_bytes, 48 * (24 + 24 + 4));
  EXPECT_LT(in_place.measure(graph).peak_sram_bytes, op_by_op.measure(graph).peak_sram_bytes);
}

TEST(ResourceOracle, CountsWhatTheInputIsPreparedIn) {
  const Graph graph = make_residual_block({});
  const std::int64_t input_bytes = 8 * 6 * 4;
  ResourceOracle plain({.scratch = ScratchPolicy::kOwn});
  const std::int64_t peak = plain.measure(graph).peak_sram_bytes;
  EXPECT_EQ(plain.staging_live_bytes(), 0);
  ResourceOracle oracle(
      {.scratch = ScratchPolicy::kOwn, .staging = {{7, {10}}, {8, {peak, 24}}, {9, {1 << 20}}}});
  EXPECT_EQ(oracle.measure(graph).peak_sram_bytes, input_bytes + peak + 24);
  EXPECT_EQ(oracle.staging_live_bytes(), input_bytes + peak + 24);
  EXPECT_EQ(std::vector(oracle.live_bytes().begin(), oracle.live_bytes().end()),
            std::vector(plain.live_bytes().begin(), plain.live_bytes().end()));
}

TEST(ResourceOracle, LatencyAndEnergyFollowTheModel) {
  LatencyModel model{.clock_mhz = 100, .memory_stalls = 0.5, .spread = 0.125, .power_mw = 50};
  model.costs = {};
  const auto mac = static_cast<std::size_t>(WorkKind::kMac);
  model.costs[static_cast<std::size_t>(LayerClass::kPointwise)][mac] = 4;
  model.costs[static_cast<std::size_t>(LayerClass::kDepthwise5)][mac] = 6;
  ResourceOracle oracle({.latency = model});
  const Resources resources = oracle.measure(make_residual_block({}));
  // Columns of 4 values are padded to 8; of 8 windows of 5 rows, 34 rows are within the map.
  const double cycles = 4 * 48.0 * (8 * 24 + 24 * 4) + 6 * 24.0 * 34 * 5 * 6;
  EXPECT_DOUBLE_EQ(resources.latency_ms, 1.25 * cycles / 100e3);
  EXPECT_DOUBLE_EQ(resources.latency_ms_low, 0.875 * cycles / 100e3);
  EXPECT_DOUBLE_EQ(resources.latency_ms_high, 1.125 * 1.5 * cycles / 100e3);
  EXPECT_DOUBLE_EQ(resources.energy_mj, resources.latency_ms * 50 / 1000);
}

TEST(FlashEstimate, CountsWeightsBiasesAndQuantization) {
  const FlashEstimate flash = estimate_flash(make_residual_block({}));
  EXPECT_EQ(flash.weights, 4 * 24 + 25 * 24 + 24 * 4);
  EXPECT_EQ(flash.biases, 4 * (24 + 24 + 4));
  // A multiplier of four bytes and a shift of one; a pair of channels, and each channel of a depthwise
  // convolution, has them in a few words.
  EXPECT_GE(flash.quantization, 5 * (24 + 24 + 4));
  EXPECT_LE(flash.quantization, 12 * (24 + 24 + 4));
  EXPECT_GT(flash.code, 0);
  EXPECT_EQ(flash.total(), flash.weights + flash.biases + flash.quantization + flash.code);
}

TEST(FlashEstimate, WeightsOfFourBitsTakeHalf) {
  Graph graph = make_residual_block({});
  const FlashEstimate bytes = estimate_flash(graph);
  set_weight_bits(graph, 4);
  const FlashEstimate nibbles = estimate_flash(graph);
  EXPECT_EQ(2 * nibbles.weights, bytes.weights);
  EXPECT_EQ(nibbles.biases, bytes.biases);
}

// Kernels are linked once, and each core has its own.
TEST(FlashEstimate, CountsTheKernelsThatAreCalled) {
  const Graph one = make_residual_block({});
  Graph two = one;
  const TensorId expanded = append_op(two, {}, {two.outputs[0]}, 24);
  two.outputs = {append_op(two, {}, {expanded}, 4)};
  EXPECT_LT(estimate_flash(two).code - estimate_flash(one).code, 200);
  Graph other = one;
  for (Op& op : other.ops) {
    if (op.kind == OpKind::kDepthwiseConv2d) op.weight_bits = 4;
  }
  EXPECT_GT(estimate_flash(other).code, estimate_flash(one).code);
  EXPECT_LT(estimate_flash(one, CodeCore::kCortexM3).code, estimate_flash(one).code - 1000);
  ResourceOracle plain({});
  ResourceOracle with_more({.application_bytes = 1000});
  EXPECT_EQ(with_more.measure(one).flash_bytes, plain.measure(one).flash_bytes + 1000);
}

TEST(Budget, AbsentLimitsDoNotBind) {
  const Resources resources{.peak_sram_bytes = 100, .flash_bytes = 200, .latency_ms = 3};
  EXPECT_TRUE(fits(resources, {}));
  EXPECT_TRUE(fits(resources, {.sram_bytes = 100, .flash_bytes = 200, .latency_ms = 3.0}));
  EXPECT_FALSE(fits(resources, {.sram_bytes = 99}));
  EXPECT_FALSE(fits(resources, {.flash_bytes = 199}));
  EXPECT_FALSE(fits(resources, {.latency_ms = 2.9}));
  EXPECT_THAT(describe_excess(resources, {.sram_bytes = 99, .flash_bytes = 1000}),
              ElementsAre(HasSubstr("SRAM 100 of 99 bytes")));
}

}  // namespace
}  // namespace mcunet::engine
