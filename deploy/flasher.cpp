#include "mcunet/deploy/flasher.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>

#include "mcunet/core/error.hpp"
#include "mcunet/core/scratch_folder.hpp"
#include "mcunet/deploy/firmware.hpp"
#include "process.hpp"

namespace mcunet::deploy {
namespace fs = std::filesystem;
namespace {

bool is_installed(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (::access((fs::path(folder) / program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

// OpenOCD's target script of an STM32: stm32f746 is of the family stm32f7x.
std::string openocd_target(const std::string& device) {
  if (device.size() < 7 || !device.starts_with("stm32")) {
    throw Error("{}: OpenOCD's target is known for STM32 devices only", device);
  }
  return fmt::format("target/{}x.cfg", device.substr(0, 7));
}

}  // namespace

std::string flash_firmware(const fs::path& folder) {
  const Device device = read_project_device(folder);
  const fs::path binary = fs::absolute(folder / "build" / "firmware.bin");
  if (!fs::exists(binary)) {
    throw Error("{}: is not there; compile the model again, or run make in {}", binary.string(),
                folder.string());
  }
  const std::string address = fmt::format("{:#010x}", device.flash.origin);
  std::vector<std::string> command;
  if (is_installed("st-flash")) {
    command = {"st-flash", "--reset", "write", binary.string(), address};
  } else if (is_installed("openocd")) {
    command = {"openocd",
               "-f",
               "interface/stlink.cfg",
               "-f",
               openocd_target(device.name),
               "-c",
               fmt::format("program {{{}}} verify reset exit {}", binary.string(), address)};
  } else {
    throw Error("neither st-flash (package stlink-tools) nor openocd is installed");
  }
  const ScratchFolder scratch;
  const ProcessResult result =
      run_process(command, {.folder = scratch.path(), .timeout_seconds = 120});
  if (result.timed_out || result.exit_code != 0) {
    throw Error("{}: failed: {}", command.front(), result.log.substr(0, 400));
  }
  return result.log;
}

}  // namespace mcunet::deploy
