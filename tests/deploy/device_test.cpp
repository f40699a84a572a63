#include "mcunet/deploy/device.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"

namespace mcunet::deploy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::int64_t kKib = 1024;

Device load_shipped(const std::string& name) {
  return load_device(std::string(MCUNET_SOURCE_DIR) + "/configs/devices/" + name + ".yaml");
}

// Line by line, so that a test can change one.
constexpr char kBoard[] = R"(name: board
core: cortex-m4
clock_mhz: 100
flash: {origin: 0x08000000, size_kib: 64}
sram_banks:
  - {name: A, origin: 0x20000000, size_kib: 16}
  - {name: B, origin: 0x20004000, size_kib: 8}
  - {name: C, origin: 0x20008000, size_kib: 4}
arena_banks: [A, B]
reserved_sram_kib: 2
reserved_flash_kib: 4
power_mw: 10
latency: {core: cortex-m4, spread: 0.125, pointwise: {call: 5, mac: 2}, convolution: {}, depthwise_3: {mac: 3}, depthwise_5: {}, depthwise_7: {}, depthwise_line: {}, fully_connected: {}, average: {}, maximum: {}, elementwise: {output: 4}}
memory_stalls: 0.5
)";

Device read_board(const std::vector<std::string>& overrides = {}) {
  ConfigNode root = parse_config(kBoard, "board.yaml");
  for (const std::string& assignment : overrides) apply_override(root, assignment);
  return read_device(root);
}

std::string board_error(const std::vector<std::string>& overrides) {
  return error_of([&] { read_board(overrides); });
}

TEST(Device, ShippedDevicesHaveTheirBudgets) {
  struct Expected {
    const char* name;
    const char* core;
    std::int64_t sram_kib;
    std::int64_t flash_kib;
  };
  for (const Expected& expected : {Expected{"stm32f207", "cortex-m3", 128 - 8, 1024 - 32},
                                   Expected{"stm32f412", "cortex-m4", 256 - 8, 1024 - 32},
                                   Expected{"stm32f746", "cortex-m7", 320 - 8, 1024 - 32},
                                   Expected{"stm32f765", "cortex-m7", 512 - 8, 1024 - 32},
                                   Expected{"stm32g0b1", "cortex-m0plus", 144 - 8, 512 - 32},
                                   Expected{"stm32h743", "cortex-m7", 512, 2048 - 32},
                                   Expected{"stm32u575", "cortex-m33", 768 - 8, 2048 - 32}}) {
    const Device device = load_shipped(expected.name);
    EXPECT_EQ(device.name, expected.name);
    EXPECT_EQ(device.core, expected.core);
    EXPECT_EQ(device.sram_budget_bytes(), expected.sram_kib * kKib) << expected.name;
    EXPECT_EQ(device.flash_budget_bytes(), expected.flash_kib * kKib) << expected.name;
    EXPECT_EQ(device.latency.core, expected.core);
    EXPECT_GT(device.memory_stalls, 0) << expected.name;
  }
}

TEST(Device, AddressesAreHexadecimal) {
  const Device device = load_shipped("stm32f746");
  EXPECT_EQ(device.flash.origin, 0x08000000u);
  ASSERT_EQ(device.sram_banks.size(), 3u);
  EXPECT_EQ(device.sram_banks[1].name, "SRAM1");
  EXPECT_EQ(device.sram_banks[1].origin, 0x20010000u);
  EXPECT_THAT(device.arena_banks, ElementsAre("DTCM", "SRAM1", "SRAM2"));
}

TEST(Device, IsFoundByName) {
  const ScopedVariable configs("MCUNET_CONFIGS", MCUNET_SOURCE_DIR "/configs");
  EXPECT_EQ(load_device("stm32f412").name, "stm32f412");
  EXPECT_THAT(
      error_of([] { load_device("stm32f413"); }),
      HasSubstr("stm32f413: is no file and no name in configs/devices; did you mean stm32f412?"));
}

TEST(Device, BudgetAndLatencyModelFollowTheFile) {
  const Device device = read_board();
  EXPECT_EQ(device.budget().sram_bytes, (16 + 8 - 2) * kKib);
  EXPECT_EQ(device.budget().flash_bytes, (64 - 4) * kKib);
  EXPECT_EQ(device.budget().latency_ms, std::nullopt);
  EXPECT_EQ(device.budget().energy_mj, std::nullopt);
  EXPECT_EQ(device.latency_model().clock_mhz, 100);
  EXPECT_EQ(device.latency_model().memory_stalls, 0.5);
  EXPECT_EQ(device.latency_model().spread, 0.125);
  EXPECT_EQ(device.latency_model().costs[0][0], 5);
  EXPECT_EQ(device.latency_model().costs[0][1], 2);
  const auto elementwise = static_cast<std::size_t>(engine::LayerClass::kElementwise);
  EXPECT_EQ(device.latency_model().costs[elementwise][3], 4);
  EXPECT_EQ(device.latency_model().power_mw, 10);
}

