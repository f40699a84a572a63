#include "tflite/shape_folding.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "mcunet/core/error.hpp"

namespace mcunet::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Builder = flatbuffers::FlatBufferBuilder;
using Options = std::function<flatbuffers::Offset<void>(Builder&)>;

struct Case {
  const char* name;
  tflite::BuiltinOperator code;
  std::vector<IntegerTensor> inputs;
  std::vector<IntegerTensor> expected;
  const char* complaint = "";
  tflite::BuiltinOptions type = tflite::BuiltinOptions_NONE;
  Options options = {};
};

IntegerTensor scalar(std::int64_t value) { return {{}, {value}}; }

IntegerTensor vector(std::vector<std::int64_t> values) {
  return {{static_cast<std::int32_t>(values.size())}, values};
}

Options reducer(bool keeps) {
  return [keeps](Builder& fbb) { return tflite::CreateReducerOptions(fbb, keeps).Union(); };
}

Options strided(int begin, int end, int shrink, int ellipsis = 0) {
  return [=](Builder& fbb) {
    return tflite::CreateStridedSliceOptions(fbb, begin, end, ellipsis, 0, shrink).Union();
  };
}

Options axis_for_gather(int axis) {
  return [axis](Builder& fbb) { return tflite::CreateGatherOptions(fbb, axis).Union(); };
}

