#include "mcunet/deploy/firmware.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error_text.hpp"
#include "example_device.hpp"
#include "example_project.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/deploy/cores.hpp"

namespace mcunet::deploy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

Device shipped_device(const std::string& name) {
  return load_device(std::string(MCUNET_SOURCE_DIR) + "/configs/devices/" + name + ".yaml");
}

FirmwareReport link_example(const TemporaryFolder& folder, const Device& device,
                            const ExampleOptions& options = {}) {
  write_example_model(folder, options);
  write_firmware_project(folder.path(), device);
  return link_firmware(folder.path(), device);
}

TEST(Firmware, ProjectRemembersItsDevice) {
  const TemporaryFolder folder;
  write_firmware_project(folder.path(), shipped_device("stm32h743"));
  const Device device = read_project_device(folder.path());
  EXPECT_EQ(device.name, "stm32h743");
  EXPECT_EQ(device.stack_bank, "DTCM");
  EXPECT_EQ(device.arena_region().origin, 0x24000000u);
}

TEST(Firmware, ProjectTellsKernelsOfACoreThatIssuesTwoInstructions) {
  const TemporaryFolder folder;
  for (const char* file : {"Makefile", "CMakeLists.txt"}) {
    write_firmware_project(folder.path(), shipped_device("stm32f746"));
    EXPECT_THAT(read_file(folder / file), HasSubstr("-DMCUNET_DUAL_ISSUE"));
    write_firmware_project(folder.path(), shipped_device("stm32f412"));
    EXPECT_THAT(read_file(folder / file), Not(HasSubstr("MCUNET_DUAL_ISSUE")));
  }
}

TEST(Firmware, FolderWithoutAProjectIsAnError) {
  const TemporaryFolder folder;
  EXPECT_THAT(error_of([&] { read_project_device(folder.path()); }),
              HasSubstr("holds no firmware project"));
  EXPECT_THAT(error_of([&] { link_firmware(folder.path(), example_device()); }),
              HasSubstr("model.json"));
  EXPECT_THAT(folder.list(), IsEmpty());
}

TEST(Firmware, TheNetworksHeaderIsNoneOfItsOwn) {
  const TemporaryFolder folder;
  for (const char* prefix : {"core", "board", "startup", "instruction_counter", "print"}) {
    EXPECT_THAT(error_of([&] {
                  write_firmware_project(folder.path(), example_device(), ConsoleKind::kNone,
                                         engine::ModelNames(prefix));
                }),
                HasSubstr("is in use by the firmware"));
  }
  EXPECT_THAT(folder.list(), IsEmpty());
}

TEST(Firmware, FitsEveryShippedDevice) {
  MCUNET_REQUIRE_CROSS_COMPILER();
  for (const char* name : {"stm32f412", "stm32f746", "stm32f765", "stm32h743"}) {
    SCOPED_TRACE(name);
    const TemporaryFolder folder;
    const Device device = shipped_device(name);
    // As large an arena as the budget allows.
    const auto arena = static_cast<int>(device.sram_budget_bytes());
    const FirmwareReport report = link_example(folder, device, {.arena_bytes = arena});
    EXPECT_TRUE(report.fits());
    EXPECT_THAT(describe_excess(report), IsEmpty());
    EXPECT_GT(report.text_bytes, 300);
    EXPECT_LT(report.text_bytes, 2200);
    EXPECT_GE(report.bss_bytes, arena);
    EXPECT_LT(report.bss_bytes, arena + 512);
    EXPECT_EQ(report.stack_bytes, device.stack_bytes());
    EXPECT_EQ(static_cast<std::int64_t>(read_file(report.bin).size()), report.flash_bytes());
    EXPECT_THAT(read_file(report.hex), StartsWith(":02000004"));
    EXPECT_THAT(read_file(report.map), HasSubstr("mcunet_add_one"));
  }
}

TEST(Firmware, LinksForEveryCore) {
  MCUNET_REQUIRE_CROSS_COMPILER();
  for (const Core& core : cores()) {
    const TemporaryFolder folder;
    EXPECT_TRUE(link_example(folder, example_device(core.name)).fits()) << core.name;
  }
}

