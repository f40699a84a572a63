// The operators of the file format that take parts of a tensor.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/tflite/reader.hpp"
#include "small_graphs.hpp"
#include "tflite/model_builder.hpp"

namespace mcunet::engine {
namespace {

using testing::HasSubstr;
using Dims = std::vector<std::int32_t>;

// One operator on an int8 tensor whose values are their positions.
class Model {
 public:
  explicit Model(const Dims& dims = {1, 2, 3, 4})
      : input_(builder_.add_activation("in", DataType::kInt8, dims, {1, 0})) {}

  Graph strided(const Dims& begin, const Dims& end, const Dims& strides, const Dims& output,
                int begin_mask = 0, int end_mask = 0, int shrink_mask = 0, int ellipsis_mask = 0) {
    const Dims inputs = {input_, integers(begin), integers(end), integers(strides)};
    return read(tflite::BuiltinOperator_STRIDED_SLICE, inputs, {output},
                tflite::BuiltinOptions_StridedSliceOptions,
                tflite::CreateStridedSliceOptions(builder_.fbb(), begin_mask, end_mask,
                                                  ellipsis_mask, /*new_axis_mask=*/0, shrink_mask));
  }

  Graph slice(const Dims& begin, const Dims& size, const Dims& output) {
    return read(tflite::BuiltinOperator_SLICE, {input_, integers(begin), integers(size)}, {output},
                tflite::BuiltinOptions_SliceOptions, tflite::CreateSliceOptions(builder_.fbb()));
  }

  Graph split(std::int32_t axis, const std::vector<Dims>& outputs) {
    const auto options =
        tflite::CreateSplitOptions(builder_.fbb(), static_cast<std::int32_t>(outputs.size()));
    return read(tflite::BuiltinOperator_SPLIT, {integers({axis}), input_}, outputs,
                tflite::BuiltinOptions_SplitOptions, options);
  }

  Graph split_v(std::int32_t axis, const Dims& sizes, const std::vector<Dims>& outputs) {
    const auto options =
        tflite::CreateSplitVOptions(builder_.fbb(), static_cast<std::int32_t>(outputs.size()));
    return read(tflite::BuiltinOperator_SPLIT_V, {input_, integers(sizes), integers({axis})},
                outputs, tflite::BuiltinOptions_SplitVOptions, options);
  }

  Graph unpack(std::int32_t axis, const std::vector<Dims>& outputs) {
    const auto options = tflite::CreateUnpackOptions(
        builder_.fbb(), static_cast<std::int32_t>(outputs.size()), axis);
    return read(tflite::BuiltinOperator_UNPACK, {input_}, outputs,
                tflite::BuiltinOptions_UnpackOptions, options);
  }

 private:
  std::int32_t integers(const Dims& values) {
    return builder_.add_integers("integers", values, {static_cast<std::int32_t>(values.size())});
  }

  template <typename Options>
  Graph read(tflite::BuiltinOperator code, const Dims& inputs, const std::vector<Dims>& outputs,
             tflite::BuiltinOptions type, flatbuffers::Offset<Options> options) {
    Dims tensors;
    for (const Dims& dims : outputs) {
      tensors.push_back(builder_.add_activation("out", DataType::kInt8, dims, {1, 0}));
    }
    builder_.add_operator(code, 1, inputs, tensors, type, options.Union());
    return read_tflite(builder_.finish({input_}, tensors), "memory");
  }

