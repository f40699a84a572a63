#include "pipeline/simulated_quantization.hpp"

#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "labelled_noise.hpp"
#include "mcunet/engine/graph/weights.hpp"
#include "mcunet/engine/reference/reference_executor.hpp"
#include "mcunet/supernet/device.hpp"
#include "pipeline/quantization.hpp"
#include "trained_network.hpp"

namespace mcunet::pipeline {
namespace {

// With weights and activations of so many bits.
class SimulatedQuantizationTest : public testing::TestWithParam<engine::BitWidths> {
 protected:
  static constexpr int kImages = 60;

  SimulatedQuantizationTest() {
    std::vector<float> values(static_cast<std::size_t>(data_.input_shape().elements()));
    for (int i = 0; i < kImages; ++i) {
      RandomStream random(0);
      data_.load(i, random, values);
      const at::Tensor nhwc = at::from_blob(values.data(), {1, 32, 32, 3}, at::kFloat).clone();
      images_.push_back(nhwc.permute({0, 3, 1, 2}));
      bytes_.push_back(quantize_example(post_training_.graph, values));
    }
  }

  SimulatedQuantization simulation() const {
    return SimulatedQuantization(post_training_.graph, post_training_.ranges);
  }

  // The graph of the network as it is now, with the ranges of the one that it was, or those learned.
  engine::Graph quantized() const {
    return quantize_by(at_widths_of(post_training_.graph, lower(network_)),
                       simulation().ranges(learned_));
  }

  // Logits of the reference executor as quantized values, which knows nothing of libtorch.
  static std::vector<int> reference(const engine::Graph& graph,
                                    const std::vector<std::int8_t>& image) {
    const auto bytes = std::as_bytes(std::span(image));
    const auto outputs = engine::execute(graph, {{{bytes.begin(), bytes.end()}}});
    std::vector<int> logits;
    for (std::byte value : outputs[0]) logits.push_back(std::to_integer<std::int8_t>(value));
    return logits;
  }

  // The same from the simulation, as training or as evaluation runs it.
  std::vector<int> simulated(const at::Tensor& image, bool training) const {
    const torch::AutoGradMode with_gradients(training);
    const at::Tensor logits = simulation().run(network_->layers(), image, learned_);
    const auto quantization = post_training_.graph.info_of(post_training_.graph.outputs[0]);
    std::vector<int> steps;
    for (std::int64_t i = 0; i < logits.size(1); ++i) {
      const double exact = double{logits[0][i].item<float>()} / quantization.quantization.scale;
      EXPECT_NEAR(exact, std::round(exact), 1e-3) << "is no int8 value";
      steps.push_back(static_cast<int>(std::lround(exact)) + quantization.quantization.zero_point);
    }
    return steps;
  }

