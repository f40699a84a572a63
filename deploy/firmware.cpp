#include "mcunet/deploy/firmware.hpp"

#include <fmt/ranges.h>

#include "cross_compiler.hpp"
#include "emulator_board.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/scratch_folder.hpp"
#include "templates.hpp"

namespace mcunet::deploy {
namespace fs = std::filesystem;
namespace {

constexpr const char* kCopiedFiles[] = {"startup.c",
                                        "startup.h",
                                        "main.c",
                                        "emulator_main.c",
                                        "semihosting.c",
                                        "semihosting.h",
                                        "instruction_counter.c",
                                        "instruction_counter.h",
                                        "toolchain.cmake"};

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw Error("{}: cannot be created: {}", folder.string(), error.message());
}

}  // namespace

void write_firmware_project(const fs::path& folder, const Device& device) {
  const fs::path sources = folder / "firmware";
  make_folder(sources);
  for (const char* name : kCopiedFiles) {
    write_file_atomically(sources / name, find_template(name));
  }
  const EmulatorBoard& board = choose_board("", device.core);
  write_file_atomically(sources / "firmware.ld",
                        linker_script(memory_map_of(device), "Memory of " + device.name));
  write_file_atomically(sources / "emulator.ld",
                        linker_script(board.map, "Memory of " + board.name));
  Device copy = device;
  write_file_atomically(sources / "device.json",
                        to_json_text(write_fields(fields_of(copy))) + "\n");
  const std::map<std::string, std::string> values = {
      {"title", "Firmware for " + device.name},
      {"board", board.name},
      {"cpu_flags", cpu_flags(device.core)},
      {"c_flags", kCompileFlags},
      {"link_flags", kLinkFlags},
      {"emulator_sources",
       "firmware/emulator_main.c firmware/semihosting.c firmware/instruction_counter.c"},
      {"emulator_defines", board.defines},
      {"emulator_command", fmt::format("{}", fmt::join(emulator_command(board), " "))}};
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

FirmwareReport link_firmware(const fs::path& folder, const Device& device) {
  std::vector<fs::path> sources = model_sources(folder);
  sources.insert(sources.end(), {folder / "firmware/startup.c", folder / "firmware/main.c"});
  const ScratchFolder scratch(folder);
  const fs::path objects_folder = scratch.path() / "objects";
  const fs::path images = scratch.path() / "images";
  make_folder(objects_folder);
  make_folder(images);
  const std::vector<fs::path> objects = compile(folder, sources, device.core, "", objects_folder);

  FirmwareReport report;
  const fs::path build = folder / "build";
  if (!link(objects, folder / "firmware/firmware.ld", device.core, memory_map_of(device),
            images / "firmware.elf", report)) {
    std::error_code ignored;
    fs::remove_all(build, ignored);
    return report;
  }
  copy_object(images / "firmware.elf", "binary", images / "firmware.bin");
  copy_object(images / "firmware.elf", "ihex", images / "firmware.hex");
  fs::remove(images / "process.log");
  replace_folder(images, build);
  report.elf = build / "firmware.elf";
  report.bin = build / "firmware.bin";
  report.hex = build / "firmware.hex";
  report.map = build / "firmware.map";
  return report;
}

Device read_project_device(const fs::path& folder) {
  const fs::path file = folder / "firmware" / "device.json";
  if (!fs::exists(file)) {
    throw Error("{}: holds no firmware project (mcunet compile writes one)", folder.string());
  }
  return read_device(load_config(file));
}

}  // namespace mcunet::deploy
