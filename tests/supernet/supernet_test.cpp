#include "mcunet/supernet/supernet.hpp"

#include <gmock/gmock.h>

#include <map>

#include "mcunet/core/error.hpp"
#include "supernet/small_space.hpp"
#include "supernet/stock_operators.hpp"

namespace mcunet::supernet {
namespace {

using search::space::Sampling;
using search::space::Subnet;

at::Tensor images_for(const Subnet& subnet, std::int64_t count = 4,
                      search::space::Form form = search::space::Form::kSquare) {
  at::manual_seed(subnet.resolution);
  const int rows = rows_of(form, subnet.resolution);
  return at::randn({count, 3, rows, subnet.resolution});
}

// Weights of a supernet that is not at its beginning: all channels, scales and statistics differ.
void shuffle_weights(const Supernet& supernet) {
  const at::NoGradGuard no_grad;
  at::manual_seed(3);
  for (const auto& item : supernet->named_parameters()) {
    at::Tensor value = item.value();
    if (item.key().find("bn_") != std::string::npos) {
      value.copy_(at::rand_like(value) + 0.5);
    } else if (item.key().find("transform") != std::string::npos) {
      value.add_(0.1 * at::randn_like(value));
    }
  }
  for (const auto& item : supernet->named_buffers()) {
    at::Tensor value = item.value();
    value.copy_(at::rand_like(value) + 0.5);
  }
}

std::vector<Subnet> samples(const Supernet& supernet, int count) {
  std::vector<Subnet> subnets = {largest(supernet->space()), smallest(supernet->space())};
  RandomStream random(5);
  while (static_cast<int>(subnets.size()) < count) {
    subnets.push_back(sample(supernet->space(), Sampling::kUniformGenes, random));
  }
  return subnets;
}

class SupernetWithTransforms : public testing::TestWithParam<bool> {
 protected:
  SupernetWithTransforms()
      : supernet_(small_space(), SupernetOptions{.learned_kernel_transforms = GetParam()}) {
    shuffle_weights(supernet_);
  }

