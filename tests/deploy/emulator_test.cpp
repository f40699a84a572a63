#include "mcunet/deploy/emulator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "core/error_text.hpp"
#include "example_device.hpp"
#include "example_project.hpp"
#include "mcunet/deploy/firmware.hpp"

namespace mcunet::deploy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::size_t kInputBytes = 16;

Int8Bytes ramp(int first) {
  Int8Bytes bytes(kInputBytes);
  std::iota(bytes.begin(), bytes.end(), static_cast<std::int8_t>(first));
  return bytes;
}

EmulationResult emulate_example(const std::string& core, const EmulatorOptions& options = {},
                                const ExampleOptions& example = {},
                                const std::vector<Int8Bytes>& inputs = {ramp(0), ramp(100)}) {
  const TemporaryFolder folder;
  write_example_model(folder, example);
  write_firmware_project(folder.path(), example_device(core));
  const std::vector<std::string> before = folder.list();
  EmulationResult result = emulate(folder.path(), inputs, options);
  EXPECT_EQ(folder.list(), before);
  return result;
}

void expect_example_result(const EmulationResult& result) {
  ASSERT_EQ(result.inferences.size(), 2u);
  EXPECT_EQ(result.inferences[0].outputs[0], ramp(2));
  EXPECT_EQ(result.inferences[1].outputs[0], ramp(102));
  EXPECT_THAT(result.inferences[1].outputs[1], ElementsAre(7, 9));
  EXPECT_GT(result.stack_bytes, 16);
  EXPECT_LT(result.stack_bytes, 512);
}

TEST(Emulator, RunsOnTheBoardOfEveryCore) {
  MCUNET_REQUIRE_EMULATOR();
  const std::pair<const char*, const char*> cores[] = {{"cortex-m0plus", "mps2-an385"},
                                                       {"cortex-m3", "mps2-an385"},
                                                       {"cortex-m4", "mps2-an386"},
                                                       {"cortex-m33", "mps2-an500"},
                                                       {"cortex-m7", "mps2-an500"}};
  for (const auto& [core, board] : cores) {
    SCOPED_TRACE(core);
    const EmulationResult result = emulate_example(core);
    EXPECT_EQ(result.board, board);
    expect_example_result(result);
  }
}

TEST(Emulator, CountsInstructions) {
  MCUNET_REQUIRE_EMULATOR();
  const EmulationResult result = emulate_example("cortex-m7");
  // Two loops of 6 instructions a byte, and a few around them.
  for (const Inference& inference : result.inferences) {
    EXPECT_GE(inference.instructions, 2 * 6 * 16);
    EXPECT_LE(inference.instructions, 2 * 6 * 16 + 24);
  }
  ASSERT_EQ(result.steps.size(), 2u);
  EXPECT_EQ(result.steps[0].name, "first");
  EXPECT_EQ(result.steps[1].name, "second");
  for (const StepCost& step : result.steps) {
    EXPECT_GE(step.instructions, 6 * 16 - 4);
    EXPECT_LE(step.instructions, 6 * 16 + 16);
  }
}

TEST(Emulator, CountsTheSameEveryTime) {
  MCUNET_REQUIRE_EMULATOR();
  const EmulationResult first = emulate_example("cortex-m4");
  const EmulationResult second = emulate_example("cortex-m4");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(first.inferences[i].instructions, second.inferences[i].instructions);
    EXPECT_EQ(first.steps[i].instructions, second.steps[i].instructions);
  }
  EXPECT_EQ(first.stack_bytes, second.stack_bytes);
}

TEST(Emulator, CountsLongRuns) {
  MCUNET_REQUIRE_EMULATOR();
  // 20 million turns of 2 instructions.
  const std::string loop =
      "uint32_t turns = 20000000; __asm__ volatile(\".syntax unified\\n1: subs %0, %0, #1\\n"
      "bne 1b\" : \"+l\"(turns) : : \"cc\"); mcunet_add_one(arena, MODEL_INPUT_BYTES);";
  const EmulationResult result = emulate_example("cortex-m4", {}, {.second_step = loop});
  EXPECT_NEAR(static_cast<double>(result.inferences[0].instructions), 40000200, 60);
  EXPECT_NEAR(static_cast<double>(result.steps[1].instructions), 40000100, 60);
}

TEST(Emulator, EstimatesCyclesOfEachStep) {
  MCUNET_REQUIRE_EMULATOR();
  constexpr double kTurns = 1e6;
  // What a turn takes: one cycle more than its instructions on a Cortex-M4, whose pipeline refills after
  // the jump; two on a Cortex-M7, since one instruction waits for the other's flags.
  const std::string loop =
      "uint32_t turns = 1000000; __asm__ volatile(\".syntax unified\\n1: subs %0, %0, #1\\n"
      "bne 1b\" : \"+l\"(turns) : : \"cc\"); mcunet_add_one(arena, MODEL_INPUT_BYTES);";
  const std::pair<const char*, double> cores[] = {
      {"cortex-m0plus", 3}, {"cortex-m4", 3}, {"cortex-m7", 2}};
  for (const auto& [core, cycles] : cores) {
    SCOPED_TRACE(core);
    const EmulationResult result =
        emulate_example(core, {.estimates_cycles = true}, {.second_step = loop});
    ASSERT_EQ(result.steps.size(), 2u);
    EXPECT_LT(result.steps[0].cycles.high, 1000);
    EXPECT_GE(result.steps[0].cycles.low, 6 * 16 / 2);
    EXPECT_NEAR(result.steps[1].cycles.low, cycles * kTurns, 1000);
    ASSERT_EQ(result.inferences.size(), 2u);
    for (const Inference& inference : result.inferences) {
      EXPECT_NEAR(inference.cycles.low, cycles * kTurns, 2000);
      EXPECT_GE(inference.cycles.high, inference.cycles.low);
    }
    ASSERT_FALSE(result.loops.empty());
    EXPECT_EQ(result.loops[0].turns, 2 * 999999);
    EXPECT_NEAR(static_cast<double>(result.loops[0].instructions), 4 * kTurns, 100);
  }
}

