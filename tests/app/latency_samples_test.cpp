#include "pipeline/latency_samples.hpp"

#include <gmock/gmock.h>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "search/space/test_spaces.hpp"

namespace mcunet::pipeline {
namespace {

using testing::ElementsAre;

TEST(CycleLog, TakesTheMedianOfEachStepAndPassesOverTheRest) {
  EXPECT_THAT(parse_cycle_log("p 0 7\nboard at its full clock\r\nstep 0 100\r\nstep 1 20\r\n"
                              "inference 0: 120 cycles\nstep 0 300\nstep 1 22\n"
                              "step 0 101\nstep 1 21\nstep 1\nstep 0 1x2\n",
                              2, "log"),
              ElementsAre(101, 21));
}

TEST(CycleLog, RefusesALogThatIsNotOfTheNetwork) {
  EXPECT_EQ(error_of([] { parse_cycle_log("step 0 5\n", 2, "log"); }),
            "log: has no line \"step 1 CYCLES\"");
  EXPECT_EQ(error_of([] { parse_cycle_log("step 3 5\n", 2, "log"); }),
            "log: has a step 3, the network has steps 0 to 1");
}

TEST(LatencySamples, MeasureEveryStepOfRandomNetworks) {
  const ScopedVariable configs("MCUNET_CONFIGS", MCUNET_SOURCE_DIR "/configs");
  const auto measurements = sample_cycles(
      search::space::load_shipped_space("proxyless"), deploy::load_device("stm32f412"),
      {.networks = 2, .widths = {0.2}, .resolutions = {48}, .seed = 3});
  ASSERT_GT(measurements.size(), 40u);
  EXPECT_EQ(measurements.front().network, "0");
  EXPECT_EQ(measurements.back().network, "1");
  EXPECT_EQ(measurements.front().layer.input, (engine::Shape{48, 48, 3}));
  const deploy::Device device = deploy::load_device("stm32f412");
  double counted = 0;
  double expected = 0;
  for (const auto& m : measurements) {
    counted += m.cycles();
    expected += device.latency_model().cycles(m.layer);
  }
  EXPECT_NEAR(expected / counted, 1, 0.15) << "the shipped model was fitted to others like these";
}

}  // namespace
}  // namespace mcunet::pipeline