  Supernet supernet_;
};

TEST_P(SupernetWithTransforms, SubnetEqualsItsExtractionWhenEvaluated) {
  supernet_->eval();
  for (const Subnet& subnet : samples(supernet_, 12)) {
    const at::Tensor images = images_for(subnet);
    FixedNetwork network = supernet_->extract(subnet);
    EXPECT_FALSE(network->is_training());
    const at::Tensor logits = supernet_->forward(images, subnet);
    EXPECT_EQ(logits.sizes(), (std::vector<std::int64_t>{4, 7}));
    EXPECT_LT(largest_difference(network->forward(images), logits), 1e-5);
  }
}

TEST_P(SupernetWithTransforms, SubnetEqualsItsExtractionWhenTrained) {
  for (const Subnet& subnet : samples(supernet_, 12)) {
    const at::Tensor images = images_for(subnet);
    FixedNetwork network = supernet_->extract(subnet);
    EXPECT_TRUE(network->is_training());
    EXPECT_LT(largest_difference(network->forward(images), supernet_->forward(images, subnet)),
              1e-5);
    // Statistics moved alike.
    FixedNetwork after = supernet_->extract(subnet);
    const auto buffers = after->named_buffers();
    for (const auto& item : network->named_buffers()) {
      EXPECT_LT(largest_difference(item.value(), buffers[item.key()]), 1e-5) << item.key();
    }
  }
}

TEST_P(SupernetWithTransforms, SortingLeavesTheLargestUnchanged) {
  supernet_->eval();
  const Subnet subnet = largest(supernet_->space());
  const at::Tensor images = images_for(subnet);
  const at::Tensor before = supernet_->forward(images, subnet);
  std::map<std::string, at::Tensor> values;
  for (const auto& item : supernet_->named_parameters()) values[item.key()] = item.value().clone();
  for (const auto& item : supernet_->named_buffers()) values[item.key()] = item.value().clone();
  const std::vector<TensorPermutation> permutations = supernet_->sort_channels();
  EXPECT_LT(largest_difference(supernet_->forward(images, subnet), before), 1e-4);
  // The reported permutations are what was done, and all that was done.
  for (const TensorPermutation& permutation : permutations) {
    at::Tensor& value = values.at(permutation.name);
    value = value.index_select(permutation.dim, permutation.order);
  }
  for (const auto& item : supernet_->named_parameters()) {
    EXPECT_TRUE(at::equal(values[item.key()], item.value())) << item.key();
  }
  for (const auto& item : supernet_->named_buffers()) {
    EXPECT_TRUE(at::equal(values[item.key()], item.value())) << item.key();
  }
  for (std::size_t i = 1; i < supernet_->layers().blocks.size(); ++i) {
    const at::Tensor importance =
        supernet_->layers().blocks[i].project->weight.abs().sum({0, 2, 3});
    EXPECT_TRUE((importance.narrow(0, 0, importance.size(0) - 1) >=
                 importance.narrow(0, 1, importance.size(0) - 1))
                    .all()
                    .item<bool>());
  }
}

INSTANTIATE_TEST_SUITE_P(, SupernetWithTransforms, testing::Bool(),
                         [](const auto& test) { return test.param ? "Learned" : "Centre"; });

TEST(Supernet, LargestIsTheFullNetwork) {
  Supernet supernet(small_space());
  shuffle_weights(supernet);
  supernet->eval();
  const Subnet subnet = largest(supernet->space());
  FixedNetwork network = supernet->extract(subnet);
  for (const auto& item : supernet->named_parameters()) {
    EXPECT_TRUE(at::equal(network->named_parameters()[item.key()], item.value())) << item.key();
  }
  for (const auto& item : supernet->named_buffers()) {
    EXPECT_TRUE(at::equal(network->named_buffers()[item.key()], item.value())) << item.key();
  }
}

TEST(Supernet, LearnedTransformsBeginAsTheCentreWindow) {
  Supernet plain(small_space());
  Supernet learned(small_space(), SupernetOptions{.learned_kernel_transforms = true});
  EXPECT_TRUE(learned->named_parameters().contains("blocks.1.depthwise.transform_7to5"));
  EXPECT_TRUE(learned->named_parameters().contains("blocks.1.depthwise.transform_5to3"));
  for (const Subnet& subnet : samples(plain, 5)) {
    const at::Tensor images = images_for(subnet);
    EXPECT_LT(largest_difference(plain->forward(images, subnet), learned->forward(images, subnet)),
              1e-5);
  }
}

TEST(Supernet, LearnedTransformsGetGradients) {
  Supernet supernet(small_space(), SupernetOptions{.learned_kernel_transforms = true});
  const Subnet subnet = smallest(supernet->space());
  supernet->forward(images_for(subnet), subnet).square().sum().backward();
  const auto parameters = supernet->named_parameters();
  EXPECT_GT(parameters["blocks.1.depthwise.transform_5to3"].grad().abs().sum().item<float>(), 0);
  EXPECT_GT(parameters["blocks.1.depthwise.transform_7to5"].grad().abs().sum().item<float>(), 0);
}

TEST(Supernet, GradientsReachOnlyTheSlicesInUse) {
  Supernet supernet(small_space());
  Subnet subnet = smallest(supernet->space());
  supernet->forward(images_for(subnet), subnet).square().sum().backward();
  const FixedNetwork network = supernet->extract(subnet);
  const auto is_unused = [](const at::Tensor& gradient) {
    return !gradient.defined() || gradient.abs().max().item<float>() == 0;
  };
  // Stage 0 has one of its three blocks, blocks 1 to 3.
  const auto& blocks = supernet->layers().blocks;
  EXPECT_TRUE(is_unused(blocks[2].depthwise->weight.grad()));
  EXPECT_TRUE(is_unused(blocks[3].expand->bn_weight.grad()));
  const BlockLayers& used = blocks[1];
  const std::int64_t channels = network->layers().blocks[1].depthwise->weight.size(0);
  const std::int64_t rest = used.depthwise->weight.size(0) - channels;
  ASSERT_GT(rest, 0);
  for (const at::Tensor& parameter :
       {used.expand->weight, used.expand->bn_weight, used.expand->bn_bias, used.depthwise->weight,
        used.depthwise->bn_weight, used.depthwise->bn_bias}) {
    EXPECT_TRUE(is_unused(parameter.grad().narrow(0, channels, rest)));
    EXPECT_FALSE(is_unused(parameter.grad().narrow(0, 0, channels)));
  }
  EXPECT_TRUE(is_unused(used.project->weight.grad().narrow(1, channels, rest)));
  EXPECT_FALSE(is_unused(used.project->weight.grad().narrow(1, 0, channels)));
  // The kernel is 3 of 7.
  at::Tensor border = used.depthwise->weight.grad().clone();
  EXPECT_FALSE(is_unused(border.narrow(2, 2, 3).narrow(3, 2, 3)));
  border.narrow(2, 2, 3).narrow(3, 2, 3).zero_();
  EXPECT_TRUE(is_unused(border));
}

TEST(Supernet, GradientsEqualTheExtractedNetworks) {
  Supernet supernet(small_space());
  for (const Subnet& subnet : samples(supernet, 4)) {
    supernet->zero_grad();
    const at::Tensor images = images_for(subnet);
    FixedNetwork network = supernet->extract(subnet);
    supernet->forward(images, subnet).square().sum().backward();
    network->forward(images).square().sum().backward();
    const at::Tensor expected = network->layers().stem->weight.grad();
    const double size = std::max(1e-6, expected.abs().max().item<double>());
    EXPECT_LT(largest_difference(supernet->layers().stem->weight.grad(), expected) / size, 1e-3);
    EXPECT_LT(largest_difference(supernet->layers().head_weight.grad(),
                                 network->layers().head_weight.grad()),
              1e-4);
  }
}

TEST(Supernet, OnALineHasKernelsOfOneRow) {
  search::space::SearchSpace space = small_space();
  space.form = search::space::Form::kLine;
  for (const bool transforms : {false, true}) {
    Supernet supernet(space, SupernetOptions{.learned_kernel_transforms = transforms});
    shuffle_weights(supernet);
    EXPECT_EQ(supernet->layers().blocks.back().depthwise->weight.sizes().slice(1),
              (std::vector<std::int64_t>{1, 1, 7}));
    supernet->eval();
    for (const Subnet& subnet : samples(supernet, 8)) {
      const at::Tensor inputs = images_for(subnet, 3, space.form);
      FixedNetwork extracted = supernet->extract(subnet);
      EXPECT_LT(largest_difference(supernet->forward(inputs, subnet), extracted->forward(inputs)),
                1e-5);
    }
    EXPECT_THROW(supernet->forward(images_for(largest(space)), largest(space)), Error);
  }
}

TEST(Supernet, ExtractionSharesNoMemory) {
  Supernet supernet(small_space());
  const Subnet subnet = largest(supernet->space());
  FixedNetwork network = supernet->extract(subnet);
  const at::Tensor before = supernet->layers().stem->weight.clone();
  {
    const at::NoGradGuard no_grad;
    network->layers().stem->weight.zero_();
  }
  EXPECT_TRUE(at::equal(supernet->layers().stem->weight, before));
}

TEST(Supernet, DependsOnItsSeedAlone) {
  const Supernet a(small_space());
  const Supernet b(small_space());
  const Supernet c(small_space(), SupernetOptions{.init = {.seed = 1}});
  for (const auto& item : a->named_parameters()) {
    EXPECT_TRUE(at::equal(item.value(), b->named_parameters()[item.key()])) << item.key();
  }
  EXPECT_FALSE(at::equal(a->layers().stem->weight, c->layers().stem->weight));
}

TEST(Supernet, RepeatsItsGradientsBitForBit) {
  std::vector<at::Tensor> gradients;
  for (int run = 0; run < 2; ++run) {
    Supernet supernet(small_space());
    const Subnet subnet = largest(supernet->space());
    supernet->forward(images_for(subnet), subnet).square().sum().backward();
    gradients.push_back(supernet->layers().stem->weight.grad());
  }
  EXPECT_TRUE(at::equal(gradients[0], gradients[1]));
}

TEST(Supernet, RefusesWhatIsNotInTheSpace) {
  Supernet supernet(small_space());
  const auto message = [&](const Subnet& subnet, const at::Tensor& images) -> std::string {
    try {
      supernet->forward(images, subnet);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const Subnet good = largest(supernet->space());
  Subnet bad = good;
  bad.resolution = 40;
  EXPECT_THAT(message(bad, images_for(bad)), testing::HasSubstr("resolution"));
  bad = good;
  bad.blocks[0].kernel = 9;
  EXPECT_THAT(message(bad, images_for(bad)), testing::HasSubstr("kernels[0][0]: must be one of"));
  bad = good;
  bad.blocks[3].expand_ratio = 5;
  EXPECT_THAT(message(bad, images_for(bad)),
              testing::HasSubstr("expand_ratios[1][0]: must be one of"));
  bad = good;
  bad.depths[0] = 4;
  EXPECT_THAT(message(bad, images_for(bad)), testing::HasSubstr("depths[0]: must be one of"));
  bad = good;
  bad.depths.pop_back();
  EXPECT_THAT(message(bad, images_for(bad)), testing::HasSubstr("stages"));
  EXPECT_THAT(message(good, at::zeros({1, 3, 24, 24})), testing::HasSubstr("takes inputs"));
  search::space::SearchSpace space = small_space();
  space.widths = {0.5, 1.0};
  EXPECT_THROW(Supernet{space}, Error);
}

}  // namespace
}  // namespace mcunet::supernet