  TfliteModelBuilder builder_;
  std::int32_t input_ = 0;
};

// The outputs for an input whose values are their positions.
std::vector<std::vector<int>> run(const Graph& graph) {
  std::vector<int> values(static_cast<std::size_t>(graph.tensors[0].shape.elements()));
  std::iota(values.begin(), values.end(), 0);
  std::vector<std::vector<int>> results;
  for (const TensorBytes& bytes : execute(graph, std::vector<TensorBytes>{int8_bytes(values)})) {
    results.emplace_back();
    for (std::byte byte : bytes) results.back().push_back(std::to_integer<std::int8_t>(byte));
  }
  return results;
}

template <typename Read>
std::string complaint(const Read& read) {
  try {
    read();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Slices, PositionsCountFromTheEndAndStopAtIt) {
  EXPECT_EQ(run(Model().strided({0, -1, 0, -3}, {1, 9, 3, -1}, {1, 1, 2, 1}, {1, 1, 2, 2})),
            (std::vector<std::vector<int>>{{13, 14, 21, 22}}));
}

TEST(Slices, MasksTakeWholeAxesAlsoBackwards) {
  EXPECT_EQ(run(Model().strided({0, 0, 0, 0}, {0, 0, 0, 0}, {1, 1, -1, -3}, {1, 2, 3, 2},
                                /*begin_mask=*/0b1111, /*end_mask=*/0b1111)),
            (std::vector<std::vector<int>>{{11, 8, 7, 4, 3, 0, 23, 20, 19, 16, 15, 12}}));
}

TEST(Slices, AShrunkAxisIsDropped) {
  const Graph graph = Model().strided({0, 1, 2, 0}, {1, 0, 0, 4}, {1, 1, 1, 2}, {1, 2}, 0, 0,
                                      /*shrink_mask=*/0b0110);
  EXPECT_EQ(run(graph), (std::vector<std::vector<int>>{{20, 22}}));
}

TEST(Slices, SizesMayReachToTheEnd) {
  EXPECT_EQ(run(Model().slice({0, 1, 0, 2}, {1, 1, -1, 2}, {1, 1, 3, 2})),
            (std::vector<std::vector<int>>{{14, 15, 18, 19, 22, 23}}));
}

TEST(Slices, SplitsAreEqualParts) {
  EXPECT_EQ(run(Model().split(-1, {{1, 2, 3, 2}, {1, 2, 3, 2}})),
            (std::vector<std::vector<int>>{{0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21},
                                           {2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23}}));
}

TEST(Slices, OnePartIsWhatTheOthersLeave) {
  EXPECT_EQ(
      run(Model().split_v(2, {1, -1}, {{1, 2, 1, 4}, {1, 2, 2, 4}})),
      (std::vector<std::vector<int>>{{0, 1, 2, 3, 12, 13, 14, 15},
                                     {4, 5, 6, 7, 8, 9, 10, 11, 16, 17, 18, 19, 20, 21, 22, 23}}));
}

TEST(Slices, UnpackedPartsLackTheirAxis) {
  const Graph graph = Model().unpack(1, {{1, 3, 4}, {1, 3, 4}});
  EXPECT_EQ(run(graph),
            (std::vector<std::vector<int>>{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
                                           {12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23}}));
  EXPECT_EQ(graph.info_of(graph.outputs[1]).rank, 3);
}

TEST(Slices, WhatIsEmptyOrOutsideIsRefused) {
  EXPECT_THAT(
      complaint([] {
        Model().slice({0, 1, 0, 0}, {1, 2, 3, 4}, {1, 2, 3, 4});
      }),
      HasSubstr("(SLICE), producing tensor 3 'out': slices 2 elements from element 1 of 2"));
  EXPECT_THAT(complaint([] {
                Model().strided({0, 1}, {1, 1}, {1, 1}, {1, 1, 3, 4});
              }),
              HasSubstr("takes nothing"));
}

TEST(Slices, FormsThatTheEngineDoesNotKnowAreRefused) {
  EXPECT_THAT(complaint([] {
                Model().strided({0}, {1}, {1}, {1, 2, 3, 4}, 0, 0, 0, /*ellipsis=*/1);
              }),
              HasSubstr("an ellipsis, new axes or offsets in a slice are not supported"));
  EXPECT_THAT(complaint([] {
                Model().strided({0}, {1}, {0}, {1, 2, 3, 4});
              }),
              HasSubstr("a stride of 0"));
}

TEST(Slices, PartsMustAddUp) {
  EXPECT_THAT(complaint([] {
                Model().split(2, {{1, 2, 1, 4}, {1, 2, 1, 4}});
              }),
              HasSubstr("3 elements in 2 parts"));
  EXPECT_THAT(complaint([] {
                Model().split_v(3, {1, 4}, {{1, 2, 3, 1}, {1, 2, 3, 4}});
              }),
              HasSubstr("its parts are more than 4 elements"));
  EXPECT_THAT(complaint([] {
                Model().split_v(3, {1, 1, 2}, {{1, 2, 3, 1}, {1, 2, 3, 3}});
              }),
              HasSubstr("has 3 parts, but 2 outputs"));
  EXPECT_THAT(complaint([] {
                Model().unpack(2, {{1, 2, 4}});
              }),
              HasSubstr("has 3 parts, but 1 outputs"));
  EXPECT_THAT(complaint([] { Model().split(7, {{1, 2, 3, 4}}); }), HasSubstr("axis 7"));
}

// Where the file has a batch or more dimensions, the part is taken of a view.
TEST(Slices, TensorsThatAreNoMapsAreSlicedThroughViews) {
  EXPECT_EQ(run(Model({2, 2, 2, 3}).slice({1, 0, 1, 0}, {1, 2, 1, 3}, {1, 2, 1, 3})),
            (std::vector<std::vector<int>>{{15, 16, 17, 21, 22, 23}}));
  EXPECT_EQ(
      run(Model({1, 2, 1, 2, 2, 2}).unpack(3, {{1, 2, 1, 2, 2}, {1, 2, 1, 2, 2}})),
      (std::vector<std::vector<int>>{{0, 1, 2, 3, 8, 9, 10, 11}, {4, 5, 6, 7, 12, 13, 14, 15}}));
  EXPECT_THAT(complaint([] {
                Model({1, 3, 3, 3, 3}).slice({0, 1, 1, 1, 1}, {1, 2, 2, 2, 2}, {1, 2, 2, 2, 2});
              }),
              HasSubstr("takes a part along more than three axes"));
}

}  // namespace
}  // namespace mcunet::engine