TEST(Emulator, RunsOnARealMicrocontrollersMemoryMap) {
  MCUNET_REQUIRE_EMULATOR();
  const EmulationResult result = emulate_example("cortex-m4", {.board = "netduinoplus2"});
  EXPECT_EQ(result.board, "netduinoplus2");
  expect_example_result(result);
  EXPECT_NEAR(static_cast<double>(result.inferences[0].instructions), 2 * 6 * 16 + 12, 12);
}

TEST(Emulator, BoardMustRunTheCore) {
  EXPECT_THAT(
      error_of([] { emulate_example("cortex-m7", {.board = "netduinoplus2"}); }),
      HasSubstr("netduinoplus2 has a cortex-m4, which cannot run firmware for a cortex-m7"));
  EXPECT_THAT(error_of([] { emulate_example("cortex-m7", {.board = "mps3"}); }),
              HasSubstr("mps3: is no emulated board (there are mps2-an385, "));
}

TEST(Emulator, NetworkMustFitTheBoard) {
  MCUNET_REQUIRE_EMULATOR();
  EXPECT_THAT(error_of([] {
                emulate_example("cortex-m4", {.board = "netduinoplus2"}, {.arena_bytes = 200000});
              }),
              HasSubstr("the network does not fit netduinoplus2: SRAM: "));
}

TEST(Emulator, StackUseIsSeen) {
  MCUNET_REQUIRE_EMULATOR();
  const EmulationResult result = emulate_example(
      "cortex-m4", {},
      {.second_step = "volatile int8_t big[5000]; for (int i = 0; i < 5000; ++i) big[i] = 1; "
                      "mcunet_add_one(arena, MODEL_INPUT_BYTES);"});
  EXPECT_GT(result.stack_bytes, 5000);
  EXPECT_LT(result.stack_bytes, 5000 + 512);
}

TEST(Emulator, FaultIsReported) {
  MCUNET_REQUIRE_EMULATOR();
  EXPECT_THAT(error_of([] {
                emulate_example("cortex-m4", {},
                                {.second_step = "*(volatile int*)0xf0000000 = 1;"});
              }),
              HasSubstr("the firmware says: fault exception "));
}

TEST(Emulator, EndlessFirmwareIsStopped) {
  MCUNET_REQUIRE_EMULATOR();
  EXPECT_THAT(error_of([] {
                emulate_example("cortex-m4", {.timeout_seconds = 1},
                                {.second_step = "for (volatile int i = 0;; ++i) { }"});
              }),
              HasSubstr("did not end within 1 s"));
}

TEST(Emulator, InputsMustHaveTheirSize) {
  EXPECT_THAT(error_of([] { emulate_example("cortex-m4", {}, {}, {Int8Bytes(15)}); }),
              HasSubstr("an input has 16 bytes, this one has 15"));
  EXPECT_THAT(error_of([] { emulate_example("cortex-m4", {}, {}, {}); }), HasSubstr("no input"));
}

TEST(Emulator, DescriptionMustAgreeWithTheCode) {
  MCUNET_REQUIRE_EMULATOR();
  EXPECT_THAT(error_of([] { emulate_example("cortex-m4", {}, {.more_steps = ", \"third\""}); }),
              HasSubstr("3 steps in model.json, but 2 in model.h"));
}

TEST(Emulator, DamagedDescriptionIsAnError) {
  const TemporaryFolder folder;
  folder.write("model.json", "{\"name\": \"x\"}");
  EXPECT_THAT(error_of([&] { read_model_description(folder.path()); }),
              HasSubstr("model.json: describes no generated network: "));
  folder.write("model.json", "{");
  EXPECT_THAT(error_of([&] { read_model_description(folder.path()); }),
              HasSubstr("model.json: is no valid JSON"));
}

TEST(Emulator, MissingEmulatorNamesItsPackage) {
  MCUNET_REQUIRE_CROSS_COMPILER();
  // A PATH with the compiler and its tools, but without the emulator.
  const TemporaryFolder tools;
  for (const auto& folder : {"/usr/bin", "/usr/local/bin"}) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
      const std::string name = entry.path().filename();
      if (name.starts_with("arm-none-eabi-")) {
        std::filesystem::create_symlink(entry.path(), tools / name, ignored);
      }
    }
  }
  if (!std::filesystem::exists(tools / "arm-none-eabi-gcc")) GTEST_SKIP() << "compiler elsewhere";
  const ScopedVariable path("PATH", tools.path().string());
  EXPECT_EQ(error_of([] { emulate_example("cortex-m4"); }),
            "qemu-system-arm: is not installed (package qemu-system-arm)");
}

}  // namespace
}  // namespace mcunet::deploy
