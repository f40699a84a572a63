#include "mcunet/deploy/cores.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error_text.hpp"
#include "cross_compiler.hpp"
#include "emulator_board.hpp"
#include "mcunet/cycles/pipeline.hpp"
#include "mcunet/deploy/device.hpp"

namespace mcunet::deploy {
namespace {

// Multiply-accumulates of a usual layer, 1x1 on 64 channels, as the core's shipped model tells them.
double cycles_per_mac(const std::string& core) {
  const std::string file = std::string(MCUNET_SOURCE_DIR) + "/configs/latency/" + core + ".yaml";
  const CoreLatency latency = read_core_latency(load_config(file));
  EXPECT_EQ(latency.core, core);
  engine::LatencyModel model;
  model.costs = latency.costs;
  const engine::LayerShape layer{.input = {16, 16, 64}, .output = {16, 16, 64}};
  return model.cycles(layer) / (16 * 16 * 64 * 64);
}

TEST(Cores, EachHasAModelOfItsTimeAPipelineAndABoard) {
  for (const Core& core : cores()) {
    EXPECT_GT(cycles_per_mac(core.name), 0.5) << core.name;
    EXPECT_EQ(cycles::find_core(core.name).name, core.name);
    EXPECT_NE(choose_board("", core.name).name, "");
    EXPECT_NE(cpu_flags(core.name).find("-mcpu=" + core.name + " -m"), std::string::npos);
  }
}

TEST(Cores, WithoutPackedArithmeticTakeManyTimesAsLong) {
  const double m4 = cycles_per_mac("cortex-m4");
  EXPECT_LT(cycles_per_mac("cortex-m7"), m4) << "it issues two at once";
  EXPECT_GT(cycles_per_mac("cortex-m3"), 2 * m4);
  EXPECT_GT(cycles_per_mac("cortex-m0plus"), 4 * m4);
}

TEST(Cores, AnUnknownOneIsRefused) {
  EXPECT_EQ(core_named("cortex-m7").has_caches, true);
  EXPECT_EQ(error_of([] { core_named("cortex-m85"); }),
            "cortex-m85 is no core of these: cortex-m0plus, cortex-m3, cortex-m4, cortex-m33, "
            "cortex-m7");
}

}  // namespace
}  // namespace mcunet::deploy
