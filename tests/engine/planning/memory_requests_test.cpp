#include "mcunet/engine/planning/memory_requests.hpp"

#include <gmock/gmock.h>

#include "mcunet/engine/planning/plan_validator.hpp"
#include "residual_block.hpp"

namespace mcunet::engine {
namespace {

using testing::ElementsAre;

MemoryRequests request(const Graph& graph, ScratchPolicy policy) {
  MemoryRequests requests;
  request_memory(graph, make_schedule(graph), policy, requests);
  return requests;
}

TEST(MemoryRequests, ABufferForEveryTensor) {
  const MemoryRequests requests = request(make_residual_block({}), ScratchPolicy::kTinyEngine);
  ASSERT_EQ(requests.buffers.size(), 5u);
  EXPECT_EQ(requests.buffers[0].size_bytes, 8 * 6 * 4);
  EXPECT_EQ(requests.buffers[1].size_bytes, 8 * 6 * 24);
  EXPECT_EQ(requests.buffers[2].in_place_of, 1);
}

TEST(MemoryRequests, TinyEngineScratchLiesBesideTheArena) {
  const MemoryRequests requests = request(make_residual_block({}), ScratchPolicy::kTinyEngine);
  // 4 k² Cin for 1x1 convolutions; 2 (H + 2p)(W + 2p) for the depthwise one.
  EXPECT_THAT(requests.step_scratch_bytes, ElementsAre(16, 2 * 12 * 10, 96, 0));
  EXPECT_EQ(requests.fixed_bytes, 240);
}

TEST(MemoryRequests, TinyEngineWidensTheFirstConvolution) {
  Graph graph;
  const TensorId image = add_input(graph, {8, 8, 3});
  graph.outputs.push_back(
      append_op(graph, {.kind = OpKind::kConv2d, .window = centred_window(3, 2)}, {image}, 16));
  // im2col 4 * 9 * 3, weights 2 * 9 * 3 * 16.
  EXPECT_EQ(request(graph, ScratchPolicy::kTinyEngine).fixed_bytes, 108 + 864);
}

TEST(MemoryRequests, OwnScratchIsABufferOfItsStep) {
  const MemoryRequests requests = request(make_residual_block({}), ScratchPolicy::kOwn);
  EXPECT_EQ(requests.fixed_bytes, 0);
  // Four columns of int16 for 1x1: 8 * max(8, 4) and 8 * 24. Depthwise 5x5 on 8 x 6, all rows of
  // two channels: 4 * 8 rows * 10 + 8 * 5 * 4 + 16; a ring of 5 rows would take 4 * 5 * 10 + 8 * 9
  // * 4 + 16.
  EXPECT_THAT(requests.step_scratch_bytes, ElementsAre(64, 496, 192, 0));
  ASSERT_EQ(requests.buffers.size(), 8u);
  EXPECT_EQ(requests.buffers[6].size_bytes, 496);
  EXPECT_EQ(requests.buffers[6].first_step, 1);
  EXPECT_EQ(requests.buffers[6].last_step, 1);
}

TEST(MemoryRequests, StagingComesBeforeTheFirstStep) {
  const Graph graph = make_residual_block({});
  const MemoryRequests requests = request(graph, ScratchPolicy::kOwn);
  const std::vector<std::int64_t> staging = {1000, 24};
  const std::vector<BufferRequest> buffers = with_staging(graph, requests, staging);
  ASSERT_EQ(buffers.size(), requests.buffers.size() + 2);
  EXPECT_EQ(buffers[graph.inputs[0]].first_step, 0);
  EXPECT_EQ(buffers[graph.inputs[0]].last_step, requests.buffers[graph.inputs[0]].last_step + 1);
  EXPECT_EQ(buffers[1].first_step, requests.buffers[1].first_step + 1);
  EXPECT_EQ(buffers[2].in_place_of, 1);
  EXPECT_EQ(buffers[buffers.size() - 2].size_bytes, 1000);
  EXPECT_EQ(buffers.back().size_bytes, 24);
  EXPECT_EQ(buffers.back().last_step, 0);
  // It is alive with the inputs alone.
  const MemoryPlan plan = plan_memory(buffers, {.alignment = 8});
  EXPECT_EQ(
      plan.lower_bound_bytes,
      std::max<std::int64_t>(plan_memory(requests.buffers).arena_bytes, 1000 + 24 + 8 * 6 * 4));
}

TEST(MemoryRequests, WhatLivesWithinAStepHasNoBuffer) {
  const Graph graph = make_residual_block({});
  const std::vector<Step> group = {{0, 3}, {3, 1}};
  MemoryRequests requests;
  request_memory(graph, make_schedule(graph, group, {}), ScratchPolicy::kOwn, requests);
  EXPECT_THAT(requests.tensor_buffer, ElementsAre(0, kNoId, kNoId, 1, 2));
  EXPECT_EQ(requests.tensor_buffers, 3u);
  EXPECT_EQ(requests.buffers[2].in_place_of, 0);
  // Five rows of the expanded map, of which the first makes room for those of the next, and the most that one of
  // the operators needs: the depthwise convolution five rows of two channels.
  const std::int64_t bytes = 5 * 6 * 24 + 4 * 5 * 10 + 8 * 5 * 4 + 16;
  EXPECT_THAT(requests.step_scratch_bytes, ElementsAre(bytes, 0));
  const MemoryPlan plan = plan_memory(requests.buffers);
  EXPECT_EQ(plan.arena_bytes, 2 * 8 * 6 * 4 + bytes);
  EXPECT_THAT(validate_plan(requests.buffers, plan, PlannerOptions{}.alignment),
              testing::IsEmpty());
}

}  // namespace
}  // namespace mcunet::engine