TEST(Firmware, SramExcessIsExact) {
  MCUNET_REQUIRE_CROSS_COMPILER();
  const TemporaryFolder folder;
  const Device device = example_device();
  const FirmwareReport fitting = link_example(folder, device);
  const auto room = fitting.regions[1].capacity_bytes - fitting.regions[1].used_bytes;
  const auto most = static_cast<int>(64 + room);
  EXPECT_TRUE(link_example(folder, device, {.arena_bytes = most}).fits());
  EXPECT_TRUE(std::filesystem::exists(folder / "build/firmware.elf"));

  const FirmwareReport report = link_example(folder, device, {.arena_bytes = most + 8});
  EXPECT_FALSE(report.fits());
  EXPECT_THAT(describe_excess(report), ElementsAre("SRAM: 24584 bytes of 24576, 8 too many"));
  EXPECT_EQ(report.sram_excess_bytes(), 8);
  EXPECT_EQ(report.bss_bytes, fitting.bss_bytes + room + 8);
  EXPECT_EQ(report.text_bytes, fitting.text_bytes);
  EXPECT_TRUE(report.elf.empty());
  EXPECT_FALSE(std::filesystem::exists(folder / "build")) << "of the firmware before";
}

TEST(Firmware, FlashExcessIsExact) {
  MCUNET_REQUIRE_CROSS_COMPILER();
  const TemporaryFolder folder;
  const Device device = example_device();
  const FirmwareReport fitting = link_example(folder, device);
  const auto room = fitting.regions[0].capacity_bytes - fitting.regions[0].used_bytes;
  const auto most = static_cast<int>(16 + room);
  EXPECT_TRUE(link_example(folder, device, {.weight_bytes = most}).fits());
  const FirmwareReport report =
      link_example(folder, device, {.arena_bytes = 30000, .weight_bytes = most + 1000});
  EXPECT_THAT(describe_excess(report),
              ElementsAre("flash: 66536 bytes of 65536, 1000 too many", HasSubstr("SRAM: ")));
}

TEST(Firmware, StackBankHasAnExcessOfItsOwn) {
  MCUNET_REQUIRE_CROSS_COMPILER();
  const TemporaryFolder folder;
  Device device = example_device();
  device.stack_bank = "C";
  device.reserved_sram_kib = 0;
  EXPECT_TRUE(link_example(folder, device, {.arena_bytes = 24 * 1024}).fits());
  device.sram_banks[2].size_kib = 4;
  const FirmwareReport report = link_example(folder, device, {.arena_bytes = 24 * 1024});
  EXPECT_THAT(describe_excess(report), ElementsAre(StartsWith("C: ")));
}

TEST(Firmware, SourcesThatDoNotCompileAreAnError) {
  MCUNET_REQUIRE_CROSS_COMPILER();
  const TemporaryFolder folder;
  const std::string message =
      error_of([&] { link_example(folder, example_device(), {.second_step = "no_such_thing;"}); });
  EXPECT_THAT(message, HasSubstr("no_such_thing"));
  EXPECT_THAT(message, Not(HasSubstr("\n")));
  for (const std::string& name : folder.list()) EXPECT_THAT(name, Not(StartsWith(".mcunet")));
}

TEST(Firmware, MissingCompilerNamesItsPackage) {
  const TemporaryFolder folder;
  const ScopedVariable path("PATH", folder.path().string());
  EXPECT_EQ(error_of([&] { link_example(folder, example_device()); }),
            "arm-none-eabi-gcc: is not installed (package gcc-arm-none-eabi)");
}

TEST(Firmware, MakeAndCMakeBuildTheSame) {
  MCUNET_REQUIRE_CROSS_COMPILER();
  const TemporaryFolder folder;
  const FirmwareReport report = link_example(folder, example_device("cortex-m7"));
  const std::string image = read_file(report.bin);
  std::filesystem::remove_all(folder / "build");
  const std::string enter = "cd " + folder.path().string() + " && ";
  if (is_installed("make")) {
    ASSERT_EQ(std::system((enter + "make all emulator > log 2>&1").c_str()), 0)
        << read_file(folder / "log");
    EXPECT_THAT(read_file(folder / "log"), Not(HasSubstr("warning")));
    EXPECT_EQ(read_file(folder / "build/firmware.bin").size(), image.size());
  }
  ASSERT_EQ(
      std::system((enter + "cmake -B cmake-build -DCMAKE_TOOLCHAIN_FILE=firmware/toolchain.cmake "
                           "> log 2>&1 && cmake --build cmake-build >> log 2>&1")
                      .c_str()),
      0)
      << read_file(folder / "log");
  EXPECT_EQ(read_file(folder / "cmake-build/firmware.bin").size(), image.size());
}

}  // namespace
}  // namespace mcunet::deploy
