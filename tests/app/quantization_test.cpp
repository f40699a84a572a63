#include "pipeline/quantization.hpp"

#include <gmock/gmock.h>

#include "core/error_text.hpp"
#include "labelled_noise.hpp"
#include "mcunet/engine/graph/graph_validator.hpp"
#include "pipeline/float_graph.hpp"
#include "trained_network.hpp"

namespace mcunet::pipeline {
namespace {

TEST(Quantization, Int8NetworkAgreesWithTheFloatOne) {
  const FloatGraph network = lower(trained_network(small_network()));
  const LabelledNoise training(network, 64, 1);
  const LabelledNoise held_out(network, 100, 2);
  const LabelledNoise test(network, 200, 3);
  const QuantizedNetwork quantized =
      quantize(classification_task(), network, training, held_out, {}, 0);
  EXPECT_NO_THROW(engine::validate_graph(quantized.graph));
  ASSERT_EQ(quantized.compared.size(), 3U);
  for (const MethodScore& method : quantized.compared) {
    EXPECT_GT(method.score.value, 0.85) << engine::name_of(method.method);
    EXPECT_EQ(method.score.of, 100);
  }
  const auto int8 =
      std::get<Classification>(evaluate_int8(classification_task(), quantized.graph, test, 0));
  EXPECT_EQ(int8.score.examples, 200);
  EXPECT_GT(int8.score.value, 0.9);
  EXPECT_EQ(score_of(evaluate_float(classification_task(), network, test, 0)).correct, 200);
  // What int8 gets wrong is told by name, and how sure it is of it.
  for (const Mistake& mistake : int8.mistakes) {
    EXPECT_EQ(mistake.name, test.name(mistake.example));
    EXPECT_EQ(mistake.label, test.label(mistake.example));
    EXPECT_NE(mistake.label, mistake.predicted);
    EXPECT_GT(mistake.confidence, 0.2);
    EXPECT_LT(mistake.confidence, 1);
  }
  EXPECT_EQ(evaluate_int8(classification_task(), quantized.graph, test, 0), Assessment(int8))
      << "whatever thread comes first";
}

TEST(Quantization, SameSeedGivesTheSameGraph) {
  const FloatGraph network = lower(trained_network(small_network()));
  const LabelledNoise data(network, 60, 1);
  const QuantizationOptions options{.calibration_images = 20,
                                    .method = engine::RangeMethod::kMinMax};
  const engine::Graph graph =
      quantize(classification_task(), network, data, data, options, 4).graph;
  EXPECT_EQ(quantize(classification_task(), network, data, data, options, 4).graph, graph);
  EXPECT_NE(quantize(classification_task(), network, data, data, options, 5).graph, graph);
}

TEST(Quantization, SkipsWhatCannotBeRead) {
  const FloatGraph network = lower(trained_network(small_network()));
  const LabelledNoise data(network, 40, 1, 2);
  const QuantizedNetwork quantized = quantize(classification_task(), network, data, data, {}, 0);
  const auto int8 =
      std::get<Classification>(evaluate_int8(classification_task(), quantized.graph, data, 0));
  EXPECT_EQ(int8.score.examples, 20);
  EXPECT_EQ(int8.score.of, 40);
  EXPECT_EQ(int8.unreadable, 20);
  const auto part =
      std::get<Classification>(evaluate_float(classification_task(), network, data, 0, 10));
  EXPECT_EQ(part.score.examples + part.unreadable, 10);
  EXPECT_EQ(part.score.of, 40);
  const LabelledNoise broken(network, 10, 1, 1);
  EXPECT_THAT(
      error_of([&] { (void)quantize(classification_task(), network, broken, data, {}, 0); }),
      testing::HasSubstr("none of 10 images can be read"));
}

TEST(Quantization, RefusesMoreUnreadableFilesThanTheDatasetAllows) {
  const FloatGraph network = lower(trained_network(small_network()));
  LabelledNoise data(network, 40, 1, 10);
  const QuantizedNetwork quantized = quantize(classification_task(), network, data, data, {}, 0);
  data.max_unreadable = 0.05;
  const auto says = testing::AllOf(testing::HasSubstr("4 of 40 files cannot be read"),
                                   testing::HasSubstr("max_unreadable_share = 0.05"));
  EXPECT_THAT(
      error_of([&] { (void)evaluate_int8(classification_task(), quantized.graph, data, 0); }),
      says);
  EXPECT_THAT(error_of([&] { (void)evaluate_float(classification_task(), network, data, 0); }),
              says);
  EXPECT_THAT(error_of([&] { (void)quantize(classification_task(), network, data, data, {}, 0); }),
              says);
  data.max_unreadable = 0.1;
  EXPECT_EQ(std::get<Classification>(evaluate_int8(classification_task(), quantized.graph, data, 0))
                .unreadable,
            4);
}

}  // namespace
}  // namespace mcunet::pipeline
