#include "mcunet/supernet/fixed_network.hpp"

#include <gmock/gmock.h>

#include "supernet/small_space.hpp"
#include "supernet/stock_operators.hpp"

namespace mcunet::supernet {
namespace {

search::space::Network small_network() {
  return build_network(small_space(), largest(small_space()));
}

at::Tensor stock_forward(const FixedNetwork& network, const at::Tensor& images,
                         const NormStatistics& statistics) {
  const NetworkLayers& layers = network->layers();
  const auto run = [&](const ConvBatchNorm& unit, const at::Tensor& input) {
    return stock_conv_batch_norm(input, {}, unit->tensors(), unit->shape(), statistics);
  };
  at::Tensor features = run(layers.stem, images);
  for (std::size_t i = 0; i < layers.blocks.size(); ++i) {
    const BlockLayers& block = layers.blocks[i];
    at::Tensor hidden = block.expand.is_empty() ? features : run(block.expand, features);
    hidden = run(block.project, run(block.depthwise, hidden));
    features = network->description().blocks[i].has_residual ? features + hidden : hidden;
  }
  features = run(layers.feature_mix, features);
  if (network->description().head == search::space::Head::kGrid) {
    return at::linear(features.permute({0, 2, 3, 1}), layers.head_weight, layers.head_bias)
        .permute({0, 3, 1, 2});
  }
  features = features.mean({2, 3});
  return at::linear(features, layers.head_weight, layers.head_bias);
}

TEST(FixedNetwork, ComputesWhatItsDescriptionSays) {
  FixedNetwork network(small_network());
  const at::Tensor images = at::randn({4, 3, 32, 32});
  network->eval();
  EXPECT_LT(largest_difference(network->forward(images), stock_forward(network, images, {})), 1e-5);
  network->train();
  const NormStatistics still{.from_batch = true, .momentum = 0};
  EXPECT_LT(largest_difference(network->forward(images, {}, still),
                               stock_forward(network, images, still)),
            1e-5);
}

TEST(FixedNetwork, OnAGridHasOutputsAtEveryPlace) {
  search::space::SearchSpace space = small_space();
  space.boxes_per_cell = 2;
  FixedNetwork network(build_network(space, largest(space)));
  const at::Tensor images = at::randn({2, 3, 32, 32});
  network->eval();
  const at::Tensor outputs = network->forward(images);
  EXPECT_EQ(outputs.sizes(), (std::vector<std::int64_t>{2, 2 * (5 + 7), 4, 4}));
  EXPECT_LT(largest_difference(outputs, stock_forward(network, images, {})), 1e-5);
}

TEST(FixedNetwork, ListsItsUnitsInTheOrderOfTheData) {
  const search::space::Network description = small_network();
  const FixedNetwork network(description);
  const std::vector<ConvBatchNorm> units = network->units();
  ASSERT_EQ(units.size(), 1 + 2 + 3 * (description.blocks.size() - 1) + 1);
  for (std::size_t i = 1; i < units.size(); ++i) {
    EXPECT_EQ(units[i]->shape().in_channels, units[i - 1]->shape().out_channels);
  }
}

TEST(FixedNetwork, NamesItsTensors) {
  const FixedNetwork network(small_network());
  const auto parameters = network->named_parameters();
  const auto buffers = network->named_buffers();
  for (const char* name :
       {"stem.weight", "blocks.0.depthwise.weight", "blocks.3.expand.bn_weight",
        "blocks.3.project.bn_bias", "feature_mix.weight", "classifier.weight", "classifier.bias"}) {
    EXPECT_TRUE(parameters.contains(name)) << name;
  }
  EXPECT_TRUE(buffers.contains("blocks.3.depthwise.running_mean"));
  EXPECT_TRUE(buffers.contains("stem.running_var"));
  EXPECT_FALSE(parameters.contains("blocks.0.expand.weight"));
}

TEST(FixedNetwork, BeginsAsHeSaid) {
  const FixedNetwork network(small_network(), WeightInit{.seed = 2, .zero_residual_scale = true});
  const NetworkLayers& layers = network->layers();
  const at::Tensor& expand = layers.blocks[1].expand->weight;
  EXPECT_NEAR(expand.std().item<double>(), std::sqrt(2.0 / static_cast<double>(expand.size(0))),
              0.02);
  EXPECT_NEAR(layers.blocks[1].depthwise->weight.std().item<double>(), std::sqrt(2.0 / 49), 0.02);
  EXPECT_NEAR(layers.head_weight.std().item<double>(), 0.01, 0.002);
  EXPECT_EQ(layers.blocks[2].project->bn_weight.abs().max().item<float>(), 0);
  EXPECT_EQ(layers.blocks[1].project->bn_weight.min().item<float>(), 1);
}

TEST(FixedNetwork, IsFiniteAndNearInBfloat16) {
  FixedNetwork network(small_network());
  const at::Tensor images = at::randn({16, 3, 32, 32});
  const at::Tensor wide = network->forward(images);
  const at::Tensor narrow = network->forward(images, {.precision = Precision::kBfloat16});
  EXPECT_EQ(narrow.scalar_type(), at::kFloat);
  EXPECT_LT(largest_difference(wide, narrow), 0.1 * wide.abs().max().item<double>());
  narrow.square().sum().backward();
  for (const auto& item : network->named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_EQ(item.value().grad().scalar_type(), at::kFloat);
    EXPECT_TRUE(at::isfinite(item.value().grad()).all().item<bool>()) << item.key();
  }
}

TEST(FixedNetwork, DropsOutInTrainingAlone) {
  FixedNetwork network(small_network());
  const at::Tensor images = at::randn({4, 3, 32, 32});
  network->eval();
  EXPECT_TRUE(at::equal(network->forward(images, {.dropout = 0.5}), network->forward(images)));
  const NormStatistics still{.from_batch = true, .momentum = 0};
  network->train();
  EXPECT_FALSE(at::equal(network->forward(images, {.dropout = 0.5}, still),
                         network->forward(images, {}, still)));
}

}  // namespace
}  // namespace mcunet::supernet
