// What a model keeps from one inference to the next: resource variables in the file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error_text.hpp"
#include "generated_model.hpp"
#include "mcunet/engine/graph/graph_validator.hpp"
#include "mcunet/engine/planning/resources.hpp"
#include "mcunet/engine/tflite/reader.hpp"
#include "mcunet/engine/tflite/writer.hpp"
#include "stateful_graph.hpp"
#include "tflite/model_builder.hpp"

namespace mcunet::engine {
namespace {

using testing::HasSubstr;

const std::vector<std::vector<TensorBytes>> kInputs = {
    {int8_bytes({1, 2, 3, 4})}, {int8_bytes({5, -6, 7, -8})}, {int8_bytes({100, 100, 100, 100})},
    {int8_bytes({0, 0, 0, 0})}, {int8_bytes({9, 9, 9, 9})},   {int8_bytes({-3, -3, -3, -3})}};

TEST(State, OfOneInferenceIsTheNextOnes) {
  const auto outputs = execute_in_turn(stateful_graph(false), kInputs);
  // Sums of x + 3, less 3: at first alone.
  EXPECT_EQ(outputs[0][0], int8_bytes({1, 2, 3, 4}));
  EXPECT_EQ(outputs[1][0], int8_bytes({9, -1, 13, -1}));
  EXPECT_EQ(outputs[0][1], int8_bytes({-3, -3, -3, -3}));
  EXPECT_EQ(outputs[4][1], kInputs[0][0]);
  EXPECT_EQ(execute_in_turn(stateful_graph(true), kInputs)[1][1], int8_bytes({5, 6, 7, 8}));
}

TEST(State, IsWrittenAndReadAsVariables) {
  for (const bool uneven : {false, true}) {
    const Graph graph = stateful_graph(uneven);
    const Graph once = read_tflite(write_tflite(graph), "memory");
    EXPECT_EQ(once.states, graph.states);
    EXPECT_EQ(once.given_inputs().size(), 1u);
    EXPECT_EQ(once.told_outputs().size(), 2u);
    EXPECT_EQ(read_tflite(write_tflite(once), "memory"), once);
    EXPECT_EQ(execute_in_turn(once, kInputs), execute_in_turn(graph, kInputs));
  }
}

TEST(State, GeneratedCodeKeepsItUntilItIsReset) {
  for (const bool uneven : {false, true}) {
    for (const SchedulePolicy policy : {SchedulePolicy::kInPlace, SchedulePolicy::kStreaming}) {
      const Graph graph = stateful_graph(uneven);
      CompileOptions options;
      options.schedule = options_of(policy);
      options.names = ModelNames("kept");
      const GeneratedModel model(compile_graph(graph, options), "generated-state");
      const auto expected = execute_in_turn(graph, kInputs);
      for (int round = 0; round < 2; ++round) {
        for (std::size_t i = 0; i < kInputs.size(); ++i) {
          EXPECT_EQ(model.run(kInputs[i]), expected[i]) << round << " " << i;
        }
        model.symbol<void()>("kept_reset")();
      }
    }
  }
}

TEST(State, TakesSramBesideTheArena) {
  Graph graph = stateful_graph(false);
  ResourceOracle oracle{OracleOptions{}};
  const Resources even = oracle.measure(graph);
  const Resources uneven = oracle.measure(stateful_graph(true));
  EXPECT_EQ(uneven.flash_bytes, even.flash_bytes + 16) << "what it begins as";
  graph.states.clear();
  EXPECT_EQ(even.peak_sram_bytes, oracle.measure(graph).peak_sram_bytes + 16);
}

TEST(State, IsOneTensor) {
  Graph graph = stateful_graph(false);
  graph.states[0].pop_back();
  EXPECT_THAT(error_of([&] { validate_graph(graph); }), HasSubstr("state 0 is not the same"));
  graph = stateful_graph(false);
  edit_info(graph, graph.outputs.back()).quantization.scale = 2;
  EXPECT_THAT(error_of([&] { validate_graph(graph); }), HasSubstr("state 0 is not the same"));
  graph = stateful_graph(false);
  graph.inputs.erase(graph.inputs.begin());
  graph.ops.clear();
  graph.outputs = graph.inputs;
  EXPECT_THAT(error_of([&] { validate_graph(graph); }), HasSubstr("besides its state"));
}

// A variable that is read, and set to a tensor of the file.
class Variable {
 public:
  explicit Variable(std::vector<std::int32_t> kept = {1, 1, 1, 4}) {
    const std::vector<std::int32_t> dims = {1, 1, 1, 4};
    input_ = builder_.add_activation("in", DataType::kInt8, dims, {1, 0});
    output_ = builder_.add_activation("out", DataType::kInt8, dims, {1, 0});
    kept_ = builder_.add_activation("kept", DataType::kInt8, kept, {1, 0});
    handle_ = builder_.add_handle("handle");
  }

