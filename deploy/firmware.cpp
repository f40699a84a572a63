#include "mcunet/deploy/firmware.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "board.hpp"
#include "cross_compiler.hpp"
#include "emulator_board.hpp"
#include "mcunet/core/crc32c.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/scratch_folder.hpp"
#include "mcunet/deploy/emulator.hpp"
#include "templates.hpp"

namespace mcunet::deploy {
namespace fs = std::filesystem;
namespace {

constexpr const char* kCopiedFiles[] = {"startup.c",
                                        "startup.h",
                                        "core.c",
                                        "core.h",
                                        "clock.h",
                                        "console.c",
                                        "console.h",
                                        "registers.h",
                                        "serial_link.c",
                                        "serial_link.h",
                                        "emulator_line.c",
                                        "semihosting.c",
                                        "semihosting.h",
                                        "instruction_counter.c",
                                        "instruction_counter.h",
                                        "semihosting_console.c",
                                        "toolchain.cmake"};

// Of the device's program, besides the network and main(). The linker drops what is not used.
constexpr const char* kDeviceSources[] = {"firmware/startup.c",       "firmware/core.c",
                                          "firmware/clock.c",         "firmware/console.c",
                                          "firmware/board_console.c", "firmware/semihosting.c",
                                          "firmware/serial_link.c"};

constexpr char kMain[] = "firmware/main.c";  // not there in a project of live firmware
constexpr char kLiveMain[] = "firmware/live_main.c";

std::string_view console_template(ConsoleKind kind) {
  if (kind == ConsoleKind::kNone) return "no_console.c";
  if (kind == ConsoleKind::kSemihosting) return "semihosting_console.c";
  return "serial_console.c";
}

}  // namespace

void require_console(const Device& device, ConsoleKind kind) {
  if (kind == ConsoleKind::kNone || kind == ConsoleKind::kSemihosting) return;
  if (!device.console) {
    throw Error("{}: its description has no serial console; choose semihosting or none",
                device.name);
  }
  if (kind == ConsoleKind::kLive && !device.console->rx) {
    throw Error("{}: its console has no rx, a pin to receive inputs on; add it to its description",
                device.name);
  }
}

void require_free_names(const engine::ModelNames& names) {
  const std::string header = names.prefix() + ".h";
  const auto* const found = std::find(std::begin(kCopiedFiles), std::end(kCopiedFiles), header);
  // Its main() has a print_output() of its own.
  if (found != std::end(kCopiedFiles) || header == "board.h" || names.prefix() == "print") {
    throw Error("\"{}\" is in use by the firmware; choose another prefix", names.prefix());
  }
}

const std::map<std::string, ConsoleKind>& console_kinds() {
  static const std::map<std::string, ConsoleKind> kinds = {
      {"serial", ConsoleKind::kSerial},
      {"live", ConsoleKind::kLive},
      {"semihosting", ConsoleKind::kSemihosting},
      {"none", ConsoleKind::kNone}};
  return kinds;
}

std::uint32_t network_checksum(const fs::path& folder, const engine::ModelNames& names) {
  std::string code;
  for (const std::string& file : {names.prefix() + ".c", names.part("weights") + ".c"}) {
    if (fs::exists(folder / file)) code += read_file(folder / file);
  }
  return crc32c(code);
}

bool is_live_project(const fs::path& folder) { return !fs::exists(folder / kMain); }

ConsoleKind default_console(const Device& device) {
  return device.console ? ConsoleKind::kSerial : ConsoleKind::kNone;
}

void write_firmware_project(const fs::path& folder, const Device& device, ConsoleKind console,
                            const engine::ModelNames& names) {
  require_free_names(names);
  require_console(device, console);
  const std::string_view console_source = find_template(console_template(console));
  const fs::path sources = folder / "firmware";
  make_folder(sources);
  for (const char* name : kCopiedFiles) {
    write_file_atomically(sources / name, find_template(name));
  }
  write_file_atomically(sources / "board.h", board_header(device, console == ConsoleKind::kLive));
  write_file_atomically(sources / "clock.c", find_template(clock_template(device)));
  write_file_atomically(sources / "board_console.c", console_source);
  const EmulatorBoard& board = choose_board("", device.core);
  write_file_atomically(sources / "firmware.ld",
                        linker_script(memory_map_of(device), "Memory of " + device.name));
  write_file_atomically(sources / "emulator.ld",
                        linker_script(board.map, "Memory of " + board.name));
  Device copy = device;
  write_file_atomically(sources / "device.json",
                        to_json_text(write_fields(fields_of(copy))) + "\n");
  std::map<std::string, std::string, std::less<>> values = names.template_texts();
  values.insert({"network", fmt::format("{:#010x}", network_checksum(folder, names))});
  for (const char* name : {"main.c", "emulator_main.c", "live_main.c"}) {
    write_file_atomically(sources / name, fill_template(fmt::format("{}.in", name), values));
  }
  const char* const main = console == ConsoleKind::kLive ? kLiveMain : kMain;
  if (console == ConsoleKind::kLive) fs::remove(folder / kMain);
  values.insert({{"title", "Firmware for " + device.name},
                 {"board", board.name},
                 {"cpu_flags", cpu_flags(device.core)},
                 {"c_flags", kCompileFlags},
                 {"link_flags", kLinkFlags},
                 {"device_sources", fmt::format("{} {}", main, fmt::join(kDeviceSources, " "))},
                 {"emulator_sources",
                  "firmware/emulator_main.c firmware/console.c firmware/semihosting_console.c "
                  "firmware/semihosting.c firmware/instruction_counter.c"},
                 {"emulator_defines", board.defines},
                 {"emulator_command", fmt::format("{}", fmt::join(emulator_command(board), " "))}});
  write_file_atomically(folder / "Makefile", fill_template("Makefile.in", values));
  write_file_atomically(folder / "CMakeLists.txt", fill_template("CMakeLists.txt.in", values));
}

bool FirmwareReport::fits() const {
  for (const RegionUse& region : regions) {
    if (region.excess_bytes() > 0) return false;
  }
  return true;
}

std::vector<std::string> describe_excess(const FirmwareReport& report) {
  std::vector<std::string> sentences;
  for (const RegionUse& region : report.regions) {
    if (region.excess_bytes() == 0) continue;
    sentences.push_back(fmt::format("{}: {} bytes of {}, {} too many", region.name,
                                    region.used_bytes, region.capacity_bytes,
                                    region.excess_bytes()));
  }
  return sentences;
}

namespace {

FirmwareReport link_firmware(const fs::path& folder, const Device& device,
                             const std::string& defines, const fs::path& build) {
  std::vector<fs::path> sources = model_sources(folder, read_model_description(folder).names);
  sources.push_back(folder / (is_live_project(folder) ? kLiveMain : kMain));
  for (const char* source : kDeviceSources) sources.push_back(folder / source);
  const ScratchFolder scratch(folder);
  const fs::path objects_folder = scratch.path() / "objects";
  const fs::path images = scratch.path() / "images";
  make_folder(objects_folder);
  make_folder(images);
  const std::vector<fs::path> objects =
      compile(folder, sources, device.core, defines, objects_folder);

  FirmwareReport report;
  if (!link(objects, folder / "firmware/firmware.ld", device.core, memory_map_of(device),
            images / "firmware.elf", report)) {
    std::error_code ignored;
    fs::remove_all(build, ignored);
    return report;
  }
  copy_object(images / "firmware.elf", "binary", images / "firmware.bin");
  copy_object(images / "firmware.elf", "ihex", images / "firmware.hex");
  replace_folder(images, build);
  report.elf = build / "firmware.elf";
  report.bin = build / "firmware.bin";
  report.hex = build / "firmware.hex";
  report.map = build / "firmware.map";
  return report;
}

}  // namespace

FirmwareReport link_firmware(const fs::path& folder, const Device& device) {
  return link_firmware(folder, device, "", folder / "build");
}

FirmwareReport link_profiling_firmware(const fs::path& folder, const Device& device) {
  const engine::ModelNames names = read_model_description(folder).names;
  return link_firmware(folder, device, fmt::format("-D{}_PROFILE", names.macro_prefix()),
                       folder / "profile");
}

Device read_project_device(const fs::path& folder) {
  const fs::path file = folder / "firmware" / "device.json";
  if (!fs::exists(file)) {
    throw Error("{}: holds no firmware project (mcunet compile writes one)", folder.string());
  }
  return read_device(load_config(file));
}

}  // namespace mcunet::deploy