TEST(Device, ReservesNothingByDefault) {
  const Device device = read_board({"reserved_sram_kib=0", "reserved_flash_kib=0"});
  EXPECT_EQ(device.sram_budget_bytes(), 24 * kKib);
  EXPECT_EQ(device.flash_budget_bytes(), 64 * kKib);
}

TEST(Device, RefusesAGapBetweenArenaBanks) {
  EXPECT_EQ(board_error({"arena_banks=[A, B, C]"}),
            "--set arena_banks=[A, B, C]: arena_banks: C does not begin where B ends");
  EXPECT_EQ(board_error({"arena_banks=[B, A]"}),
            "--set arena_banks=[B, A]: arena_banks: A does not begin where B ends");
  EXPECT_EQ(board_error({"arena_banks=[A, A]"}),
            "--set arena_banks=[A, A]: arena_banks: A does not begin where A ends");
}

TEST(Device, RefusesUnknownBanks) {
  EXPECT_EQ(board_error({"arena_banks=[A, X]"}),
            "--set arena_banks=[A, X]: arena_banks: names X, which is not in sram_banks");
  EXPECT_EQ(board_error({"arena_banks=[]"}),
            "--set arena_banks=[]: arena_banks: must name at least one bank");
}

TEST(Device, RefusesAnUnknownCore) {
  EXPECT_EQ(board_error({"core=cortex-m85"}),
            "--set core=cortex-m85: core: must be one of cortex-m0plus, "
            "cortex-m3, cortex-m4, cortex-m33, cortex-m7, is cortex-m85");
}

TEST(Device, RefusesTheModelOfAnotherCore) {
  const std::string models =
      " (there are cortex-m0plus, cortex-m3, cortex-m4, cortex-m33, cortex-m7)";
  EXPECT_EQ(
      board_error({"core=cortex-m0plus"}),
      "board.yaml:13: latency: must be a model of cortex-m0plus, the device's core, is one of "
      "cortex-m4" +
          models);
  const ScopedVariable configs("MCUNET_CONFIGS", MCUNET_SOURCE_DIR "/configs");
  EXPECT_EQ(board_error({"latency=cortex-m7"}),
            "--set latency=cortex-m7: latency: must be a model of cortex-m4, the device's core, is "
            "one of cortex-m7" +
                models);
  EXPECT_EQ(board_error({"core=cortex-m7", "latency=cortex-m7"}), "(no error)");
  EXPECT_THAT(board_error({"latency.core=cortex-m85"}),
              HasSubstr("latency.core: must be one of cortex-m0plus"));
}

TEST(Device, RefusesToReserveEverything) {
  EXPECT_EQ(board_error({"reserved_sram_kib=24"}),
            "--set reserved_sram_kib=24: reserved_sram_kib: reserves all of the arena's banks");
  EXPECT_EQ(board_error({"reserved_flash_kib=64"}),
            "--set reserved_flash_kib=64: reserved_flash_kib: reserves all of the flash");
  EXPECT_EQ(board_error({"reserved_sram_kib=23"}), "(no error)");
}

TEST(Device, RefusesValuesOutOfRange) {
  EXPECT_THAT(board_error({"clock_mhz=0"}),
              HasSubstr("clock_mhz: must be greater than 0 and at most 10000, is 0"));
  EXPECT_THAT(board_error({"clock_mhz=1e300"}), HasSubstr("clock_mhz: must"));
  EXPECT_THAT(board_error({"power_mw=-1"}), HasSubstr("power_mw: must be between 0 and"));
  EXPECT_THAT(board_error({"flash={origin: 0, size_kib: 0}"}),
              HasSubstr("flash.size_kib: must be between 1 and 4194304, is 0"));
  EXPECT_THAT(board_error({"flash={origin: 0x100000000, size_kib: 1}"}),
              HasSubstr("flash.origin: is out of range"));
  EXPECT_THAT(board_error({"latency={core: cortex-m4, pointwise: {mac: 1}}"}),
              HasSubstr("latency: lacks the key convolution"));
  EXPECT_THAT(board_error({"latency.pointwise.mac=-1"}), HasSubstr("latency.pointwise.mac: must"));
  EXPECT_THAT(board_error({"latency=no-core"}), HasSubstr("no-core: is no file and no name"));
  EXPECT_THAT(board_error({"latency={pointwise: {mac: 1}}"}),
              HasSubstr("latency: lacks the key core"));
  EXPECT_THAT(board_error({"latency.spread=1.5"}), HasSubstr("latency.spread: must be between 0"));
  EXPECT_EQ(board_error({"memory_stalls=-0.1"}),
            "--set memory_stalls=-0.1: memory_stalls: must be between 0 and 2, is -0.1");
  EXPECT_THAT(board_error({"memory_stalls=2.1"}), HasSubstr("memory_stalls: must be between"));
  EXPECT_THAT(board_error({"cycles_per_instruction=0.7"}),
              HasSubstr("cycles_per_instruction: is no known key"));
  EXPECT_THAT(board_error({"sram_banks=[{name: A, origin: 0, size_kb: 1}]"}),
              HasSubstr("sram_banks[0].size_kb: is no known key; did you mean size_kib?"));
  EXPECT_EQ(error_of([] { read_device(parse_config("", "board.yaml")); }),
            "board.yaml: lacks the key name");
}