  void call_once(std::int32_t graph) {
    add(tflite::BuiltinOperator_CALL_ONCE, {}, {}, tflite::BuiltinOptions_CallOnceOptions,
        tflite::CreateCallOnceOptions(builder_.fbb(), graph).Union());
  }

  void name(std::int32_t tensor) {
    add(tflite::BuiltinOperator_VAR_HANDLE, {}, {tensor}, tflite::BuiltinOptions_VarHandleOptions,
        tflite::CreateVarHandleOptionsDirect(builder_.fbb(), "", "v").Union());
  }

  void read() { add(tflite::BuiltinOperator_READ_VARIABLE, {handle_}, {kept_}); }
  void add_up() {
    add(tflite::BuiltinOperator_ADD, {input_, kept_}, {output_}, tflite::BuiltinOptions_AddOptions,
        tflite::CreateAddOptions(builder_.fbb()).Union());
  }
  void assign(std::int32_t value) {
    add(tflite::BuiltinOperator_ASSIGN_VARIABLE, {handle_, value}, {});
  }

  // A graph that runs once and sets the variable to so many bytes.
  Graph finish(std::int32_t bytes) {
    builder_.end_graph({input_}, {output_});
    const std::int32_t handle = builder_.add_handle("handle");
    name(handle);
    const std::int32_t value = builder_.add_constant(
        int8_constant({bytes}, std::vector<int>(static_cast<std::size_t>(bytes), 7)));
    add(tflite::BuiltinOperator_ASSIGN_VARIABLE, {handle, value}, {});
    return read_tflite(builder_.finish({}, {}), "memory");
  }
  Graph finish() { return read_tflite(builder_.finish({input_}, {output_}), "memory"); }

  std::int32_t input() const { return input_; }
  std::int32_t output() const { return output_; }
  std::int32_t handle() const { return handle_; }

 private:
  void add(tflite::BuiltinOperator code, const std::vector<std::int32_t>& inputs,
           const std::vector<std::int32_t>& outputs,
           tflite::BuiltinOptions type = tflite::BuiltinOptions_NONE,
           flatbuffers::Offset<void> options = {}) {
    builder_.add_operator(code, 1, inputs, outputs, type, options);
  }

  TfliteModelBuilder builder_;
  std::int32_t input_ = 0;
  std::int32_t output_ = 0;
  std::int32_t kept_ = 0;
  std::int32_t handle_ = 0;
};

TEST(State, BeginsAsZeroWithoutAGraphThatRunsOnce) {
  Variable variable;
  variable.name(variable.handle());
  variable.read();
  variable.add_up();
  variable.assign(variable.output());
  EXPECT_EQ(execute_in_turn(variable.finish(), kInputs)[1][0], int8_bytes({6, -4, 10, -4}));
}

TEST(State, BeginsAsTheGraphThatRunsOnceSays) {
  Variable variable;
  variable.call_once(1);
  variable.name(variable.handle());
  variable.read();
  variable.add_up();
  variable.assign(variable.output());
  EXPECT_EQ(execute_in_turn(variable.finish(4), kInputs)[0][0], int8_bytes({8, 9, 10, 11}));
}

TEST(State, RefusesWhatMakesNoSense) {
  const auto refusal = [](const std::function<Graph(Variable&)>& build, Variable variable) {
    return error_of([&] { build(variable); });
  };
  EXPECT_THAT(refusal(
                  [](Variable& v) {
                    v.read();
                    v.add_up();
                    return v.finish();
                  },
                  Variable()),
              HasSubstr("is no variable"));
  EXPECT_THAT(refusal(
                  [](Variable& v) {
                    v.call_once(3);
                    v.name(v.handle());
                    v.read();
                    v.add_up();
                    return v.finish();
                  },
                  Variable()),
              HasSubstr("there is no graph 3 to call"));
  EXPECT_THAT(refusal(
                  [](Variable& v) {
                    v.call_once(1);
                    v.call_once(1);
                    v.name(v.handle());
                    v.read();
                    v.add_up();
                    return v.finish(4);
                  },
                  Variable()),
              HasSubstr("a second one is not supported"));
  EXPECT_THAT(refusal(
                  [](Variable& v) {
                    v.call_once(1);
                    v.name(v.handle());
                    v.read();
                    v.add_up();
                    v.assign(v.output());
                    return v.finish(5);
                  },
                  Variable()),
              HasSubstr("a variable of 4 bytes begins with 5"));
  EXPECT_THAT(refusal(
                  [](Variable& v) {
                    v.name(v.handle());
                    v.read();
                    v.assign(v.input());
                    v.add_up();
                    return v.finish();
                  },
                  Variable({1, 1, 2, 4})),
              HasSubstr("its variable holds another tensor"));
}

}  // namespace
}  // namespace mcunet::engine
