#include "planning/tflm_memory.hpp"

#include <gtest/gtest.h>

#include "core/error_text.hpp"
#include "mcunet/engine/codegen/compiler.hpp"
#include "mcunet/engine/graph/activations.hpp"
#include "mcunet/engine/planning/resources.hpp"
#include "mcunet/engine/tflite/reader.hpp"
#include "residual_block.hpp"
#include "shared_data.hpp"

namespace mcunet::engine {
namespace {

// Of one operator on 8 x 6 x 20, in bytes.
std::int64_t scratch_of(Op op, std::int32_t outputs = 20) {
  Graph graph;
  graph.outputs.push_back(append_op(graph, op, {add_input(graph, {8, 6, 20})}, outputs));
  return cmsis_nn_scratch_bytes(graph, graph.ops[0]);
}

std::int64_t scratch_of_transposed(std::int16_t side, std::int32_t outputs) {
  Graph graph;
  const TensorId input = add_input(graph, {8, 6, 20});
  const Op op{.kind = OpKind::kTransposeConv, .window = {side, side, side, side}};
  const Tensor output{{8 * side, 6 * side, outputs}};
  graph.outputs.push_back(append_op(graph, op, std::span(&input, 1), output));
  return cmsis_nn_scratch_bytes(graph, graph.ops[0]);
}

TEST(TflmMemory, ScratchIsThatOfTheLibrarysKernels) {
  EXPECT_EQ(scratch_of({.kind = OpKind::kConv2d}), 0) << "1x1";
  EXPECT_EQ(scratch_of({.kind = OpKind::kConv2d, .window = centred_window(3, 1)}), 4 * 9 * 20);
  EXPECT_EQ(scratch_of({.kind = OpKind::kDepthwiseConv2d, .window = centred_window(3, 2)}), 0);
  EXPECT_EQ(scratch_of({.kind = OpKind::kDepthwiseConv2d, .window = centred_window(5, 1)}),
            2 * 25 * 20);
  EXPECT_EQ(scratch_of({.kind = OpKind::kDepthwiseConv2d, .window = centred_window(5, 1)}, 40), 0)
      << "two output channels per input channel";
  EXPECT_EQ(scratch_of({.kind = OpKind::kAveragePool2d, .window = {2, 2, 2, 2}}), 4 * 20);
  EXPECT_EQ(scratch_of({.kind = OpKind::kMaxPool2d, .window = {2, 2, 2, 2}}), 0);
  // As a convolution of the input with zeros in between, whose weights are turned round.
  EXPECT_EQ(scratch_of_transposed(2, 8), 4 * 4 * 20 + 2 * 2 * 20 * 8);
  // Sums of four bytes for the output's rows that one row of the input reaches.
  EXPECT_EQ(scratch_of_transposed(3, 8), 4 * (5 * 3 + 3) * 8 * 3);
}

TEST(TflmMemory, ColumnsAreOfAMultipleOfFourValues) {
  Graph graph;
  const Op op{.kind = OpKind::kConv2d, .window = centred_window(3, 2)};
  graph.outputs.push_back(append_op(graph, op, {add_input(graph, {8, 8, 3})}, 16));
  EXPECT_EQ(cmsis_nn_scratch_bytes(graph, graph.ops[0]), 4 * 28);
}

TEST(TflmMemory, KeepsAMultiplierAndAShiftPerChannel) {
  const auto kept = [](std::int32_t channels) {
    Graph graph;
    graph.outputs.push_back(
        append_op(graph, {.kind = OpKind::kConv2d}, {add_input(graph, {8, 8, 3})}, channels));
    return tflm_persistent_bytes(graph);
  };
  EXPECT_EQ(kept(116) - kept(16), 8 * 100);
  EXPECT_EQ(kept(17), kept(20)) << "each array begins at a multiple of 16 bytes";
}

TEST(TflmMemory, TheScheduleTakesItsPlannerAndScratch) {
  const Graph graph = make_residual_block({});
  ResourceOracle tflm({.schedule = SchedulePolicy::kTflm, .scratch = ScratchPolicy::kOwn});
  const Resources resources = tflm.measure(graph);
  EXPECT_EQ(tflm.options().planner.alignment, 16);
  EXPECT_EQ(tflm.requests().fixed_bytes, tflm_persistent_bytes(graph));
  // The depthwise convolution's input and output, and the residual block's own input; 5x5 scratch.
  const std::int64_t head = 8 * 6 * (24 + 24 + 4) + 2 * 25 * 24;
  EXPECT_EQ(resources.peak_sram_bytes, head + tflm_persistent_bytes(graph));
  ResourceOracle op_by_op({.schedule = SchedulePolicy::kOpByOp, .scratch = ScratchPolicy::kOwn});
  EXPECT_EQ(resources.macs, op_by_op.measure(graph).macs);
  EXPECT_GT(resources.peak_sram_bytes, op_by_op.measure(graph).peak_sram_bytes);
}

TEST(TflmMemory, HasNoActivationsOfFourBits) {
  Graph graph = make_residual_block({});
  set_bit_widths(graph, {.weights = 4, .activations = 4});
  EXPECT_EQ(error_of([&] { tflm_persistent_bytes(graph); }),
            "TensorFlow Lite Micro has no activations of 4 bits, so none of the schedule tflm");
}

struct KnownModel {
  const char* name;
  // Of the head of the arena with TensorFlow Lite Micro's reference kernels, which need scratch for MEAN
  // only: told by its own interpreter (print_allocations()).
  std::int64_t head_bytes;
  // SRAM of programs with CMSIS-NN on an emulated Cortex-M7: arena, static data, stack.
  std::int64_t program_bytes;
};

TEST(TflmMemory, AgreesWithTheLibraryItself) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  for (const KnownModel& model :
       {KnownModel{"mcunet_vww", 161472, 221576}, KnownModel{"mlperf_ic_resnet", 49152, 57896},
        KnownModel{"mlperf_kws", 16000, 25720}}) {
    SCOPED_TRACE(model.name);
    const Graph read = read_tflite(data / "tflite" / (std::string(model.name) + ".tflite"));
    const Graph graph = prepare_graph(read, {.fuses_padding = false, .borders = Borders::kInvoke});
    MemoryRequests requests;
    request_memory(graph, make_schedule(graph, options_of(SchedulePolicy::kTflm)),
                   ScratchPolicy::kTflm, requests);
    const std::span<const BufferRequest> tensors(requests.buffers.data(), requests.tensor_buffers);
    EXPECT_EQ(plan_memory(tensors, kTflmPlanner).arena_bytes, model.head_bytes);
    ResourceOracle oracle({.schedule = SchedulePolicy::kTflm});
    const std::int64_t arena = oracle.measure(graph).peak_sram_bytes;
    // Static data and stack.
    EXPECT_LT(arena, model.program_bytes);
    EXPECT_GT(arena + 3000, model.program_bytes);
  }
}

}  // namespace
}  // namespace mcunet::engine
