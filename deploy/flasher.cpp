#include "mcunet/deploy/flasher.hpp"

#include <fmt/format.h>

#include "mcunet/core/error.hpp"
#include "mcunet/core/process.hpp"
#include "mcunet/core/scratch_folder.hpp"
#include "mcunet/deploy/firmware.hpp"

namespace mcunet::deploy {
namespace fs = std::filesystem;
namespace {

// A megabyte takes half a minute over the slowest adapter.
constexpr double kFlashSeconds = 300;

// A word in braces, as OpenOCD's commands (Tcl) take it as it stands.
std::string in_braces(const std::string& text) {
  if (text.find_first_of("{}\\") != std::string::npos) {
    throw Error("{}: OpenOCD takes no braces or backslashes in a file's name", text);
  }
  return "{" + text + "}";
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
  if (find_program("st-flash")) {
    command = {"st-flash", "--reset", "write", binary.string(), address};
  } else if (find_program("openocd")) {
    command = {"openocd",
               "-f",
               "interface/stlink.cfg",
               "-f",
               openocd_target(device.name),
               "-c",
               fmt::format("program {} verify reset exit {}", in_braces(binary.string()), address)};
  } else {
    throw Error("neither st-flash (package stlink-tools) nor openocd is installed");
  }
  const ScratchFolder scratch;
  const ProcessResult result =
      run_to_end(command, {.folder = scratch.path(), .timeout_seconds = kFlashSeconds});
  if (result.exit_code != 0) {
    throw Error("{}: failed: {}", command.front(), result.log.substr(0, 400));
  }
  return result.log;
}

}  // namespace mcunet::deploy
