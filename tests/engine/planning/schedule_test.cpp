#include "mcunet/engine/planning/schedule.hpp"

#include <gtest/gtest.h>

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

TEST(Schedule, AMultiplierRulesOutInPlace) {
  Graph graph;
  const TensorId input = add_input(graph, {8, 8, 4});
  const Op depthwise{.kind = OpKind::kDepthwiseConv2d, .window = centred_window(3, 2)};
  graph.outputs.push_back(append_op(graph, depthwise, {input}, 8));
  EXPECT_EQ(make_schedule(graph).in_place_of[graph.outputs[0]], kNoId);
}

}  // namespace
}  // namespace mcunet::engine