  void expect_equality() const {
    expect_equal_parameters();
    const engine::Graph graph = quantized();
    for (int i = 0; i < kImages; ++i) {
      const std::vector<int> expected = reference(graph, bytes_[i]);
      EXPECT_EQ(simulated(images_[i], /*training=*/false), expected) << "image " << i;
      EXPECT_EQ(simulated(images_[i], /*training=*/true), expected) << "image " << i;
    }
  }
  // Every parameter of the simulation is an integer of the engine, times the engine's scale.
  void expect_equal_parameters() const {
    const engine::Graph graph = quantized();
    const auto [tensors, rescalings, are_finite] =
        simulation().round_parameters(network_->layers(), learned_);
    EXPECT_TRUE(are_finite);
    const std::vector<engine::FloatParameters> actual = to_engine(graph, tensors);
    for (std::size_t id = 0; id < graph.ops.size(); ++id) {
      const engine::Op& op = graph.ops[id];
      if (!engine::has_weights(op)) continue;
      EXPECT_EQ(op.weight_bits, GetParam().weights);
      const engine::Constant& weights = graph.constants[graph.details_of(op).weights];
      const engine::WeightLayout layout = engine::weight_layout(graph, op);
      const std::vector<std::int8_t> bytes = engine::weight_values(weights);
      const std::vector<std::int32_t> biases = engine::biases_of(graph, op);
      const double input_scale = graph.info_of(graph.inputs_of(op)[0]).quantization.scale;
      for (std::int32_t c = 0; c < layout.outputs; ++c) {
        const double scale = weights.scales[weights.scales.size() == 1 ? 0 : c];
        ASSERT_EQ(actual[id].bias[c], static_cast<float>(biases[c] * (scale * input_scale)));
        for (std::int64_t i = 0; i < layout.per_output(); ++i) {
          const std::size_t at = layout.index(c, i);
          ASSERT_EQ(actual[id].weights[at], static_cast<float>(bytes[at] * scale));
        }
      }
    }
  }
  supernet::FixedNetwork network_ = trained_network(small_network());
  LabelledNoise data_{lower(network_), kImages, 1};
  QuantizedNetwork post_training_ =
      quantize(classification_task(), lower(network_), data_, data_,
               {.widths = GetParam(), .method = engine::RangeMethod::kMinMax}, 0);
  supernet::TensorDictionary learned_;  // nothing: as it began
  std::vector<at::Tensor> images_;
  std::vector<std::vector<std::int8_t>> bytes_;
};

TEST_P(SimulatedQuantizationTest, EqualsTheReferenceExecutor) { expect_equality(); }

// Whose sums come in another order, and are exact all the same.
TEST_P(SimulatedQuantizationTest, EqualsItOnAGpu) {
  const at::Device device = supernet::select_device("auto");
  if (device.is_cpu()) GTEST_SKIP() << "libtorch finds no GPU";
  network_->to(device);
  expect_equality();
}

// As training does; the scales of weights follow, those of activations stay.
TEST_P(SimulatedQuantizationTest, EqualsItAfterTheWeightsChanged) {
  const torch::NoGradGuard no_grad;
  for (const supernet::ConvBatchNorm& unit : network_->units()) {
    unit->weight.mul_(1 + 0.3 * at::randn_like(unit->weight));
    unit->bn_weight.mul_(at::rand_like(unit->bn_weight) + 0.5);
    unit->bn_bias.add_(0.1 * at::randn_like(unit->bn_bias));
  }
  network_->layers().head_weight.detach().mul_(0.7);
  expect_equality();
}

// Channels of very different magnitude, of zeros, and with a bias too large for its scale.
TEST_P(SimulatedQuantizationTest, EqualsItWithUnevenChannels) {
  const torch::NoGradGuard no_grad;
  for (const supernet::ConvBatchNorm& unit : network_->units()) {
    unit->weight[0].mul_(100);
    unit->bn_weight[0].mul_(0.01);
    unit->weight[1].mul_(0.001);
    unit->weight[2].zero_();
    unit->weight[3].mul_(1e-12);
  }
  expect_equality();
}

TEST_P(SimulatedQuantizationTest, ActivationsHaveTheValuesOfTheGraph) {
  const SimulatedQuantization coarse([&] {
    engine::Graph graph = post_training_.graph;
    engine::edit_info(graph, graph.outputs[0]).quantization = {.scale = 1000, .zero_point = 3};
    return graph;
  }());
  const torch::NoGradGuard no_grad;
  EXPECT_EQ(coarse.run(network_->layers(), images_[0]).abs().max().item<float>(), 0);
}

// Those of a sum over all parameters, with a factor each.
TEST_P(SimulatedQuantizationTest, GradientsPassThroughTheRoundingOfParameters) {
  const auto gradients = [&](const std::vector<OpTensors>& tensors) {
    for (const at::Tensor& parameter : network_->parameters()) {
      parameter.mutable_grad() = at::Tensor();
    }
    at::manual_seed(3);
    at::Tensor sum = at::zeros({1});
    for (const auto& [weight, bias] : tensors) {
      if (!weight.defined()) continue;
      sum = sum + (weight * at::randn_like(weight)).sum() + (bias * at::randn_like(bias)).sum();
    }
    sum.backward();
    std::vector<at::Tensor> found;
    for (const at::Tensor& parameter : network_->parameters()) found.push_back(parameter.grad());
    return found;
  };
  const SimulatedQuantization simulation = this->simulation();
  const auto rounded = gradients(simulation.round_parameters(network_->layers()).tensors);
  const auto exact = gradients(fold(post_training_.graph, network_->layers()));
  for (std::size_t i = 0; i < exact.size(); ++i) {
    EXPECT_GT(exact[i].norm().item<float>(), 0);
    EXPECT_TRUE(rounded[i].equal(exact[i]));
  }
}

// Rounded to 4 bits it is another network, whose gradients need not be alike.
TEST_P(SimulatedQuantizationTest, GradientsOfInt8AreThoseOfFloats) {
  if (GetParam() != engine::BitWidths{}) return;
  const at::Tensor images = at::cat(images_);
  const at::Tensor labels = at::zeros({kImages}, at::kLong);
  const auto gradients = [&](const at::Tensor& logits) {
    for (const at::Tensor& parameter : network_->parameters())
      parameter.mutable_grad() = at::Tensor();
    at::cross_entropy_loss(logits, labels).backward();
    std::map<std::string, at::Tensor> found;
    for (const auto& entry : network_->named_parameters()) {
      found[entry.key()] = entry.value().grad().clone();
    }
    return found;
  };
  const auto exact = gradients(network_->forward(images));
  const SimulatedQuantization simulation(post_training_.graph);
  for (const auto& [name, rounded] : gradients(simulation.run(network_->layers(), images))) {
    const at::Tensor& other = exact.at(name);
    ASSERT_GT(rounded.norm().item<double>(), 0) << name;
    const double cosine =
        (rounded * other).sum().item<double>() / (rounded.norm() * other.norm()).item<double>();
    EXPECT_GT(cosine, 0.9) << name;
  }
}

TEST_P(SimulatedQuantizationTest, TellsOfWeightsThatAreNotFinite) {
  const torch::NoGradGuard no_grad;
  const SimulatedQuantization simulation(post_training_.graph);
  EXPECT_TRUE(simulation.run(network_->layers(), images_[0]).isfinite().all().item<bool>());
  for (const double value : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    network_->units()[1]->weight[0][0][0][0] = value;
    EXPECT_TRUE(simulation.run(network_->layers(), images_[0]).isnan().all().item<bool>());
  }
}

// What is learned is a quantization of the engine, at every moment.
TEST_P(SimulatedQuantizationTest, EqualsItWithStepsThatWereLearned) {
  learned_ = simulation().learnable();
  EXPECT_EQ(learned_.empty(), GetParam().activations == 8);
  if (learned_.empty()) return;
  expect_equality();
  const engine::Graph before = quantized();
  for (auto& [name, steps] : learned_) steps = steps * (0.7 + 0.5 * at::rand_like(steps));
  expect_equality();
  const engine::Graph after = quantized();
  int changed = 0;
  for (std::size_t id = 0; id < after.tensors.size(); ++id) {
    const auto tensor = static_cast<engine::TensorId>(id);
    const auto& [scale, zero_point] = after.info_of(tensor).quantization;
    if (after.tensors[id].type != engine::DataType::kInt4) continue;
    EXPECT_EQ(zero_point, before.info_of(tensor).quantization.zero_point);
    changed += scale != before.info_of(tensor).quantization.scale ? 1 : 0;
  }
  EXPECT_EQ(changed, learned_.begin()->second.numel());
}

// A step that is far too small clips nearly all: a larger one brings outputs nearer to those in floats.
TEST_P(SimulatedQuantizationTest, GradientsReachTheSteps) {
  learned_ = simulation().learnable();
  if (learned_.empty()) return;
  const at::Tensor images = at::cat(images_);
  const auto others_at = [&](const supernet::TensorDictionary& learned) {
    simulation().run(network_->layers(), images, learned).sum().backward();
    const at::Tensor gradient = network_->units()[0]->weight.grad().clone();
    network_->units()[0]->weight.mutable_grad() = at::Tensor();
    return gradient;
  };
  EXPECT_TRUE(others_at(learned_).allclose(others_at({}))) << "as if the steps were not learned";
  const auto gradient_at = [&](double factor) {
    at::Tensor& steps = learned_.begin()->second;
    steps = (simulation().learnable().begin()->second * factor).requires_grad_();
    const at::Tensor outputs = simulation().run(network_->layers(), images, learned_);
    (outputs - network_->forward(images).detach()).square().sum().backward();
    return steps.grad();
  };
  EXPECT_GT(gradient_at(1).abs().min().item<float>(), 0) << "each step matters";
  EXPECT_LT(gradient_at(0.05).sum().item<float>(), 0);
}

TEST_P(SimulatedQuantizationTest, TellsOfStepsThatAreNotFinite) {
  learned_ = simulation().learnable();
  if (learned_.empty()) return;
  learned_.begin()->second[0] = std::nan("");
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(
      simulation().run(network_->layers(), images_[0], learned_).isnan().all().item<bool>());
}

INSTANTIATE_TEST_SUITE_P(Widths, SimulatedQuantizationTest,
                         testing::Values(engine::BitWidths{}, engine::BitWidths{.weights = 4},
                                         engine::BitWidths{4, 4}),
                         [](const auto& test) {
                           return fmt::format("w{}a{}", test.param.weights, test.param.activations);
                         });

}  // namespace
}  // namespace mcunet::pipeline