TEST(Device, RefusesTwoBanksOfOneName) {
  EXPECT_NE(board_error({"sram_banks=[{name: A, origin: 0x20000000, size_kib: 16}, "
                         "{name: A, origin: 0x20004000, size_kib: 8}]",
                         "arena_banks=[A]"}),
            "(no error)");
}

TEST(Device, RefusesBanksThatOverlap) {
  EXPECT_THAT(
      board_error({"sram_banks=[{name: A, origin: 0x20000000, size_kib: 16}, "
                   "{name: B, origin: 0x20003ff8, size_kib: 8}]",
                   "arena_banks=[A]"}),
      HasSubstr("sram_banks[1]: overlaps A: it has 0x20003ff8 to 0x20005ff8, A has 0x20000000 to "
                "0x20004000"));
  EXPECT_THAT(board_error({"flash={origin: 0x1fff0000, size_kib: 65}"}),
              HasSubstr("board.yaml:6: sram_banks[0]: overlaps flash"));
  EXPECT_EQ(board_error({"flash={origin: 0x1fff0000, size_kib: 64}"}), "(no error)");
}

TEST(Device, RefusesBanksThatAreMisaligned) {
  EXPECT_THAT(
      board_error({"sram_banks=[{name: A, origin: 0x20000003, size_kib: 64}]", "arena_banks=[A]"}),
      HasSubstr("sram_banks[0]: must begin at a multiple of 8 bytes, is at 0x20000003"));
  EXPECT_THAT(board_error({"flash.origin=0x08000040"}),
              HasSubstr("flash: must begin at a multiple of 128 bytes, is at 0x8000040"));
}

TEST(Device, RefusesBanksBeyondTheAddressSpace) {
  EXPECT_THAT(board_error({"flash={origin: 0xffff0000, size_kib: 65}"}),
              HasSubstr("flash: ends beyond 32 bits of address"));
  EXPECT_EQ(board_error({"flash={origin: 0xffff0000, size_kib: 64}"}), "(no error)");
  EXPECT_THAT(
      board_error({"sram_banks=[{name: A, origin: 0xfffffff8, size_kib: 1}]", "arena_banks=[A]"}),
      HasSubstr("sram_banks[0]: ends beyond 32 bits of address"));
}

TEST(Device, RefusesNamesThatWouldBreakWhatIsGenerated) {
  for (const char* name : {"'*/ int x; /*'", "'$(shell touch x)'", "\"x\\n#error\"", "'a\\'",
                           "'a\"b'", "../x", "''"}) {
    EXPECT_THAT(board_error({fmt::format("name={}", name)}), HasSubstr("name: must be a name"));
    EXPECT_THAT(
        board_error({fmt::format("sram_banks=[{{name: {}, origin: 0, size_kib: 1}}]", name)}),
        HasSubstr("sram_banks[0].name: must be a name"));
  }
}

TEST(Device, StackLiesInTheArenasBanksOrInItsOwn) {
  const Device device = read_board();
  EXPECT_EQ(device.stack_region(), nullptr);
  EXPECT_EQ(device.stack_bytes(), 1536);
  EXPECT_EQ(read_board({"reserved_sram_kib=0"}).stack_bytes(), 1024);
  EXPECT_EQ(device.arena_region().origin, 0x20000000u);
  EXPECT_EQ(device.arena_region().size_kib, 24);

  const Device apart = read_board({"stack_bank=C"});
  ASSERT_NE(apart.stack_region(), nullptr);
  EXPECT_EQ(apart.stack_region()->origin, 0x20008000u);
  EXPECT_EQ(apart.stack_bytes(), 8 * kKib);
  EXPECT_THAT(board_error({"stack_bank=B"}), HasSubstr("stack_bank: is a bank of the arena"));
  EXPECT_THAT(board_error({"stack_bank=X"}), HasSubstr("stack_bank: names X, no bank"));
}

TEST(Device, RoundTrip) {
  Device device = load_shipped("stm32h743");
  const std::string text = to_json_text(write_fields(fields_of(device)));
  Device copy = read_device(parse_config(text, "device.json"));
  EXPECT_EQ(to_json_text(write_fields(fields_of(copy))), text);
  EXPECT_EQ(copy.sram_budget_bytes(), device.sram_budget_bytes());
  EXPECT_EQ(copy.sram_banks.back().origin, device.sram_banks.back().origin);
}

}  // namespace
}  // namespace mcunet::deploy
