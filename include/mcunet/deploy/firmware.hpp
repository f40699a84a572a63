#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "mcunet/deploy/device.hpp"
#include "mcunet/engine/codegen/model_names.hpp"

// Makes the folder of a generated network (model.h, model.c, weights.c, kernels/) a firmware
// project and links it for its device.
namespace mcunet::deploy {

// Where the device's main() prints to.
enum class ConsoleKind {
  kSerial,       // the USART in the device's description
  kLive,         // the same, on which it waits for inputs and answers, see live_firmware.hpp
  kSemihosting,  // the debugger
  kNone,
};

// kSerial if the device's description has one, else kNone.
ConsoleKind default_console(const Device& device);

// "serial", "live", "semihosting" and "none".
const std::map<std::string, ConsoleKind>& console_kinds();

// Throws Error if the device has not what the console needs.
void require_console(const Device& device, ConsoleKind kind);

// Throws Error if the network's header or a function of it has the name of one of the firmware's.
void require_free_names(const engine::ModelNames& names);

// Adds Makefile, CMakeLists.txt and firmware/: startup code, clock, console and main() for the
// device, main() for an emulated board, main() of live firmware, linker scripts, and the device's
// description. `make` builds it by hand. `names` are those of the network's files. Replaces files of these names. Throws Error,
// also for a serial console where the device has none, or, to be live, no pin to receive on.
void write_firmware_project(const std::filesystem::path& folder, const Device& device,
                            ConsoleKind console, const engine::ModelNames& names = {});
inline void write_firmware_project(const std::filesystem::path& folder, const Device& device) {
  write_firmware_project(folder, device, default_console(device));
}

// A region of memory that the linker fills.
struct RegionUse {
  std::string name;  // "flash", "SRAM" for the arena's banks, or the stack's bank
  std::int64_t used_bytes = 0;
  std::int64_t capacity_bytes = 0;

  std::int64_t excess_bytes() const {
    return used_bytes > capacity_bytes ? used_bytes - capacity_bytes : 0;
  }
};

// What the linker made of the project. All of it is measured, also where it does not fit.
struct FirmwareReport {
  std::int64_t text_bytes = 0;     // code and constants, weights among them
  std::int64_t data_bytes = 0;     // initialized variables: in flash and in SRAM
  std::int64_t bss_bytes = 0;      // the arena and other variables
  std::int64_t stack_bytes = 0;    // the least that is left to the stack
  std::vector<RegionUse> regions;  // flash, the arena's banks, the stack's own if it has one

  // Below folder/build; empty if it does not fit, and then there are no such files.
  std::filesystem::path elf;
  std::filesystem::path bin;
  std::filesystem::path hex;
  std::filesystem::path map;

  std::int64_t flash_bytes() const { return text_bytes + data_bytes; }
  std::int64_t sram_bytes() const { return data_bytes + bss_bytes + stack_bytes; }
  std::int64_t sram_excess_bytes() const { return regions.at(1).excess_bytes(); }
  bool fits() const;
};

// One sentence per region that overflows: "flash: 1049088 bytes of 1048576, 512 too many".
std::vector<std::string> describe_excess(const FirmwareReport& report);

// Throws Error, with the package to install, if the cross compiler or its C library is not there.
void require_cross_compiler();

// Compiles and links the project as its Makefile does. Firmware that does not fit is a result; the
// files of an earlier link are removed then. Throws Error if there is no cross compiler or if the
// sources do not compile.
FirmwareReport link_firmware(const std::filesystem::path& folder, const Device& device);

// The same in folder/profile, with firmware that prints the cycles of each step on its console.
FirmwareReport link_profiling_firmware(const std::filesystem::path& folder, const Device& device);

// Whether the project's firmware waits for inputs on its console (ConsoleKind::kLive).
bool is_live_project(const std::filesystem::path& folder);

// Of the code and the weights in a folder of a generated network: what its live firmware says of it.
std::uint32_t network_checksum(const std::filesystem::path& folder,
                               const engine::ModelNames& names);

// The device that the project was written for. Throws Error if the folder holds no project.
Device read_project_device(const std::filesystem::path& folder);

}  // namespace mcunet::deploy
