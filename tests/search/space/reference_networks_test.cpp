#include "mcunet/search/space/reference_networks.hpp"

#include <gmock/gmock.h>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/planning/plan_validator.hpp"
#include "mcunet/engine/planning/resources.hpp"

namespace mcunet::search::space {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

struct Published {
  const char* name;
  double million_macs;
  double million_params;
};

// Figures of the papers, to the digits that they give.
TEST(ReferenceNetworks, HaveThePublishedMacsAndParameters) {
  for (const Published& expected :
       {Published{"mobilenet_v2", 300.8, 3.505}, Published{"proxyless_mobile", 320.4, 4.081},
        Published{"mnasnet_b1", 314.4, 4.383}, Published{"resnet18", 1814.1, 11.690}}) {
    const engine::OpCost cost = cost_of(make_reference_network(expected.name));
    EXPECT_NEAR(static_cast<double>(cost.macs) / 1e6, expected.million_macs, 0.05) << expected.name;
    EXPECT_NEAR(static_cast<double>(cost.params) / 1e6, expected.million_params, 0.0005)
        << expected.name;
  }
  const engine::OpCost small_cifar = cost_of(make_reference_network("small_cifar"));
  EXPECT_NEAR(static_cast<double>(small_cifar.macs) / 1e6, 12.298, 0.0005);
  EXPECT_EQ(small_cifar.params, 89'578);
}

struct PublishedPeak {
  const char* name;
  double width;
  int resolution;
  double kib;
};

// Measured by the authors on STM32H743 with TinyEngine.
TEST(ReferenceNetworks, HaveThePublishedPeaksUnderTinyEngine) {
  for (const PublishedPeak& expected : {PublishedPeak{"proxyless_mobile", 0.3, 64, 35},
                                        PublishedPeak{"proxyless_mobile", 0.3, 176, 259},
                                        PublishedPeak{"mobilenet_v2", 0.3, 64, 61}}) {
    engine::ResourceOracle oracle({.scratch = engine::ScratchPolicy::kTinyEngine});
    const engine::Graph graph = make_reference_network(
        expected.name, {.width_multiplier = expected.width, .resolution = expected.resolution});
    const engine::Resources resources = oracle.measure(graph);
    EXPECT_NEAR(static_cast<double>(resources.peak_sram_bytes) / 1024, expected.kib, 2)
        << expected.name << " r" << expected.resolution;
    EXPECT_TRUE(resources.is_optimal);
    EXPECT_THAT(
        validate_plan(oracle.requests().buffers, oracle.plan(), engine::PlannerOptions{}.alignment),
        testing::IsEmpty());
  }
}

// The baseline of the paper's Table 5, MobileNetV2 with CMSIS-NN: 34M MACs and 519 kB. Of the usual scales
// this is the one with as many MACs.
TEST(ReferenceNetworks, HaveThePublishedPeakWithTheLibraryOfTheBaselines) {
  const engine::Graph graph =
      make_reference_network("mobilenet_v2", {.width_multiplier = 0.35, .resolution = 176});
  engine::ResourceOracle oracle({.schedule = engine::SchedulePolicy::kTflm});
  const engine::Resources resources = oracle.measure(graph);
  EXPECT_NEAR(static_cast<double>(resources.macs) / 1e6, 34, 1);
  EXPECT_NEAR(static_cast<double>(resources.peak_sram_bytes) / 1000, 519, 10);
}

TEST(ReferenceNetworks, ArePlannedOptimallyAtEveryScale) {
  for (const std::string& name : reference_network_names()) {
    for (double width : {0.2, 0.35, 0.5, 1.0}) {
      for (int resolution : {32, 97, 160, 224}) {
        for (const auto scratch :
             {engine::ScratchPolicy::kTinyEngine, engine::ScratchPolicy::kOwn}) {
          engine::ResourceOracle oracle({.scratch = scratch});
          const engine::Resources resources =
              oracle.measure(make_reference_network(name, {width, resolution}));
          EXPECT_TRUE(resources.is_optimal) << name << " w" << width << " r" << resolution;
          EXPECT_THAT(validate_plan(oracle.requests().buffers, oracle.plan(),
                                    engine::PlannerOptions{}.alignment),
                      testing::IsEmpty());
        }
      }
    }
  }
}

TEST(ReferenceNetworks, AnUnknownNameIsAnErrorWithASuggestion) {
  EXPECT_THAT([] { make_reference_network("mobilnet_v2"); },
              ThrowsMessage<Error>(HasSubstr("did you mean mobilenet_v2?")));
}

TEST(ReferenceNetworks, AnImageTooSmallIsAnError) {
  EXPECT_THROW(make_reference_network("small_cifar", {.resolution = 4}), Error);
}

}  // namespace
}  // namespace mcunet::search::space
