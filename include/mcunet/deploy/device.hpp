#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mcunet/core/config.hpp"
#include "mcunet/engine/planning/resources.hpp"

// A microcontroller as configs/devices/NAME.yaml describes it.
namespace mcunet::deploy {

// A region of memory, as the linker script will see it.
struct MemoryBank {
  std::string name;
  std::uint32_t origin = 0;
  std::int64_t size_kib = 0;
};

// Registers of clock and serial line alike within a family.
enum class ChipFamily { kStm32F4, kStm32F7, kStm32H7 };

// What the reference manual says of the way from the internal oscillator (HSI) to the core's clock.
struct ClockTree {
  ChipFamily family = ChipFamily::kStm32F4;
  double hsi_mhz = 0;
  double pll_input_mhz = 0;  // HSI divided, before it is multiplied
  double vco_min_mhz = 0;    // of the PLL's oscillator
  double vco_max_mhz = 0;
  double ahb_mhz = 0;  // the most that each bus bears
  double apb1_mhz = 0;
  double apb2_mhz = 0;
  double over_drive_above_mhz = 1e9;
  // Of the flash, by the frequency of its bus: up to the first with none, up to the second with 1…
  std::vector<double> wait_states_up_to_mhz;
};

enum class PeripheralBus { kApb1, kApb2 };

struct Usart {
  std::string name;
  std::uint32_t base = 0;
  std::uint32_t enable_register = 0;  // of its clock
  int enable_bit = 0;
  PeripheralBus bus = PeripheralBus::kApb1;  // whose clock it has
};

struct SerialPin {
  std::string name;
  std::uint32_t port = 0;  // base address
  int pin = 0;
  int alternate_function = 0;
  std::uint32_t enable_register = 0;  // of the port's clock
  int enable_bit = 0;
};

// The serial line that a board of this chip usually leads to its debugger's USB.
struct SerialConsole {
  Usart usart;
  SerialPin tx;
  std::optional<SerialPin> rx;  // absent: firmware of it listens to nothing
  int baud = 115200;
};

// What layers take on a core: a file of configs/latency/.
struct CoreLatency {
  std::string core;
  double spread = 0;  // see engine::LatencyModel
  engine::LayerCosts costs = {};
};

struct Device {
  std::string name;
  std::string core;  // one of cores()
  double clock_mhz = 0;
  MemoryBank flash;
  std::vector<MemoryBank> sram_banks;
  // The banks, adjacent in the address space, that hold the arena, stack and static data.
  std::vector<std::string> arena_banks;
  // The bank for the stack and static data; empty: at the end of the arena's banks.
  std::string stack_bank;
  std::int64_t reserved_sram_kib = 0;   // for the stack and the application's own data
  std::int64_t reserved_flash_kib = 0;  // for the application around the network
  double power_mw = 0;                  // while computing
  CoreLatency latency;                  // of its core
  // The share of the core's cycles that wait states of the flash and cache misses add at most.
  double memory_stalls = 0.3;
  std::optional<ClockTree> clock;  // absent: firmware leaves the clock as it is after reset
  std::optional<SerialConsole> console;

  // What a network may use, in bytes.
  std::int64_t sram_budget_bytes() const;
  std::int64_t flash_budget_bytes() const;

  // The arena's banks as one.
  MemoryBank arena_region() const;
  // Where the stack and static data lie apart from the arena, if they do.
  const MemoryBank* stack_region() const;
  // The least that linked firmware leaves to the stack: three quarters of the reserved SRAM, the
  // rest being for static data, and no less than 1 KiB; 8 KiB in a bank of its own.
  std::int64_t stack_bytes() const;

  engine::LatencyModel latency_model() const;
  engine::CodeCore code_core() const;
  engine::Budget budget() const;
};

// The keys of configs/latency/NAME.yaml: core, spread, and a map per class of layer with the cost of
// each kind of work.
std::vector<Field> fields_of(CoreLatency& latency);
CoreLatency read_core_latency(const ConfigNode& node);

// The keys of configs/devices/NAME.yaml.
std::vector<Field> fields_of(Device& device);

// Throws Error, through the node's place, for keys and values that make no device.
Device read_device(const ConfigNode& node);

// A name in configs/devices/ or a file. Throws Error.
Device load_device(const std::string& name_or_file);

}  // namespace mcunet::deploy
