#include "mcunet/deploy/flasher.hpp"

#include <gmock/gmock.h>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/deploy/firmware.hpp"

namespace mcunet::deploy {
namespace {

using testing::HasSubstr;

class Flasher : public testing::Test {
 protected:
  Flasher() {
    const std::string device = MCUNET_SOURCE_DIR "/configs/devices/stm32f746.yaml";
    std::filesystem::create_directories(folder_ / "model/build");
    std::filesystem::create_directories(folder_ / "bin");
    write_firmware_project(folder_ / "model", load_device(device));
  }

  // A program in the only folder of PATH that prints its arguments.
  void install(const std::string& name, int exit_code) const {
    folder_.write("bin/" + name,
                  fmt::format("#!/bin/sh\necho \"{} $*\"\nexit {}\n", name, exit_code));
    std::filesystem::permissions(folder_ / "bin" / name, std::filesystem::perms::owner_all);
  }

  TemporaryFolder folder_;
  ScopedVariable path_{"PATH", (folder_ / "bin").string()};
};

TEST_F(Flasher, NeedsALinkedProgram) {
  EXPECT_THAT(error_of([&] { flash_firmware(folder_ / "model"); }),
              HasSubstr("firmware.bin: is not there; compile the model again"));
}

TEST_F(Flasher, NeedsATool) {
  folder_.write("model/build/firmware.bin", "x");
  EXPECT_EQ(error_of([&] { flash_firmware(folder_ / "model"); }),
            "neither st-flash (package stlink-tools) nor openocd is installed");
}

TEST_F(Flasher, WritesToTheBeginningOfTheFlash) {
  folder_.write("model/build/firmware.bin", "x");
  install("st-flash", 0);
  EXPECT_THAT(flash_firmware(folder_ / "model"),
              testing::MatchesRegex("st-flash --reset write .*firmware.bin 0x08000000\n"));
}

TEST_F(Flasher, TakesOpenocdWhereThereIsNoStFlash) {
  folder_.write("model/build/firmware.bin", "x");
  install("openocd", 0);
  EXPECT_THAT(flash_firmware(folder_ / "model"), HasSubstr("-f target/stm32f7x.cfg"));
}

TEST_F(Flasher, ReportsWhatTheToolSaid) {
  folder_.write("model/build/firmware.bin", "x");
  install("st-flash", 1);
  EXPECT_THAT(error_of([&] { flash_firmware(folder_ / "model"); }),
              HasSubstr("st-flash: failed: st-flash --reset write"));
}

}  // namespace
}  // namespace mcunet::deploy
