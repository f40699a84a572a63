#include "board.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "core/error_text.hpp"
#include "example_device.hpp"
#include "example_project.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/process.hpp"
#include "mcunet/deploy/firmware.hpp"

namespace mcunet::deploy {
namespace {

using testing::HasSubstr;
using testing::Not;

Device shipped(const std::string& name) {
  return load_device(std::string(MCUNET_SOURCE_DIR) + "/configs/devices/" + name + ".yaml");
}

// What the chip's registers hold after its firmware has set them.
struct Chip {
  bool has_full_clock = false;
  std::map<std::uint32_t, std::uint32_t> registers;

  std::uint32_t bits(std::uint32_t address, int first, int count) const {
    const auto found = registers.find(address);
    EXPECT_NE(found, registers.end()) << fmt::format("{:#x} was never touched", address);
    if (found == registers.end()) return 0;
    return (found->second >> first) & ((1U << count) - 1);
  }
};

// Compiles the clock and the console of a device's firmware for the host, with chip_model.c in
// place of its registers, and runs them.
Chip run_on_model(const Device& device, const std::string& family, const std::string& more = "",
                  ConsoleKind console = ConsoleKind::kSerial) {
  const TemporaryFolder folder;
  write_example_model(folder);
  write_firmware_project(folder.path(), device, console);
  const ProcessOptions options{.folder = folder.path(), .package = "gcc", .timeout_seconds = 60};
  folder.write("simulated.h",
               "#include <stdint.h>\nvolatile uint32_t* simulated_register(uint32_t address);\n"
               "#define REGISTER(address) (*simulated_register(address))\n");
  const ProcessResult compiled = run_process(
      {"cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fsanitize=undefined", "-include",
       "simulated.h", "-Ifirmware", "firmware/clock.c", "firmware/board_console.c",
       MCUNET_SOURCE_DIR "/tests/deploy/chip_model.c", "-o", "chip"},
      options);
  EXPECT_EQ(compiled.exit_code, 0) << compiled.log;
  const ProcessResult run = run_process({"./chip", family, more}, options);
  EXPECT_EQ(run.exit_code, 0) << run.log;
  EXPECT_THAT(run.log, Not(HasSubstr("wrong"))) << run.log;
  Chip chip;
  std::istringstream lines(run.log);
  std::string word;
  lines >> word >> chip.has_full_clock;
  EXPECT_EQ(word, "full");
  std::uint32_t address = 0;
  std::uint32_t value = 0;
  while (lines >> std::hex >> address >> value) chip.registers[address] = value;
  return chip;
}

// The divisions that the codes of RCC_CFGR and of STM32H7's registers stand for.
int ahb_division(std::uint32_t code) {
  constexpr int kDivisions[] = {2, 4, 8, 16, 64, 128, 256, 512};
  return code < 8 ? 1 : kDivisions[code - 8];
}
int apb_division(std::uint32_t code) { return code < 4 ? 1 : 2 << (code - 4); }

void expect_rate(double usart_hz, std::uint32_t divisor) {
  EXPECT_NEAR(usart_hz / divisor, 115200, 115200 * 0.002);
}

struct FCase {
  const char* device;
  const char* family;
  double hz;
  std::uint32_t wait_states;  // 2.7 to 3.6 V
  bool over_drive;
  double most_apb1_hz;
  double most_apb2_hz;
};

class BoardF : public testing::TestWithParam<FCase> {};

// By the formulas of RM0402, RM0385 and RM0410: VCO = HSI / M * N, of which the input is to be 1 to
// 2 MHz and the output 100 to 432 MHz; SYSCLK = VCO / P.
TEST_P(BoardF, ReachesItsFrequencyWithinTheLimits) {
  const FCase& expected = GetParam();
  const Chip chip = run_on_model(shipped(expected.device), expected.family);
  EXPECT_TRUE(chip.has_full_clock);
  constexpr std::uint32_t kRcc = 0x40023800;
  EXPECT_EQ(chip.bits(kRcc + 4, 22, 1), 0U) << "the source is HSI";
  const double input = 16e6 / chip.bits(kRcc + 4, 0, 6);
  EXPECT_GE(input, 1e6);
  EXPECT_LE(input, 2e6);
  const std::uint32_t n = chip.bits(kRcc + 4, 6, 9);
  EXPECT_GE(n, 50U);
  EXPECT_LE(n, 432U);
  EXPECT_GE(input * n, 100e6);
  EXPECT_LE(input * n, 432e6);
  const double core = input * n / (2 * (chip.bits(kRcc + 4, 16, 2) + 1));
  EXPECT_EQ(core, expected.hz);
  EXPECT_EQ(chip.bits(kRcc + 4, 24, 8), 0x24U) << "the other fields are as after reset";
  EXPECT_EQ(chip.bits(kRcc + 8, 2, 2), 2U) << "the PLL is in use";

  const double ahb = core / ahb_division(chip.bits(kRcc + 8, 4, 4));
  const double apb1 = ahb / apb_division(chip.bits(kRcc + 8, 10, 3));
  const double apb2 = ahb / apb_division(chip.bits(kRcc + 8, 13, 3));
  EXPECT_EQ(ahb, expected.hz);
  EXPECT_LE(apb1, expected.most_apb1_hz);
  EXPECT_LE(apb2, expected.most_apb2_hz);
  EXPECT_EQ(chip.bits(0x40023C00, 0, 4), expected.wait_states);
  EXPECT_EQ(chip.bits(0x40023C00, 8, 1), 1U) << "prefetch";
  EXPECT_EQ(chip.bits(0x40007000, 14, 2), 3U) << "the regulator's scale 1";
  EXPECT_EQ(chip.bits(0x40007000, 16, 2), expected.over_drive ? 3U : 0U);

  if (std::string(expected.family) == "f4") {
    expect_rate(apb1, chip.registers.at(0x40004408));
    EXPECT_EQ(chip.registers.at(0x4000440C), 1U << 13 | 1U << 3) << "UE and TE";
    EXPECT_EQ(chip.registers.at(0x40004404), static_cast<std::uint32_t>('Z'));
    EXPECT_EQ(chip.bits(kRcc + 0x40, 17, 1), 1U) << "the USART's clock";
    EXPECT_EQ(chip.bits(0x40020000, 4, 2), 2U) << "PA2 is alternate";
    EXPECT_EQ(chip.bits(0x40020020, 8, 4), 7U) << "function 7";
  } else {
    expect_rate(apb2, chip.registers.at(0x4001100C));
    EXPECT_EQ(chip.registers.at(0x40011000), 1U << 3 | 1U << 0) << "TE and UE";
    EXPECT_EQ(chip.registers.at(0x40011028), static_cast<std::uint32_t>('Z'));
    EXPECT_EQ(chip.bits(kRcc + 0x44, 4, 1), 1U) << "the USART's clock";
    EXPECT_EQ(chip.bits(0x40020000, 18, 2), 2U) << "PA9 is alternate";
    EXPECT_EQ(chip.bits(0x40020024, 4, 4), 7U) << "function 7";
  }
  EXPECT_EQ(chip.bits(kRcc + 0x30, 0, 1), 1U) << "the port's clock";
}

INSTANTIATE_TEST_SUITE_P(Devices, BoardF,
                         testing::Values(FCase{"stm32f412", "f4", 100e6, 3, false, 50e6, 100e6},
                                         FCase{"stm32f746", "f7", 216e6, 7, true, 54e6, 108e6},
                                         FCase{"stm32f765", "f7", 216e6, 7, true, 54e6, 108e6}),
                         [](const auto& test) { return std::string(test.param.device); });

// By the formulas of RM0433.
TEST(Board, H743ReachesItsFrequencyWithinTheLimits) {
  const Chip chip = run_on_model(shipped("stm32h743"), "h7");
  EXPECT_TRUE(chip.has_full_clock);
  constexpr std::uint32_t kRcc = 0x58024400;
  EXPECT_EQ(chip.bits(kRcc + 0x28, 0, 2), 0U) << "the source is HSI";
  EXPECT_EQ(chip.bits(kRcc, 3, 2), 0U) << "which is undivided";
  const double input = 64e6 / chip.bits(kRcc + 0x28, 4, 6);
  EXPECT_EQ(chip.bits(kRcc + 0x2C, 2, 2), 3U) << "8 to 16 MHz";
  EXPECT_GE(input, 8e6);
  EXPECT_LE(input, 16e6);
  EXPECT_EQ(chip.bits(kRcc + 0x2C, 0, 2), 0U) << "integer mode, wide VCO";
  EXPECT_EQ(chip.bits(kRcc + 0x2C, 16, 1), 1U) << "output P is on";
  const double vco = input * (chip.bits(kRcc + 0x30, 0, 9) + 1);
  EXPECT_GE(vco, 192e6);
  EXPECT_LE(vco, 960e6);
  const std::uint32_t p = chip.bits(kRcc + 0x30, 9, 7) + 1;
  EXPECT_EQ(p % 2, 0U) << "odd divisions are not allowed";
  EXPECT_EQ(vco / p, 480e6);
  EXPECT_EQ(chip.bits(kRcc + 0x10, 3, 3), 3U) << "PLL1 is in use";

  EXPECT_EQ(chip.bits(kRcc + 0x18, 8, 4), 0U) << "the core has all of it";
  const double axi = 480e6 / ahb_division(chip.bits(kRcc + 0x18, 0, 4));
  EXPECT_EQ(axi, 240e6);
  for (const auto& [offset, bit] :
       {std::pair{0x18, 4}, std::pair{0x1C, 4}, std::pair{0x1C, 8}, std::pair{0x20, 4}}) {
    EXPECT_EQ(axi / apb_division(chip.bits(kRcc + offset, bit, 3)), 120e6);
  }
  EXPECT_EQ(chip.registers.at(0x52002000), 0x24U) << "4 wait states, signal delay 2";
  EXPECT_EQ(chip.bits(0x5802480C, 0, 3), 2U) << "the internal regulator";
  EXPECT_EQ(chip.bits(0x58024818, 14, 2), 3U) << "scale 1";
  EXPECT_EQ(chip.bits(0x5800042C, 0, 1), 1U) << "over-drive";

  expect_rate(120e6, chip.registers.at(0x4000480C));
  EXPECT_EQ(chip.registers.at(0x40004828), static_cast<std::uint32_t>('Z'));
  EXPECT_EQ(chip.bits(kRcc + 0xE8, 18, 1), 1U) << "the USART's clock";
  EXPECT_EQ(chip.bits(kRcc + 0xE0, 3, 1), 1U) << "the port's clock";
  EXPECT_EQ(chip.bits(0x58020C00, 16, 2), 2U) << "PD8 is alternate";
  EXPECT_EQ(chip.bits(0x58020C24, 0, 4), 7U) << "function 7";
}

// UM2032, UM1907 and UM2407 have the pins that the boards lead to their ST-LINK; bits as in the manuals.
TEST(Board, ListensWhereItsFirmwareIsLive) {
  const Chip f4 = run_on_model(shipped("stm32f412"), "f4", "", ConsoleKind::kLive);
  EXPECT_EQ(f4.registers.at(0x4000440C), 1U << 13 | 1U << 3 | 1U << 2) << "UE, TE and RE";
  EXPECT_EQ(f4.bits(0x40020000, 6, 2), 2U) << "PA3 is alternate";
  EXPECT_EQ(f4.bits(0x40020020, 12, 4), 7U) << "function 7";
  const Chip f7 = run_on_model(shipped("stm32f746"), "f7", "", ConsoleKind::kLive);
  EXPECT_EQ(f7.registers.at(0x40011000), 1U << 3 | 1U << 2 | 1U << 0) << "TE, RE and UE";
  EXPECT_EQ(f7.bits(0x40020400, 14, 2), 2U) << "PB7 is alternate";
  EXPECT_EQ(f7.bits(0x40020420, 28, 4), 7U) << "function 7";
  EXPECT_EQ(f7.bits(0x40023830, 0, 2), 3U) << "the clocks of ports A and B";
  const Chip h7 = run_on_model(shipped("stm32h743"), "h7", "", ConsoleKind::kLive);
  EXPECT_EQ(h7.registers.at(0x40004800), 1U << 3 | 1U << 2 | 1U << 0) << "TE, RE and UE";
  EXPECT_EQ(h7.bits(0x58020C00, 18, 2), 2U) << "PD9 is alternate";
  EXPECT_EQ(h7.bits(0x58020C24, 4, 4), 7U) << "function 7";
}

TEST(Board, StaysAtItsResetClockIfThePllDoesNotLock) {
  const Chip f4 = run_on_model(shipped("stm32f412"), "f4", "dead");
  EXPECT_FALSE(f4.has_full_clock);
  EXPECT_EQ(f4.bits(0x40023808, 0, 4), 0U) << "HSI is in use";
  expect_rate(16e6, f4.registers.at(0x40004408));
  const Chip h7 = run_on_model(shipped("stm32h743"), "h7", "dead");
  EXPECT_FALSE(h7.has_full_clock);
  expect_rate(64e6, h7.registers.at(0x4000480C));
}

ClockTree example_tree() {
  return {.family = ChipFamily::kStm32F4,
          .hsi_mhz = 16,
          .pll_input_mhz = 2,
          .vco_min_mhz = 100,
          .vco_max_mhz = 432,
          .ahb_mhz = 180,
          .apb1_mhz = 45,
          .apb2_mhz = 90,
          .wait_states_up_to_mhz = {30, 60, 90, 120, 150, 180}};
}

TEST(ClockSettings, FollowTheFrequency) {
  const ClockSettings slow = clock_settings_of(example_tree(), 30);
  EXPECT_EQ(slow.p, 4) << "2 would leave the VCO below 100 MHz";
  EXPECT_EQ(slow.n, 60);
  EXPECT_EQ(slow.wait_states, 0);
  EXPECT_EQ(slow.apb1_divider, 1);
  const ClockSettings fast = clock_settings_of(example_tree(), 180);
  EXPECT_EQ(fast.p, 2);
  EXPECT_EQ(fast.apb1_divider, 4);
  EXPECT_EQ(fast.wait_states, 5);
  EXPECT_FALSE(fast.needs_over_drive);
}

TEST(ClockSettings, WhatCannotBeMadeIsAnError) {
  EXPECT_THAT(error_of([] { clock_settings_of(example_tree(), 7); }),
              HasSubstr("no setting of the PLL makes 7 MHz"));
  EXPECT_THAT(error_of([] { clock_settings_of(example_tree(), 100.3); }),
              HasSubstr("no setting of the PLL makes 100.3 MHz"));
  ClockTree tree = example_tree();
  tree.wait_states_up_to_mhz = {30, 60};
  EXPECT_THAT(error_of([&] { clock_settings_of(tree, 100); }),
              HasSubstr("wait_states_up_to_mhz ends before 100 MHz"));
  tree.pll_input_mhz = 3;
  EXPECT_THAT(error_of([&] { clock_settings_of(tree, 100); }), HasSubstr("does not divide 16"));
}

TEST(Board, ASerialConsoleMustBeDescribed) {
  const TemporaryFolder folder;
  write_example_model(folder);
  EXPECT_THAT(error_of([&] {
                write_firmware_project(folder.path(), example_device(), ConsoleKind::kSerial);
              }),
              HasSubstr("board: its description has no serial console"));
  EXPECT_EQ(default_console(example_device()), ConsoleKind::kNone);
  EXPECT_EQ(default_console(shipped("stm32f412")), ConsoleKind::kSerial);
}

// The emulator's STM32F405 has a USART2, but neither clocks nor a cycle counter.
std::string run_in_emulator(ConsoleKind console, const std::vector<std::string>& arguments,
                            const std::string& detections = "") {
  Device device = shipped("stm32f412");
  device.name = "stm32f405";
  device.sram_banks[0].size_kib = 128;
  const TemporaryFolder folder;
  write_example_model(folder);
  if (!detections.empty()) folder.write("detections.h", detections);
  write_firmware_project(folder.path(), device, console);
  EXPECT_TRUE(link_firmware(folder.path(), device).fits());
  std::vector<std::string> command = {"qemu-system-arm", "-M",  "netduinoplus2", "-display", "none",
                                      "-monitor",        "none"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  command.insert(command.end(), {"-kernel", "build/firmware.elf"});
  return run_process(command, {.folder = folder.path(), .timeout_seconds = 2}).log;
}

TEST(Board, PrintsOnItsConsole) {
  MCUNET_REQUIRE_EMULATOR();
  const std::string zeros_plus_two = " -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1";
  const std::string serial =
      run_in_emulator(ConsoleKind::kSerial, {"-serial", "null", "-serial", "stdio"});
  EXPECT_THAT(serial, HasSubstr("stm32f405 at its reset clock\r\n"));
  EXPECT_THAT(serial, HasSubstr("inference 0: 0 cycles, largest output 0\r\noutput 0:" +
                                zeros_plus_two + "\r\noutput 1: 7 9\r\n"));
  EXPECT_THAT(serial, HasSubstr("inference 1: "));
  const std::string semihosting =
      run_in_emulator(ConsoleKind::kSemihosting,
                      {"-serial", "none", "-semihosting-config", "enable=on,target=native"});
  EXPECT_THAT(semihosting, HasSubstr("output 0:" + zeros_plus_two + "\noutput 1: 7 9\n"));
  EXPECT_EQ(run_in_emulator(ConsoleKind::kNone, {"-serial", "null", "-serial", "stdio"}), "");
}

TEST(Board, PrintsTheObjectsOfADetector) {
  MCUNET_REQUIRE_EMULATOR();
  constexpr char kDetections[] = R"(#include <stdint.h>
struct mcunet_detection { int16_t left, top, right, bottom; uint16_t score; int16_t label; };
static const struct mcunet_detection found[] = {{0, 1639, 8192, 16384, 32768, 1},
                                                {4096, 4096, 12288, 12288, 9999, 0}};
static const char* const detections_class_names[] = {"cat", "dog"};
static int detections_from_output(const int8_t* output) { return output[0] == -1 ? 2 : 0; }
static const struct mcunet_detection* detections_at(int index) { return &found[index]; }
)";
  const std::string serial =
      run_in_emulator(ConsoleKind::kSerial, {"-serial", "null", "-serial", "stdio"}, kDetections);
  EXPECT_THAT(serial,
              HasSubstr("inference 0: 0 cycles, 2 objects, found in 0 cycles\r\n"
                        "object dog: left 0, top 100, right 500, bottom 1000, score 100 %\r\n"
                        "object cat: left 250, top 250, right 750, bottom 750, score 30 %\r\n"));
  EXPECT_THAT(serial, testing::Not(HasSubstr("output")));
}

}  // namespace
}  // namespace mcunet::deploy
