#include "pipeline/float_graph.hpp"

#include <gmock/gmock.h>

#include "trained_network.hpp"

namespace mcunet::pipeline {
namespace {

TEST(FloatGraph, FoldedGraphComputesWhatTheNetworkDoes) {
  using search::space::Form;
  using search::space::Head;
  for (const auto& [form, head] : {std::pair(Form::kSquare, Head::kPooled),
                                   {Form::kLine, Head::kPooled},
                                   {Form::kSquare, Head::kGrid}}) {
    search::space::Network description = small_network();
    description.form = form;
    description.head = head;
    supernet::FixedNetwork network = trained_network(description);
    const at::Tensor images = at::randn({6, 3, rows_of(form, 32), 32});
    const torch::NoGradGuard no_grad;
    const at::Tensor expected = network->forward(images);
    const at::Tensor actual = FloatExecutor(lower(network)).run(images);
    ASSERT_EQ(actual.sizes(), expected.sizes());
    EXPECT_GT(expected.std().item<float>(), 0.1);
    EXPECT_LT((actual - expected).abs().max().item<float>(),
              1e-4 * expected.abs().max().item<float>());
  }
}

TEST(FloatGraph, ObserverSeesEveryTensorOnceWithItsValues) {
  supernet::FixedNetwork network = trained_network(small_network());
  const FloatGraph lowered = lower(network);
  std::vector<int> seen(lowered.graph.tensors.size());
  const at::Tensor images = at::randn({2, 3, 32, 32});
  FloatExecutor(lowered).run(images, [&](engine::TensorId id, std::span<const float> values) {
    ++seen[id];
    EXPECT_EQ(static_cast<std::int64_t>(values.size()),
              2 * lowered.graph.tensors[id].shape.elements());
  });
  EXPECT_THAT(seen, testing::Each(1));
}

TEST(FloatGraph, ParametersHaveTheLayoutsOfTheEngine) {
  supernet::FixedNetwork network = trained_network(small_network());
  {
    const torch::NoGradGuard no_grad;
    for (const supernet::ConvBatchNorm& unit : network->units()) {
      unit->bn_weight.fill_(1);
      unit->running_var.fill_(1 - unit->shape().epsilon);
      unit->running_mean.fill_(0);
    }
  }
  const FloatGraph lowered = lower(network);
  const auto& stem = network->units()[0]->weight;
  const std::vector<float>& weights = lowered.parameters[0].weights;
  // [out, height, width, in] of a 3x3 kernel over 3 channels.
  EXPECT_NEAR(weights[((4 * 3 + 2) * 3 + 1) * 3 + 0], stem[4][0][2][1].item<float>(), 1e-6);
  const auto& depthwise = network->units()[1]->weight;
  // [1, height, width, out] over 8 channels.
  EXPECT_NEAR(lowered.parameters[1].weights[(2 * 3 + 0) * 8 + 5],
              depthwise[5][0][2][0].item<float>(), 1e-6);
}

}  // namespace
}  // namespace mcunet::pipeline
