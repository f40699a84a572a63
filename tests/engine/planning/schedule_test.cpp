#include "mcunet/engine/planning/schedule.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/activations.hpp"
#include "residual_block.hpp"

namespace mcunet::engine {
namespace {

TEST(Schedule, TensorsLiveFromTheirStepToTheirLastUse) {
  const Schedule schedule = make_schedule(make_residual_block({}));
  ASSERT_EQ(schedule.steps.size(), 4u);
  const auto expect = [&](TensorId tensor, int first, int last) {
    EXPECT_EQ(schedule.lifetimes[tensor].first_step, first) << tensor;
    EXPECT_EQ(schedule.lifetimes[tensor].last_step, last) << tensor;
  };
  expect(0, 0, 3);  // the residual
  expect(1, 0, 1);
  expect(2, 1, 2);
  expect(3, 2, 3);
  expect(4, 3, 3);
}

TEST(Schedule, DepthwiseAndAddAreInPlace) {
  const Schedule schedule = make_schedule(make_residual_block({}));
  EXPECT_EQ(schedule.in_place_of[1], kNoId);
  EXPECT_EQ(schedule.in_place_of[2], 1);
  EXPECT_EQ(schedule.in_place_of[3], kNoId);
  EXPECT_EQ(schedule.in_place_of[4], 0) << "the operand that was made first is overwritten";
}

TEST(Schedule, NothingIsInPlaceOpByOp) {
  const Schedule schedule =
      make_schedule(make_residual_block({}), options_of(SchedulePolicy::kOpByOp));
  for (TensorId tensor : schedule.in_place_of) EXPECT_EQ(tensor, kNoId);
}

TEST(Schedule, AnOperandThatIsUsedLaterIsNotOverwritten) {
  Graph graph;
  const TensorId input = add_input(graph, {8, 8, 4});
  const Op depthwise{.kind = OpKind::kDepthwiseConv2d, .window = centred_window(3, 1)};
  const TensorId first = append_op(graph, depthwise, {input}, 4);
  graph.outputs.push_back(append_op(graph, {.kind = OpKind::kAdd}, {input, first}));
  const Schedule schedule = make_schedule(graph);
  EXPECT_EQ(schedule.in_place_of[first], kNoId);
}

TEST(Schedule, AGraphOutputIsNotOverwritten) {
  Graph graph;
  const TensorId input = add_input(graph, {8, 8, 4});
  const Op depthwise{.kind = OpKind::kDepthwiseConv2d, .window = centred_window(3, 1)};
  const TensorId first = append_op(graph, depthwise, {input}, 4);
  const TensorId second = append_op(graph, depthwise, {first}, 4);
  graph.outputs = {first, second};
  const Schedule schedule = make_schedule(graph);
  EXPECT_EQ(schedule.in_place_of[first], input);
  EXPECT_EQ(schedule.in_place_of[second], kNoId);
}

// An image and the map of four bits that is made of it.
Graph narrowing_convolution() {
  Graph graph;
  const TensorId image = add_input(graph, {32, 32, 3});
  const Op convolution{.kind = OpKind::kConv2d, .window = centred_window(3, 2)};
  const TensorId map = append_op(graph, convolution, {image}, 16);
  graph.outputs.push_back(append_op(graph, convolution, {map}, 16));
  set_activation_bits(graph, 4);
  return graph;
}

TEST(Schedule, AMapOfFourBitsFollowsItsImage) {
  const Graph graph = narrowing_convolution();
  ASSERT_EQ(graph.tensors[1].type, DataType::kInt4);
  const Schedule schedule = make_schedule(graph);
  EXPECT_TRUE(schedule.steps[0].overlaps);
  EXPECT_EQ(schedule.in_place_of[1], 0);
  // A row of the map, 128 bytes, is written before a row of the image, 96 bytes, is done with; from then on two rows
  // are for each of the map's.
  EXPECT_EQ(schedule.headroom[1], 160);
  EXPECT_EQ(schedule.in_place_of[2], kNoId) << "int8 of four bits";
  EXPECT_EQ(make_schedule(graph, options_of(SchedulePolicy::kOpByOp)).in_place_of[1], kNoId);
}

TEST(Schedule, AnImageThatIsReadAgainIsNotFollowed) {
  Graph graph = narrowing_convolution();
  const Op pool{.kind = OpKind::kMaxPool2d, .has_bias = false, .window = centred_window(3, 2)};
  graph.outputs.push_back(append_op(graph, pool, {0}));
  EXPECT_EQ(make_schedule(graph).in_place_of[1], kNoId);
}

TEST(Schedule, AMultiplierRulesOutInPlace) {
  Graph graph;
  const TensorId input = add_input(graph, {8, 8, 4});
  const Op depthwise{.kind = OpKind::kDepthwiseConv2d, .window = centred_window(3, 2)};
  graph.outputs.push_back(append_op(graph, depthwise, {input}, 8));
  EXPECT_EQ(make_schedule(graph).in_place_of[graph.outputs[0]], kNoId);
}

// Expansion, depthwise convolution and projection as one step, then the addition.
const std::vector<Step> kGroup = {{0, 3}, {3, 1}};

TEST(Schedule, AStepMayHoldSeveralOperators) {
  const Graph graph = make_residual_block({});
  const Schedule schedule = make_schedule(graph, kGroup, {});
  EXPECT_EQ(describe(graph, schedule.steps[0]),
            "conv_2d 1x1 + depthwise_conv_2d 5x5 + conv_2d 1x1");
  for (TensorId inside : {1, 2}) {
    EXPECT_TRUE(schedule.lifetimes[inside].is_within_step) << inside;
    EXPECT_EQ(schedule.in_place_of[inside], kNoId) << inside;
  }
  for (TensorId outside : {0, 3, 4}) {
    EXPECT_FALSE(schedule.lifetimes[outside].is_within_step) << outside;
  }
  EXPECT_EQ(schedule.lifetimes[0].last_step, 1);
  EXPECT_EQ(schedule.lifetimes[3].first_step, 0);
  EXPECT_EQ(schedule.in_place_of[4], 0);
}

TEST(Schedule, WhatLaterStepsUseLeavesItsStep) {
  Graph graph = make_residual_block({});
  graph.outputs.push_back(1);
  EXPECT_FALSE(make_schedule(graph, kGroup, {}).lifetimes[1].is_within_step) << "a graph output";
  const std::vector<Step> cut = {{0, 2}, {2, 2}};
  const Schedule schedule = make_schedule(make_residual_block({}), cut, {});
  EXPECT_FALSE(schedule.lifetimes[2].is_within_step) << "the next step reads it";
  EXPECT_TRUE(schedule.lifetimes[3].is_within_step);
}

TEST(Schedule, StepsHoldEachOperatorOnce) {
  const Graph graph = make_residual_block({});
  for (const std::vector<Step>& steps :
       {std::vector<Step>{{0, 3}}, std::vector<Step>{{0, 2}, {1, 3}}, std::vector<Step>{{1, 3}},
        std::vector<Step>{{0, 0}, {0, 4}}}) {
    EXPECT_THROW(make_schedule(graph, steps, {}), Error);
  }
}

}  // namespace
}  // namespace mcunet::engine
