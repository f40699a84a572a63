#include "memory_map.hpp"

#include "mcunet/core/error.hpp"
#include "templates.hpp"

namespace mcunet::deploy {
namespace {

std::string region_line(const std::string& name, const char* access, const MemoryBank& bank) {
  return fmt::format("  {} ({}) : ORIGIN = {:#010x}, LENGTH = {}K\n", name, access, bank.origin,
                     bank.size_kib);
}

}  // namespace

MemoryMap memory_map_of(const Device& device) {
  MemoryMap map{.flash = device.flash,
                .sram = device.arena_region(),
                .stack_bank = std::nullopt,
                .stack_bytes = device.stack_bytes()};
  if (const MemoryBank* bank = device.stack_region()) map.stack_bank = *bank;
  return map;
}

std::string linker_script(const MemoryMap& map, const std::string& title) {
  std::string memory = region_line("FLASH", "rx", map.flash) + region_line("SRAM", "rwx", map.sram);
  if (map.stack_bank) memory += region_line("STACK", "rwx", *map.stack_bank);
  memory.pop_back();
  return fill_template("firmware.ld.in", {{"title", title},
                                          {"memory", memory},
                                          {"data_region", map.stack_bank ? "STACK" : "SRAM"},
                                          {"stack_bytes", std::to_string(map.stack_bytes)}});
}

}  // namespace mcunet::deploy
