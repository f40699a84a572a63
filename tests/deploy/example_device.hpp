#pragma once

#include "mcunet/deploy/device.hpp"

namespace mcunet::deploy {

// 64 KiB of flash, 24 KiB of SRAM of which 2 are reserved.
inline Device example_device(const std::string& core = "cortex-m4") {
  Device device;
  device.name = "board";
  device.core = core;
  device.clock_mhz = 100;
  device.flash = {.name = "", .origin = 0x08000000, .size_kib = 64};
  device.sram_banks = {{.name = "A", .origin = 0x20000000, .size_kib = 16},
                       {.name = "B", .origin = 0x20004000, .size_kib = 8},
                       {.name = "C", .origin = 0x20008000, .size_kib = 16}};
  device.arena_banks = {"A", "B"};
  device.reserved_sram_kib = 2;
  device.reserved_flash_kib = 4;
  device.latency = {.core = core, .costs = engine::LatencyModel::default_costs()};
  return device;
}

}  // namespace mcunet::deploy
