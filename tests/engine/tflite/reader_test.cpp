#include "mcunet/engine/tflite/reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/random.hpp"
#include "mcunet/engine/graph/graph_validator.hpp"
#include "mcunet/engine/tflite/writer.hpp"
#include "random_graphs.hpp"
#include "shared_data.hpp"
#include "tflite/model_builder.hpp"

namespace mcunet::engine {
namespace {

using testing::HasSubstr;

// The error's message; empty if the file is valid.
std::string complaint(std::span<const std::byte> contents) {
  try {
    validate_graph(read_tflite(contents, "model.tflite"));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// A max pool that changes nothing.
void add_pool(TfliteModelBuilder& builder, std::int32_t input, std::int32_t output) {
  const auto options = tflite::CreatePool2DOptions(builder.fbb(), tflite::Padding_VALID, 1, 1, 1, 1,
                                                   tflite::ActivationFunction_NONE);
  builder.add_operator(tflite::BuiltinOperator_MAX_POOL_2D, 1, {input}, output,
                       tflite::BuiltinOptions_Pool2DOptions, options.Union());
}

TEST(TfliteReader, ErrorsNameTheFile) {
  EXPECT_EQ(complaint({}), "model.tflite: is empty");
  try {
    read_tflite("/nonexistent/x.tflite");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("/nonexistent/x.tflite"));
  }
}

TEST(TfliteReader, UnsupportedOperatorsAreNamed) {
  TfliteModelBuilder builder;
  const auto input = builder.add_activation("in", DataType::kInt8, {1, 2, 2, 1}, {1, 0});
  const auto output = builder.add_activation("out", DataType::kInt8, {1, 2, 2, 1}, {1, 0});
  builder.add_operator(tflite::BuiltinOperator_ATAN2, 1, {input}, output,
                       tflite::BuiltinOptions_NONE, {});
  const std::string message = complaint(builder.finish({input}, {output}));
  EXPECT_THAT(message, HasSubstr("model.tflite: operator 0 (ATAN2), producing tensor 1 'out': "
                                 "is not supported: express it with supported operators"));
}

// One message for all, those of one kind together; what only follows from others is not told.
TEST(TfliteReader, TellsAllOperatorsThatCannotBeRead) {
  TfliteModelBuilder builder;
  const std::vector<std::int32_t> dims = {1, 2, 2, 1};
  const auto add = [&](const char* name) {
    return builder.add_activation(name, DataType::kInt8, dims, {1, 0});
  };
  const auto in = add("in"), a = add("a"), b = add("b"), c = add("c"), out = add("out");
  const auto size = builder.add_activation("size", DataType::kInt32, {4}, {});
  const auto unary = [&](tflite::BuiltinOperator code, std::int32_t from, std::int32_t to) {
    builder.add_operator(code, 1, {from}, to, tflite::BuiltinOptions_NONE, {});
  };
  unary(tflite::BuiltinOperator_ATAN2, in, a);
  unary(tflite::BuiltinOperator_RELU, a, b);
  unary(tflite::BuiltinOperator_ATAN2, b, c);
  unary(tflite::BuiltinOperator_UNIQUE, c, size);
  builder.add_operator(tflite::BuiltinOperator_RESHAPE, 1, {c, size}, out,
                       tflite::BuiltinOptions_NONE, {});
  const auto contents = builder.finish({in}, {out});
  try {
    read_tflite(contents, "model.tflite");
    FAIL();
  } catch (const UnsupportedModel& error) {
    EXPECT_THAT(error.what(), HasSubstr("model.tflite: 3 of its 5 operators cannot be run: "
                                        "operators 0, 2 (ATAN2): is not supported: "));
    EXPECT_THAT(error.what(), HasSubstr("; operator 3 (UNIQUE), producing tensor 5 'size': "));
    ASSERT_EQ(error.blockers().size(), 3u);
    EXPECT_EQ(error.blockers()[1].index, 2u);
    EXPECT_EQ(error.blockers()[1].name, "ATAN2");
    EXPECT_EQ(error.blockers()[1].output, "tensor 3 'c'");
  }
}

// Of four images of 4x2, with windows of `size` rows and steps of `stride`.
std::string complaint_about_batch(std::int32_t size, std::int32_t stride) {
  TfliteModelBuilder builder;
  const auto input = builder.add_activation("in", DataType::kInt8, {4, 4, 2, 1}, {1, 0});
  const auto output =
      builder.add_activation("out", DataType::kInt8, {4, (4 - size) / stride + 1, 2, 1}, {1, 0});
  const auto options = tflite::CreatePool2DOptions(builder.fbb(), tflite::Padding_VALID, 1, stride,
                                                   1, size, tflite::ActivationFunction_NONE);
  builder.add_operator(tflite::BuiltinOperator_MAX_POOL_2D, 1, {input}, output,
                       tflite::BuiltinOptions_Pool2DOptions, options.Union());
  return complaint(builder.finish({input}, {output}));
}

TEST(TfliteReader, BatchesAreRefusedWhereWindowsReachFromOneImageIntoTheNext) {
  EXPECT_EQ(complaint_about_batch(1, 1), "");
  EXPECT_EQ(complaint_about_batch(2, 2), "");
  EXPECT_EQ(complaint_about_batch(1, 2), "");
  EXPECT_THAT(complaint_about_batch(2, 1), HasSubstr("batch of 4"));
  EXPECT_THAT(complaint_about_batch(3, 3), HasSubstr("batch of 4"));
}

TEST(TfliteReader, MapsOfFiveDimensionsAreRefused) {
  TfliteModelBuilder builder;
  const auto input = builder.add_activation("in", DataType::kInt8, {1, 1, 2, 2, 1}, {1, 0});
  const auto output = builder.add_activation("out", DataType::kInt8, {1, 1, 2, 2, 1}, {1, 0});
  add_pool(builder, input, output);
  EXPECT_THAT(complaint(builder.finish({input}, {output})), HasSubstr("5 dimensions"));
}

TEST(TfliteReader, TensorsOfSevenDimensionsAreRefused) {
  TfliteModelBuilder builder;
  const auto input = builder.add_activation("in", DataType::kInt8, {1, 1, 1, 1, 1, 2, 1}, {1, 0});
  EXPECT_THAT(complaint(builder.finish({input}, {input})), HasSubstr("7 dimensions"));
}

TEST(TfliteReader, OperatorsMustBeInOrder) {
  TfliteModelBuilder builder;
  const auto input = builder.add_activation("in", DataType::kInt8, {1, 4}, {1, 0});
  const auto late = builder.add_activation("late", DataType::kInt8, {1, 4}, {1, 0});
  const auto output = builder.add_activation("out", DataType::kInt8, {1, 4}, {1, 0});
  builder.add_operator(tflite::BuiltinOperator_RELU, 1, {late}, output, tflite::BuiltinOptions_NONE,
                       {});
  EXPECT_THAT(complaint(builder.finish({input}, {output})),
              HasSubstr("tensor 1 'late': is used before it is produced"));
}

TEST(TfliteReader, PermutationsMayMoveTheBatch) {
  TfliteModelBuilder builder;
  const auto input = builder.add_activation("in", DataType::kInt8, {1, 1, 3, 2}, {1, 0});
  const auto output = builder.add_activation("out", DataType::kInt8, {1, 2, 1, 3}, {1, 0});
  const auto axes = builder.add_integers("axes", {1, 3, 0, 2}, {4});
  builder.add_operator(tflite::BuiltinOperator_TRANSPOSE, 1, {input, axes}, output,
                       tflite::BuiltinOptions_TransposeOptions,
                       tflite::CreateTransposeOptions(builder.fbb()).Union());
  const Graph graph = read_tflite(builder.finish({input}, {output}), "memory");
  EXPECT_EQ(graph.details_of(graph.ops[0]).permutation, (std::array<std::int8_t, 3>{2, 0, 1}));
}

TEST(TfliteReader, ReadsUnalignedMemory) {
  const auto contents = write_tflite(random_graph(OpKind::kConv2d, 1));
  std::vector<std::byte> shifted(contents.size() + 1);
  std::copy(contents.begin(), contents.end(), shifted.begin() + 1);
  EXPECT_EQ(read_tflite(std::span(shifted).subspan(1), "a"), read_tflite(contents, "b"));
}

// Damaged files: an Error or a valid graph, with the sanitizers' consent.
void expect_robust(const std::vector<std::byte>& contents, std::size_t step, int flips) {
  for (std::size_t size = 0; size < contents.size(); size += step) {
    complaint(std::span(contents).first(size));
  }
  RandomStream random(contents.size());
  for (int i = 0; i < flips; ++i) {
    std::vector<std::byte> damaged = contents;
    for (std::uint32_t n = random.index(4) + 1; n > 0; --n) {
      damaged[random.index(static_cast<std::uint32_t>(damaged.size()))] =
          static_cast<std::byte>(random() >> 56);
    }
    complaint(damaged);
  }
}

TEST(TfliteReader, SurvivesDamagedFiles) {
  for (OpKind kind : kAllOpKinds) {
    expect_robust(write_tflite(random_graph(kind, 7)), /*step=*/1, /*flips=*/2000);
  }
}

TEST(TfliteReader, SurvivesDamagedModels) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  const std::string text = read_file(data / "tflite" / "mlperf_kws.tflite");
  const auto bytes = std::as_bytes(std::span(text));
  expect_robust({bytes.begin(), bytes.end()}, /*step=*/97, /*flips=*/2000);
}

// Every offset in turn, moved by a word: what was aligned to 8 bytes no longer is.
TEST(TfliteReader, SurvivesMovedOffsets) {
  for (OpKind kind : {OpKind::kConv2d, OpKind::kAdd, OpKind::kConcatenation}) {
    const auto contents = write_tflite(random_graph(kind, 3));
    for (std::size_t at = 0; at < contents.size(); at += 4) {
      for (int move : {-4, 4}) {
        std::vector<std::byte> damaged = contents;
        damaged[at] = static_cast<std::byte>(std::to_integer<int>(damaged[at]) + move);
        complaint(damaged);
      }
    }
  }
}

TEST(TfliteReader, ScalesMustBeNumbers) {
  std::uint64_t seed = 0;
  Graph graph = random_graph(OpKind::kFullyConnected, seed);
  while (!graph.ops[0].has_bias) graph = random_graph(OpKind::kFullyConnected, ++seed);
  graph.constants[1].scales = {std::nanf("")};
  EXPECT_THAT(complaint(write_tflite(graph)), HasSubstr("'bias': a scale of nan"));
}

TEST(TfliteReader, ScalesOfActivationsMustBeNumbers) {
  TfliteModelBuilder builder;
  const Quantization bad = {std::nanf(""), 0};
  const auto input = builder.add_activation("in", DataType::kInt32, {1, 4}, bad);
  EXPECT_THAT(complaint(builder.finish({input}, {input})), HasSubstr("'in': a scale of nan"));
}

}  // namespace
}  // namespace mcunet::engine
