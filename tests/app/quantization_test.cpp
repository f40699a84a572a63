#include "pipeline/quantization.hpp"

#include <ATen/ops/from_blob.h>
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "core/error_text.hpp"
#include "mcunet/core/random.hpp"
#include "mcunet/engine/graph_validator.hpp"
#include "trained_network.hpp"

namespace mcunet::pipeline {
namespace {

// Random images, labelled by what a network makes of them; some cannot be read.
class LabelledNoise : public datasets::Dataset {
 public:
  LabelledNoise(const FloatGraph& network, std::int64_t size, std::uint64_t seed,
                std::int64_t unreadable_every = 0)
      : seed_(seed), unreadable_every_(unreadable_every) {
    const FloatExecutor executor(network);
    std::vector<float> values(static_cast<std::size_t>(input_shape().elements()));
    for (std::int64_t i = 0; i < size; ++i) {
      labels_.push_back(0);
      RandomStream random(0);
      fill(i, values);
      const at::Tensor nhwc = at::from_blob(values.data(), {1, 32, 32, 3}, at::kFloat);
      labels_.back() =
          static_cast<std::int32_t>(executor.run(nhwc.permute({0, 3, 1, 2})).argmax().item<long>());
    }
  }

  std::int64_t size() const override { return static_cast<std::int64_t>(labels_.size()); }
  const std::vector<std::string>& classes() const override { return classes_; }
  datasets::InputShape input_shape() const override { return {32, 32, 3}; }
  std::int32_t label(std::int64_t index) const override { return labels_[index]; }
  std::string name(std::int64_t index) const override { return fmt::format("noise {}", index); }
  bool load(std::int64_t index, RandomStream&, std::span<float> output) const override {
    if (unreadable_every_ != 0 && index % unreadable_every_ == 0) return false;
    fill(index, output);
    return true;
  }

 private:
  // Smooth, so that images differ after pooling.
  void fill(std::int64_t index, std::span<float> output) const {
    RandomStream random(seed_, {static_cast<std::uint64_t>(index)});
    const double tint[3] = {random.uniform(), random.uniform(), random.uniform()};
    for (std::size_t i = 0; i < output.size(); ++i) {
      const double noise = random.uniform() * 0.6;
      output[i] = static_cast<float>((tint[i % 3] * 1.4 + noise) - 1);
    }
  }

  std::uint64_t seed_;
  std::int64_t unreadable_every_;
  std::vector<std::int32_t> labels_;
  std::vector<std::string> classes_ = {"a", "b", "c", "d", "e"};
};

TEST(Quantization, Int8NetworkAgreesWithTheFloatOne) {
  const FloatGraph network = lower(trained_network(small_network()));
  const LabelledNoise training(network, 64, 1);
  const LabelledNoise held_out(network, 100, 2);
  const LabelledNoise test(network, 200, 3);
  const QuantizedNetwork quantized = quantize(network, training, held_out, {}, 0);
  EXPECT_NO_THROW(engine::validate_graph(quantized.graph));
  ASSERT_EQ(quantized.compared.size(), 3U);
  for (const MethodAccuracy& method : quantized.compared) {
    EXPECT_GT(method.top1, 0.85) << name_of(method.method);
  }
  const Int8Accuracy accuracy = evaluate_int8(quantized.graph, test, 0);
  EXPECT_EQ(accuracy.examples, 200);
  EXPECT_GT(accuracy.top1(), 0.9);
}

TEST(Quantization, SameSeedGivesTheSameGraph) {
  const FloatGraph network = lower(trained_network(small_network()));
  const LabelledNoise data(network, 60, 1);
  const QuantizationOptions options{.calibration_images = 20,
                                    .method = engine::RangeMethod::kMinMax};
  const engine::Graph graph = quantize(network, data, data, options, 4).graph;
  EXPECT_EQ(quantize(network, data, data, options, 4).graph, graph);
  EXPECT_NE(quantize(network, data, data, options, 5).graph, graph);
}

TEST(Quantization, SkipsWhatCannotBeRead) {
  const FloatGraph network = lower(trained_network(small_network()));
  const LabelledNoise data(network, 40, 1, 2);
  const QuantizedNetwork quantized = quantize(network, data, data, {}, 0);
  const Int8Accuracy accuracy = evaluate_int8(quantized.graph, data, 0);
  EXPECT_EQ(accuracy.examples, 20);
  EXPECT_EQ(accuracy.unreadable, 20);
  const LabelledNoise broken(network, 10, 1, 1);
  EXPECT_THAT(error_of([&] { (void)quantize(network, broken, data, {}, 0); }),
              testing::HasSubstr("none of 10 images can be read"));
}

TEST(Quantization, OptionsReadAndRefuse) {
  QuantizationOptions options;
  read_fields(parse_config("{method: mse, calibration_images: 7}", "test"), fields_of(options));
  EXPECT_EQ(options.method, engine::RangeMethod::kMse);
  EXPECT_EQ(options.calibration_images, 7);
  read_fields(parse_config("{method: best}", "test"), fields_of(options));
  EXPECT_FALSE(options.method.has_value());
  EXPECT_THAT(
      error_of([&] { read_fields(parse_config("{method: luck}", "test"), fields_of(options)); }),
      testing::HasSubstr("must be one of best"));
}

}  // namespace
}  // namespace mcunet::pipeline