std::vector<Case> cases() {
  using tflite::BuiltinOptions_AddOptions;
  using tflite::BuiltinOptions_GatherOptions;
  using tflite::BuiltinOptions_MulOptions;
  using tflite::BuiltinOptions_ReducerOptions;
  using tflite::BuiltinOptions_StridedSliceOptions;
  const Options add = [](Builder& fbb) { return tflite::CreateAddOptions(fbb).Union(); };
  const Options relu_add = [](Builder& fbb) {
    return tflite::CreateAddOptions(fbb, tflite::ActivationFunction_RELU).Union();
  };
  const Options mul = [](Builder& fbb) { return tflite::CreateMulOptions(fbb).Union(); };
  const Options concatenation = [](Builder& fbb) {
    return tflite::CreateConcatenationOptions(fbb, -1).Union();
  };
  const Options pack = [](Builder& fbb) { return tflite::CreatePackOptions(fbb, 2, 1).Union(); };
  const Options unpack = [](Builder& fbb) {
    return tflite::CreateUnpackOptions(fbb, 2, 0).Union();
  };
  const Options squeeze = [](Builder& fbb) {
    const std::vector<std::int32_t> axes = {-1};
    return tflite::CreateSqueezeOptionsDirect(fbb, &axes).Union();
  };
  const IntegerTensor table = {{2, 3}, {1, 2, 3, 4, 5, 6}};
  return {
      {"adds with broadcasting",
       tflite::BuiltinOperator_ADD,
       {table, scalar(10)},
       {{{2, 3}, {11, 12, 13, 14, 15, 16}}},
       "",
       BuiltinOptions_AddOptions,
       add},
      {"adds a column to a row",
       tflite::BuiltinOperator_ADD,
       {{{2, 1}, {10, 20}}, vector({1, 2})},
       {{{2, 2}, {11, 12, 21, 22}}},
       "",
       BuiltinOptions_AddOptions,
       add},
      {"refuses shapes that do not match",
       tflite::BuiltinOperator_ADD,
       {vector({1, 2}), vector({1, 2, 3})},
       {},
       "do not match",
       BuiltinOptions_AddOptions,
       add},
      {"refuses fused activations",
       tflite::BuiltinOperator_ADD,
       {scalar(1), scalar(2)},
       {},
       "fused activation",
       BuiltinOptions_AddOptions,
       relu_add},
      {"refuses missing options",
       tflite::BuiltinOperator_ADD,
       {scalar(1), scalar(2)},
       {},
       "options are missing"},
      {"refuses overflow",
       tflite::BuiltinOperator_MUL,
       {scalar(std::int64_t{1} << 40), scalar(std::int64_t{1} << 40)},
       {},
       "overflow",
       BuiltinOptions_MulOptions,
       mul},
      {"divides towards zero", tflite::BuiltinOperator_DIV, {scalar(-7), scalar(2)}, {scalar(-3)}},
      {"divides downwards",
       tflite::BuiltinOperator_FLOOR_DIV,
       {vector({-7, 7, 6}), scalar(-2)},
       {vector({3, -4, -3})}},
      {"takes the floor's rest",
       tflite::BuiltinOperator_FLOOR_MOD,
       {vector({-7, 7}), scalar(3)},
       {vector({2, 1})}},
      {"refuses zero as a divisor",
       tflite::BuiltinOperator_FLOOR_DIV,
       {scalar(1), scalar(0)},
       {},
       "by zero"},
      {"refuses the one quotient out of range",
       tflite::BuiltinOperator_DIV,
       {scalar(INT64_MIN), scalar(-1)},
       {},
       "overflow"},
      {"takes the larger",
       tflite::BuiltinOperator_MAXIMUM,
       {vector({1, 5}), scalar(3)},
       {vector({3, 5})}},
      {"multiplies all",
       tflite::BuiltinOperator_REDUCE_PROD,
       {vector({2, 3, 4}), vector({0})},
       {scalar(24)},
       "",
       BuiltinOptions_ReducerOptions,
       reducer(false)},
      {"sums the columns",
       tflite::BuiltinOperator_SUM,
       {table, vector({-1})},
       {{{2, 1}, {6, 15}}},
       "",
       BuiltinOptions_ReducerOptions,
       reducer(true)},
      {"finds the least of each column",
       tflite::BuiltinOperator_REDUCE_MIN,
       {table, vector({0})},
       {vector({1, 2, 3})},
       "",
       BuiltinOptions_ReducerOptions,
       reducer(false)},
      {"refuses axes that are none",
       tflite::BuiltinOperator_SUM,
       {table, vector({2})},
       {},
       "axis 2 of 2",
       BuiltinOptions_ReducerOptions,
       reducer(false)},
      {"casts", tflite::BuiltinOperator_CAST, {table}, {table}},
      {"reshapes",
       tflite::BuiltinOperator_RESHAPE,
       {table, vector({3, -1})},
       {{{3, 2}, {1, 2, 3, 4, 5, 6}}}},
      {"refuses shapes that do not hold all",
       tflite::BuiltinOperator_RESHAPE,
       {table, vector({4, -1})},
       {},
       "do not fit"},
      {"expands",
       tflite::BuiltinOperator_EXPAND_DIMS,
       {table, scalar(-1)},
       {{{2, 3, 1}, {1, 2, 3, 4, 5, 6}}}},
      {"squeezes",
       tflite::BuiltinOperator_SQUEEZE,
       {{{2, 1}, {1, 2}}},
       {vector({1, 2})},
       "",
       tflite::BuiltinOptions_SqueezeOptions,
       squeeze},
      {"does not squeeze what is larger",
       tflite::BuiltinOperator_SQUEEZE,
       {table},
       {},
       "a dimension of 3",
       tflite::BuiltinOptions_SqueezeOptions,
       squeeze},
      {"joins",
       tflite::BuiltinOperator_CONCATENATION,
       {table, {{2, 1}, {7, 8}}},
       {{{2, 4}, {1, 2, 3, 7, 4, 5, 6, 8}}},
       "",
       tflite::BuiltinOptions_ConcatenationOptions,
       concatenation},
      {"packs",
       tflite::BuiltinOperator_PACK,
       {vector({1, 2}), vector({3, 4})},
       {{{2, 2}, {1, 3, 2, 4}}},
       "",
       tflite::BuiltinOptions_PackOptions,
       pack},
      {"unpacks",
       tflite::BuiltinOperator_UNPACK,
       {table},
       {vector({1, 2, 3}), vector({4, 5, 6})},
       "",
       tflite::BuiltinOptions_UnpackOptions,
       unpack},
      {"slices",
       tflite::BuiltinOperator_SLICE,
       {table, vector({0, 1}), vector({-1, 2})},
       {{{2, 2}, {2, 3, 5, 6}}}},
      {"does not slice beyond the end",
       tflite::BuiltinOperator_SLICE,
       {table, vector({0, 2}), vector({1, 2})},
       {},
       "from element 2 of 3"},
      {"takes one element",
       tflite::BuiltinOperator_STRIDED_SLICE,
       {vector({7, 8, 9}), vector({-1}), vector({0}), vector({1})},
       {scalar(9)},
       "",
       BuiltinOptions_StridedSliceOptions,
       strided(0, 0, 1)},
      {"takes every other backwards",
       tflite::BuiltinOperator_STRIDED_SLICE,
       {vector({1, 2, 3, 4, 5}), vector({0}), vector({0}), vector({-2})},
       {vector({5, 3, 1})},
       "",
       BuiltinOptions_StridedSliceOptions,
       strided(1, 1, 0)},
      {"takes nothing",
       tflite::BuiltinOperator_STRIDED_SLICE,
       {vector({1, 2, 3}), vector({2}), vector({1}), vector({1})},
       {{{0}, {}}},
       "",
       BuiltinOptions_StridedSliceOptions,
       strided(0, 0, 0)},
      {"keeps what is not sliced",
       tflite::BuiltinOperator_STRIDED_SLICE,
       {table, vector({1}), vector({9}), vector({1})},
       {{{1, 3}, {4, 5, 6}}},
       "",
       BuiltinOptions_StridedSliceOptions,
       strided(0, 0, 0)},
      {"refuses an ellipsis",
       tflite::BuiltinOperator_STRIDED_SLICE,
       {table, vector({1}), vector({2}), vector({1})},
       {},
       "ellipsis",
       BuiltinOptions_StridedSliceOptions,
       strided(0, 0, 0, 1)},
      {"refuses strides of 0",
       tflite::BuiltinOperator_STRIDED_SLICE,
       {table, vector({1}), vector({2}), vector({0})},
       {},
       "stride of 0",
       BuiltinOptions_StridedSliceOptions,
       strided(0, 0, 0)},
      {"gathers columns",
       tflite::BuiltinOperator_GATHER,
       {table, vector({2, 0})},
       {{{2, 2}, {3, 1, 6, 4}}},
       "",
       BuiltinOptions_GatherOptions,
       axis_for_gather(1)},
      {"gathers one",
       tflite::BuiltinOperator_GATHER,
       {vector({5, 6}), scalar(1)},
       {scalar(6)},
       "",
       BuiltinOptions_GatherOptions,
       axis_for_gather(0)},
      {"does not gather beyond the end",
       tflite::BuiltinOperator_GATHER,
       {vector({5, 6}), scalar(2)},
       {},
       "element 2 of 2",
       BuiltinOptions_GatherOptions,
       axis_for_gather(0)},
      {"fills",
       tflite::BuiltinOperator_FILL,
       {vector({2, 2}), scalar(7)},
       {{{2, 2}, {7, 7, 7, 7}}}},
      {"does not fill memory",
       tflite::BuiltinOperator_FILL,
       {vector({4000, 4000}), scalar(7)},
       {},
       "16000000 integers"},
      {"counts",
       tflite::BuiltinOperator_RANGE,
       {scalar(1), scalar(8), scalar(3)},
       {vector({1, 4, 7})}},
      {"counts down",
       tflite::BuiltinOperator_RANGE,
       {scalar(2), scalar(0), scalar(-1)},
       {vector({2, 1})}},
      {"does not count forever",
       tflite::BuiltinOperator_RANGE,
       {scalar(1), scalar(8), scalar(0)},
       {},
       "step of 0"},
      {"broadcasts",
       tflite::BuiltinOperator_BROADCAST_TO,
       {vector({1, 2}), vector({2, 2})},
       {{{2, 2}, {1, 2, 1, 2}}}},
      {"does not broadcast to less",
       tflite::BuiltinOperator_BROADCAST_TO,
       {vector({1, 2}), vector({1})},
       {},
       "does not broadcast"},
  };
}

