#include "mcunet/supernet/module_weights.hpp"

#include <ATen/Functions.h>
#include <gmock/gmock.h>

#include <cmath>

#include "core/error_text.hpp"
#include "supernet/tiny_training.hpp"

namespace mcunet::supernet {
namespace {

using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class ModuleWeights : public testing::Test {
 protected:
  Supernet supernet_{tiny_space(), SupernetOptions{.init = {.seed = 1}}};
  Supernet other_{tiny_space(), SupernetOptions{.init = {.seed = 2}}};
};

TEST_F(ModuleWeights, HoldParametersAndBuffersAndShareTheirMemory) {
  const TensorDictionary weights = weights_of(*supernet_);
  EXPECT_EQ(weights.size(),
            supernet_->named_parameters().size() + supernet_->named_buffers().size());
  for (const auto& entry : supernet_->named_parameters()) {
    const at::Tensor& tensor = weights.at(entry.key());
    EXPECT_FALSE(tensor.requires_grad());
    EXPECT_EQ(tensor.data_ptr(), entry.value().data_ptr());
  }
}

TEST_F(ModuleWeights, MoveFromOneNetworkToAnother) {
  EXPECT_THAT(differing(weights_of(*supernet_), weights_of(*other_)), Not(IsEmpty()));
  load_weights(*other_, weights_of(*supernet_), "x.pt");
  EXPECT_THAT(differing(weights_of(*supernet_), weights_of(*other_)), IsEmpty());
  // As a copy.
  weights_of(*supernet_).begin()->second.add_(1);
  EXPECT_THAT(differing(weights_of(*supernet_), weights_of(*other_)), Not(IsEmpty()));
}

TEST_F(ModuleWeights, OfAnotherNetworkAreRefused) {
  TensorDictionary weights = weights_of(*supernet_);
  const std::string name = weights.begin()->first;
  weights[name] = at::zeros({3});
  EXPECT_THAT(error_of([&] { load_weights(*supernet_, weights, "x.pt"); }),
              StartsWith("x.pt: " + name + ": has the shape [3], expected ["));
  weights.erase(name);
  EXPECT_EQ(error_of([&] { load_weights(*supernet_, weights, "x.pt"); }),
            "x.pt: " + name + ": is missing");
  weights["blocks.77.weight"] = at::zeros({3});
  EXPECT_EQ(error_of([&] { load_weights(*supernet_, weights, "x.pt"); }),
            "x.pt: blocks.77.weight: this network has no such tensor");
}

TEST_F(ModuleWeights, OfOtherTypesOrWithoutValuesAreRefused) {
  const std::string name = weights_of(*supernet_).begin()->first;
  const auto error_for = [&](const at::Tensor& spoilt) {
    TensorDictionary weights = weights_of(*other_);
    weights[name] = spoilt;
    return error_of([&] { load_weights(*supernet_, weights, "x.pt"); });
  };
  const TensorDictionary before = weights_of(*supernet_);
  const at::Tensor good = before.begin()->second.clone();
  EXPECT_EQ(error_for(good.to(at::kLong)),
            "x.pt: " + name + ": has elements of type Long, expected Float");
  EXPECT_EQ(error_for(good.to(at::kDouble)),
            "x.pt: " + name + ": has elements of type Double, expected Float");
  for (const double value : {NAN, INFINITY, -INFINITY}) {
    at::Tensor spoilt = good.clone();
    spoilt.view({-1})[0] = value;
    EXPECT_EQ(error_for(spoilt),
              "x.pt: " + name + ": has elements that are infinite or no numbers");
  }
  EXPECT_TRUE(weights_of(*supernet_).at(name).equal(good));  // nothing of a bad file is taken over
}

}  // namespace
}  // namespace mcunet::supernet
