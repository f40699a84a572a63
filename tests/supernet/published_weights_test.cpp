#include "mcunet/supernet/published_weights.hpp"

#include <ATen/Functions.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "core/error_text.hpp"
#include "mcunet/supernet/module_weights.hpp"
#include "supernet/published_names.hpp"
#include "supernet/small_space.hpp"
#include "supernet/tiny_training.hpp"

namespace mcunet::supernet {
namespace {

using testing::IsEmpty;

// The largest network of a space, whose middle block has no expansion, with a feature mix.
search::space::Network small_network() {
  const search::space::SearchSpace space = small_space();
  return build_network(space, largest(space));
}

class PublishedWeights : public testing::Test {
 protected:
  static TensorDictionary by_own(const TensorDictionary& published, const TensorDictionary& own) {
    return by_own_names(published, own, "x.pth");
  }
  std::string error_for(const TensorDictionary& published) const {
    return error_of([&] { by_own(published, own_); });
  }

  FixedNetwork network_{small_network(), WeightInit{.seed = 1}};
  TensorDictionary own_ = weights_of(*network_);
  TensorDictionary published_ = by_published_names(own_);
};

TEST_F(PublishedWeights, AreFoundByTheirNames) {
  for (const char* name : {"first_conv.conv.weight", "first_conv.bn.running_var",
                           "blocks.0.mobile_inverted_conv.depth_conv.conv.weight",
                           "blocks.1.mobile_inverted_conv.inverted_bottleneck.bn.bias",
                           "blocks.1.mobile_inverted_conv.point_linear.bn.num_batches_tracked",
                           "feature_mix_layer.conv.weight", "classifier.linear.bias"}) {
    EXPECT_TRUE(published_.contains(name)) << name;
  }
  EXPECT_TRUE(are_published(published_));
  EXPECT_FALSE(are_published(own_));
  EXPECT_THAT(differing(by_own(published_, own_), own_), IsEmpty());
}

TEST_F(PublishedWeights, MayComeFromSeveralGpusOrWithoutCounters) {
  TensorDictionary parallel;
  for (const auto& [name, tensor] : published_) parallel.emplace("module." + name, tensor);
  EXPECT_TRUE(are_published(parallel));
  EXPECT_THAT(differing(by_own(parallel, own_), own_), IsEmpty());
  std::erase_if(published_, [](const auto& entry) { return entry.first.ends_with("_tracked"); });
  EXPECT_THAT(differing(by_own(published_, own_), own_), IsEmpty());
}

// Numbers with one digit and with two, in their order.
TEST_F(PublishedWeights, OfBareShortcutsAreNone) {
  EXPECT_THAT(differing(by_own(by_published_names(own_, /*shortcuts_before=*/2), own_), own_),
              IsEmpty());
}

TEST_F(PublishedWeights, MayHaveAClassifierOfOtherOutputs) {
  published_["classifier.linear.weight"] = at::ones({3, 40});
  published_["classifier.linear.bias"] = at::ones({3});
  const TensorDictionary read = by_own(published_, own_);
  EXPECT_TRUE(read.at("classifier.weight").equal(at::ones({3, 40})));
  EXPECT_TRUE(read.at("stem.weight").equal(own_.at("stem.weight")));
}

TEST_F(PublishedWeights, OfAnotherNetworkAreRefusedByTheirNames) {
  const std::string conv = "blocks.2.mobile_inverted_conv.point_linear.conv.weight";
  struct Case {
    std::function<void(TensorDictionary&)> spoil;
    std::string message;  // after "x.pth: "
  };
  const Case cases[] = {
      {[&](auto& t) { t.erase(conv); }, conv + ": is missing"},
      {[](auto& t) { t.erase("first_conv.bn.running_mean"); },
       "first_conv.bn.running_mean: is missing"},
      {[](auto& t) { t.erase("classifier.linear.bias"); }, "classifier.linear.bias: is missing"},
      {[&](auto& t) {
         t[conv] = at::zeros({8, 3, 1, 1});
       },
       conv + ": has the shape [8, 3, 1, 1], expected [8, 48, 1, 1]"},
      {[&](auto& t) { t[conv] = t[conv].to(at::kHalf); },
       conv + ": has elements of type Half, expected Float"},
      {[&](auto& t) { t[conv] = t[conv] * NAN; },
       conv + ": has elements that are infinite or no numbers"},
      {[](auto& t) {
         t["classifier.linear.weight"] = at::ones({3, 40}) * INFINITY;
       },
       "classifier.linear.weight: has elements that are infinite or no numbers"},
      {[](auto& t) { t["first_conv.conv.bias"] = at::zeros({8}); },
       "first_conv.conv.bias: this network has no such tensor"},
      {[](auto& t) { t["blocks.x.weight"] = at::zeros({8}); },
       "blocks.x.weight: this network has no such tensor"},
      {[](auto& t) { t["blocks.99999999999.weight"] = at::zeros({8}); },
       "blocks.99999999999.weight: this network has no such tensor"},
      {[](auto& t) { t["blocks.77.weight"] = at::zeros({8}); },
       "has tensors of 10 blocks, this network has 9"},
  };
  for (const Case& refused : cases) {
    TensorDictionary spoilt = published_;
    refused.spoil(spoilt);
    EXPECT_EQ(error_for(spoilt), "x.pth: " + refused.message);
  }
}

}  // namespace
}  // namespace mcunet::supernet
