#include "sgd.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/optim/sgd.h>

#include "core/error_text.hpp"

namespace mcunet::supernet {
namespace {

std::vector<std::pair<std::string, at::Tensor>> make_parameters() {
  at::manual_seed(1);
  std::vector<std::pair<std::string, at::Tensor>> parameters;
  parameters.emplace_back("weight", at::randn({4, 3}));
  parameters.emplace_back("bias", at::randn({4}));
  for (auto& [name, tensor] : parameters) tensor.set_requires_grad(true);
  return parameters;
}

// A gradient that depends on the parameter and the step.
void set_gradients(const std::vector<at::Tensor>& parameters, int step) {
  for (at::Tensor parameter : parameters) {
    parameter.mutable_grad() = (parameter * 0.3 + (step + 1)).sin().detach().clone();
  }
}

struct Setting {
  double momentum;
  bool nesterov;
  double weight_decay;
};

class SgdTest : public testing::TestWithParam<Setting> {};

TEST_P(SgdTest, EqualsTorch) {
  const Setting setting = GetParam();
  const auto ours = make_parameters();
  std::vector<at::Tensor> own;
  std::vector<at::Tensor> reference;
  for (const auto& [name, tensor] : ours) {
    own.push_back(tensor);
    reference.push_back(tensor.detach().clone().set_requires_grad(true));
  }
  Sgd sgd(ours, {.momentum = setting.momentum,
                 .nesterov = setting.nesterov,
                 .weight_decay = setting.weight_decay});
  torch::optim::SGD torch_sgd(reference, torch::optim::SGDOptions(0.1)
                                             .momentum(setting.momentum)
                                             .nesterov(setting.nesterov)
                                             .weight_decay(setting.weight_decay));
  for (int step = 0; step < 5; ++step) {
    set_gradients(own, step);
    set_gradients(reference, step);
    sgd.step(0.1);
    torch_sgd.step();
    for (std::size_t i = 0; i < own.size(); ++i) {
      EXPECT_TRUE(at::allclose(own[i], reference[i], 1e-6, 1e-7)) << "step " << step;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Settings, SgdTest,
                         testing::Values(Setting{0, false, 0}, Setting{0.9, false, 0},
                                         Setting{0.9, true, 0}, Setting{0.9, false, 0.1},
                                         Setting{0.9, true, 0.1}));

TEST(Sgd, NormAndBiasMayBeSparedDecay) {
  const auto parameters = make_parameters();
  const at::Tensor weight = parameters[0].second.detach().clone();
  const at::Tensor bias = parameters[1].second.detach().clone();
  Sgd sgd(parameters, {.weight_decay = 0.5, .decay_norm_and_bias = false});
  sgd.zero_gradients();
  sgd.step(0.1);
  EXPECT_TRUE(at::allclose(parameters[0].second, weight * 0.95));
  EXPECT_TRUE(parameters[1].second.equal(bias));
}

TEST(Sgd, EveryParameterHasAGradient) {
  const auto parameters = make_parameters();
  Sgd sgd(parameters, {});
  for (const auto& [name, tensor] : parameters) {
    ASSERT_TRUE(tensor.grad().defined()) << name;
    EXPECT_EQ(tensor.grad().abs().sum().item<double>(), 0);
  }
}

TEST(Sgd, GradientNormAndScale) {
  const auto parameters = make_parameters();
  Sgd sgd(parameters, {});
  at::Tensor weight = parameters[0].second;
  at::Tensor bias = parameters[1].second;
  weight.mutable_grad().fill_(1);
  bias.mutable_grad().fill_(-1);
  EXPECT_NEAR(sgd.gradient_norm().item<double>(), 4, 1e-6);
  sgd.scale_gradients(at::full({}, 0.25, at::kDouble));
  EXPECT_NEAR(sgd.gradient_norm().item<double>(), 1, 1e-6);
  bias.mutable_grad().fill_(std::numeric_limits<float>::quiet_NaN());
  EXPECT_TRUE(std::isnan(sgd.gradient_norm().item<double>()));
}

TEST(Sgd, MomentumFollowsChannelsThatAreReordered) {
  const auto parameters = make_parameters();
  Sgd sgd(parameters, {});
  set_gradients({parameters[0].second, parameters[1].second}, 0);
  sgd.step(0.1);
  const at::Tensor weight = sgd.state().at("weight").clone();
  const at::Tensor bias = sgd.state().at("bias").clone();
  const at::Tensor order = at::tensor({2, 0, 1}, at::kLong);
  sgd.reorder({{"weight", 1, order}, {"running_mean", 0, order}});
  EXPECT_TRUE(sgd.state().at("weight").equal(weight.index_select(1, order)));
  EXPECT_TRUE(sgd.state().at("bias").equal(bias));
}

TEST(Sgd, StateGoesAround) {
  const auto parameters = make_parameters();
  Sgd sgd(parameters, {});
  set_gradients({parameters[0].second, parameters[1].second}, 0);
  sgd.step(0.1);
  TensorDictionary state = sgd.state();
  const at::Tensor momentum = state.at("weight").clone();
  EXPECT_GT(momentum.abs().sum().item<double>(), 0);
  sgd.reset_momentum();
  EXPECT_EQ(sgd.state().at("weight").abs().sum().item<double>(), 0);
  sgd.load_state({{"weight", momentum}, {"bias", at::ones({4})}}, "a checkpoint");
  EXPECT_TRUE(sgd.state().at("weight").equal(momentum));
  const auto error_for = [&](const TensorDictionary& loaded) {
    return error_of([&] { sgd.load_state(loaded, "a checkpoint"); });
  };
  EXPECT_EQ(error_for({{"weight", momentum}}), "a checkpoint: bias: is missing");
  EXPECT_EQ(error_for({{"weight", momentum}, {"bias", at::ones({3})}}),
            "a checkpoint: bias: has the shape [3], expected [4]");
  EXPECT_EQ(error_for({{"weight", momentum}, {"bias", at::full({4}, NAN)}}),
            "a checkpoint: bias: has elements that are infinite or no numbers");
}

}  // namespace
}  // namespace mcunet::supernet