TEST(ShapeFolding, ComputesWhatTfliteComputes) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    Builder fbb;
    const auto options = c.options ? c.options(fbb) : flatbuffers::Offset<void>();
    fbb.Finish(tflite::CreateOperatorDirect(fbb, 0, nullptr, nullptr, c.type, options));
    const auto& source = *flatbuffers::GetRoot<tflite::Operator>(fbb.GetBufferPointer());
    const IntegerEvaluator evaluate = integer_evaluator(c.code);
    ASSERT_NE(evaluate, nullptr);
    try {
      EXPECT_EQ(evaluate({source, c.inputs}), c.expected);
      EXPECT_STREQ(c.complaint, "");
    } catch (const Error& error) {
      ASSERT_STRNE(c.complaint, "") << error.what();
      EXPECT_THAT(error.what(), HasSubstr(c.complaint));
    }
  }
}

TEST(ShapeFolding, LeavesOtherOperatorsAlone) {
  EXPECT_EQ(integer_evaluator(tflite::BuiltinOperator_CONV_2D), nullptr);
}

TEST(ShapeFolding, SqueezesAllOnes) {
  EXPECT_THAT(squeezed_dims(std::vector{1, 3, 1, 2}, {}), ElementsAre(3, 2));
}

}  // namespace
}  // namespace mcunet::engine
