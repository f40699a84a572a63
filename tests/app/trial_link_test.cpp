#include "pipeline/trial_link.hpp"

#include <gmock/gmock.h>

#include "core/temporary_folder.hpp"
#include "mcunet/core/config.hpp"

namespace mcunet::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class TrialLinkTest : public testing::Test {
 protected:
  // A device of a Cortex-M4 with so much memory.
  static Experiment make_experiment(int flash_kib, int sram_kib, int reserved_kib,
                                    const std::string& dataset = "synthetic-images") {
    return read_experiment(parse_config(
        fmt::format("device: {{name: board, core: cortex-m4, clock_mhz: 100, latency: cortex-m4,\n"
                    "  flash: {{origin: 0x08000000, size_kib: {}}}, arena_banks: [A],\n"
                    "  sram_banks: [{{name: A, origin: 0x20000000, size_kib: {}}}],\n"
                    "  reserved_flash_kib: {}, reserved_sram_kib: {}}}\n"
                    "space: {{name: tiny, widths: [1], resolutions: [32], stem_channels: 8,\n"
                    "  first_block_channels: 8, image_channels: {}, stages: [{{channels: 8}}]}}\n"
                    "dataset: {{kind: {}}}\n"
                    "engine: {{scratch: own}}\n",
                    flash_kib, sram_kib, reserved_kib, reserved_kib,
                    dataset == "synthetic-audio" ? 1 : 3, dataset),
        "x.yaml"));
  }

  static TrialLink try_it(const Experiment& experiment) {
    return try_to_link(experiment, experiment.space);
  }

  ScopedVariable configs_{"MCUNET_CONFIGS", MCUNET_SOURCE_DIR "/configs"};
};

TEST_F(TrialLinkTest, WithRoomNothingIsSaid) {
  for (const char* dataset : {"synthetic-images", "synthetic-audio"}) {
    const TrialLink trial = try_it(make_experiment(256, 128, 16, dataset));
    EXPECT_THAT(trial.failures, IsEmpty()) << dataset;
    EXPECT_THAT(trial.warnings, IsEmpty()) << dataset;
  }
}

TEST_F(TrialLinkTest, ADeviceThatReservesNothingHasNoRoomForTheStack) {
  const TrialLink trial = try_it(make_experiment(256, 128, 0));
  EXPECT_THAT(trial.failures, IsEmpty());
  EXPECT_THAT(trial.warnings,
              testing::Contains(testing::AllOf(
                  StartsWith("a network planned at the limit of 131072 bytes would need about "),
                  HasSubstr(" bytes more SRAM than there are once it is linked; "
                            "budget.sram_kib: 12"))));
}

TEST_F(TrialLinkTest, WhereNotEvenTheSmallestNetworkLinksItSaysWhat) {
  EXPECT_THAT(
      try_it(make_experiment(8, 128, 4)).failures,
      ElementsAre(StartsWith("the smallest network of the space, once linked, needs flash: ")));
}

}  // namespace
}  // namespace mcunet::pipeline
