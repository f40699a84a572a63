// LSTMs in files: in which forms they are read, and what is said of the others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error_text.hpp"
#include "lstm_model.hpp"
#include "mcunet/engine/arithmetic/layer_parameters.hpp"
#include "mcunet/engine/graph/graph_validator.hpp"
#include "mcunet/engine/planning/resources.hpp"
#include "mcunet/engine/tflite/reader.hpp"
#include "mcunet/engine/tflite/writer.hpp"
#include "random_graphs.hpp"
#include "shared_data.hpp"
#include "stateful_graph.hpp"

namespace mcunet::engine {
namespace {

using testing::HasSubstr;

Graph read(const LstmModel& model) { return read_tflite(model.file(), "memory"); }

std::vector<std::vector<TensorBytes>> some_inputs(const Graph& graph) {
  return {random_inputs(graph, 1), random_inputs(graph, 2), random_inputs(graph, 3)};
}

TEST(LstmOperator, KeepsItsStates) {
  const Graph graph = read({});
  ASSERT_EQ(graph.states.size(), 2u);
  EXPECT_EQ(graph.states[0], TensorBytes(4, std::byte{3})) << "its zero point";
  EXPECT_EQ(graph.states[1], TensorBytes(8));
  EXPECT_EQ(graph.state_in_place(graph.state_inputs()[1]), 1);
  EXPECT_EQ(graph.told_outputs().size(), 1u);
  const auto outputs = execute_in_turn(graph, {random_inputs(graph, 1), random_inputs(graph, 1)});
  EXPECT_NE(outputs[0], outputs[1]);
}

TEST(LstmOperator, TimeMayBeTheFirstDimension) {
  const Graph batch_first = read({});
  const Graph time_first = read({.input = {2, 1, 3}, .output = {2, 1, 4}, .is_time_major = true});
  EXPECT_EQ(time_first.tensors[time_first.outputs[0]].shape, (Shape{2, 1, 4}));
  EXPECT_EQ(execute_in_turn(batch_first, some_inputs(batch_first)),
            execute_in_turn(time_first, some_inputs(time_first)));
  EXPECT_EQ(read_tflite(write_tflite(time_first), "memory"), time_first);
}

TEST(LstmOperator, ClipsItsCells) {
  const Graph free = read({});
  const Graph clipped = read({.clip = 1e-3F});
  EXPECT_NE(execute_in_turn(free, some_inputs(free)),
            execute_in_turn(clipped, some_inputs(clipped)));
}

TEST(LstmOperator, ItsMacsAreThoseOfAllSteps) {
  const OpCost cost = cost_of(read({}));
  EXPECT_EQ(cost.weights, 4 * 4 * (3 + 4));
  EXPECT_EQ(cost.params, cost.weights + 4 * 4);
  EXPECT_EQ(cost.macs, 2 * cost.weights);
}

// They lie beside the arena alone: 4 + 8 bytes.
TEST(LstmOperator, ItsStatesAreNotInTheArena) {
  const Graph graph = read({});
  ResourceOracle oracle{OracleOptions{.scratch = ScratchPolicy::kOwn}};
  const Resources resources = oracle.measure(graph);
  EXPECT_EQ(oracle.requests().tensor_buffer[graph.state_inputs()[0]], kNoId);
  EXPECT_EQ(oracle.requests().tensor_buffer[graph.state_inputs()[1]], kNoId);
  EXPECT_EQ(resources.peak_sram_bytes, /*input=*/8 + /*output=*/8 + /*scratch=*/16 + 12);
}

// Products of scales are those of double: a multiplier beside the last bit is seen in long sequences only.
TEST(LstmOperator, ItsScalesAreMultipliedInDouble) {
  const Graph graph = read({.weight_scale = 0.0112233F});
  const LstmParameters by = lstm_parameters(graph, graph.ops[0]);
  EXPECT_EQ(by.input[2], quantize_multiplier(double{0.05F} * double{0.0112233F} * 4096));
  EXPECT_NE(by.input[2], quantize_multiplier(double{0.05F * 0.0112233F} * 4096));
  EXPECT_EQ(by.recurrent[1], quantize_multiplier(double{0.0112233F} * 32));
  EXPECT_EQ(by.hidden, (QuantizedMultiplier{1 << 30, -22}));
  EXPECT_EQ(by.cell_exponent, -12);
}

// The converter gives what is reversed a scale of its own; the bytes are the same.
TEST(LstmOperator, ItsOutputMayBeReversedUnderAnotherScale) {
  const Graph graph = read({.reversed = {1}});
  const Graph straight = read({});
  const auto inputs = some_inputs(graph);
  const auto turned = execute_in_turn(graph, inputs);
  auto expected = execute_in_turn(straight, inputs);
  for (auto& outputs : expected)
    std::rotate(outputs[0].begin(), outputs[0].begin() + 4, outputs[0].end());
  EXPECT_EQ(turned, expected);
  EXPECT_EQ(graph.info_of(graph.outputs[0]).quantization, (Quantization{0.01F, 5}));
}

TEST(LstmOperator, ReversesAnyAxes) {
  const Graph graph = read({.reversed = {-1, 1}});
  const Graph straight = read({});
  auto expected = execute_in_turn(straight, some_inputs(straight))[2];
  std::reverse(expected[0].begin(), expected[0].end());
  EXPECT_EQ(execute_in_turn(graph, some_inputs(graph))[2], expected);
  EXPECT_THAT(error_of([] { read({.reversed = {3}}); }), HasSubstr("axis 3"));
}

TEST(LstmOperator, WhatIsWrongOrAnotherFormIsOneLine) {
  EXPECT_NO_THROW(read({}));
  for (const WrongLstm& wrong : wrong_lstms()) {
    EXPECT_THAT(error_of([&] { read(wrong.model); }), HasSubstr(wrong.message));
  }
}

TEST(LstmOperator, NobodyElseUsesItsStates) {
  const auto complaint = [](const Graph& graph) {
    return error_of([&] { validate_graph(graph); });
  };
  const Graph good = read({});
  Graph graph = good;
  graph.outputs.insert(graph.outputs.begin(), graph.state_inputs()[0]);
  EXPECT_THAT(complaint(graph), HasSubstr("a state of one operator, which others use"));
  graph = good;
  graph.states.clear();
  EXPECT_THAT(complaint(graph), HasSubstr("is kept by unidirectional_sequence_lstm, but is no"));
  graph = good;
  graph.ops.push_back(graph.ops[0]);
  graph.ops[1].output = static_cast<TensorId>(graph.tensors.size());
  graph.tensors.push_back(graph.output_of(graph.ops[0]));
  EXPECT_THAT(complaint(graph), HasSubstr("a state of one operator, which others use"));
  graph = good;
  graph.op_inputs[1] = graph.op_inputs[2];
  EXPECT_THAT(complaint(graph), HasSubstr("a state of one operator, which others use"));
}

TEST(LstmOperator, OtherBeginningsHaveNoFile) {
  Graph graph = read({});
  graph.states[0][1] = std::byte{9};
  EXPECT_THAT(error_of([&] { write_tflite(graph); }), HasSubstr("does not begin with zeros"));
}

}  // namespace
}  // namespace mcunet::engine
