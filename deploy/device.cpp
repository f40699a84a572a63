#include "mcunet/deploy/device.hpp"

#include <algorithm>

#include "board.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/named_field.hpp"
#include "mcunet/core/names.hpp"
#include "mcunet/deploy/cores.hpp"

namespace mcunet::deploy {
namespace {

constexpr double kMaxKib = 1 << 22;  // all that 32 bits address
constexpr double kMaxMhz = 10'000;
constexpr std::int64_t kAddresses = std::int64_t{1} << 32;
// The arena and the stack are aligned to 8 bytes, the vector table by Armv7-M's manual to no less
// than 128.
constexpr std::int64_t kBankAlignment = 8;
constexpr std::int64_t kFlashAlignment = 128;

NumberCheck frequency() {
  return {positive().min, kMaxMhz, fmt::format("must be greater than 0 and at most {}", kMaxMhz)};
}

std::vector<Field> fields_of_bank(MemoryBank& bank) {
  return {required(name_field("name", bank.name)), required(field("origin", bank.origin)),
          required(field("size_kib", bank.size_kib, between(1, kMaxKib)))};
}

std::vector<Field> fields_of_flash(MemoryBank& flash) {
  return {required(field("origin", flash.origin)),
          required(field("size_kib", flash.size_kib, between(1, kMaxKib)))};
}

// A map that may be left out, or null.
template <typename T>
Field optional_section(std::string key, std::optional<T>& value, std::vector<Field> (*fields)(T&)) {
  auto read = [&value, fields](const ConfigNode& node) {
    value.reset();
    if (node.kind != ConfigNode::Kind::kNull) read_fields(node, fields(value.emplace()));
  };
  auto write = [&value, fields] { return value ? write_fields(fields(*value)) : ConfigNode{}; };
  return {std::move(key), std::move(read), std::move(write)};
}

std::vector<Field> fields_of_clock(ClockTree& clock) {
  return {required(choice("family", clock.family,
                          {{"stm32f4", ChipFamily::kStm32F4},
                           {"stm32f7", ChipFamily::kStm32F7},
                           {"stm32h7", ChipFamily::kStm32H7}})),
          required(field("hsi_mhz", clock.hsi_mhz, frequency())),
          required(field("pll_input_mhz", clock.pll_input_mhz, between(1, 16))),
          required(field("vco_min_mhz", clock.vco_min_mhz, frequency())),
          required(field("vco_max_mhz", clock.vco_max_mhz, frequency())),
          required(field("ahb_mhz", clock.ahb_mhz, frequency())),
          required(field("apb1_mhz", clock.apb1_mhz, frequency())),
          required(field("apb2_mhz", clock.apb2_mhz, frequency())),
          field("over_drive_above_mhz", clock.over_drive_above_mhz, positive()),
          required(field("wait_states_up_to_mhz", clock.wait_states_up_to_mhz, frequency()))};
}

std::vector<Field> fields_of_usart(Usart& usart) {
  return {required(name_field("name", usart.name)), required(field("base", usart.base)),
          required(field("enable_register", usart.enable_register)),
          required(field("enable_bit", usart.enable_bit, between(0, 31))),
          required(choice("bus", usart.bus,
                          {{"apb1", PeripheralBus::kApb1}, {"apb2", PeripheralBus::kApb2}}))};
}

std::vector<Field> fields_of_pin(SerialPin& pin) {
  return {required(name_field("name", pin.name)),
          required(field("port", pin.port)),
          required(field("pin", pin.pin, between(0, 15))),
          required(field("alternate_function", pin.alternate_function, between(0, 15))),
          required(field("enable_register", pin.enable_register)),
          required(field("enable_bit", pin.enable_bit, between(0, 31)))};
}

std::vector<Field> fields_of_console(SerialConsole& console) {
  return {required(section("usart", fields_of_usart(console.usart))),
          required(section("tx", fields_of_pin(console.tx))),
          optional_section("rx", console.rx, fields_of_pin),
          field("baud", console.baud, between(300, 4'000'000))};
}

void check_clock(const ConfigNode& node, const Device& device) {
  try {
    clock_settings_of(*device.clock, device.clock_mhz);
  } catch (const Error& error) {
    node.fail(error.what());
  }
}

const MemoryBank* find_bank(const Device& device, const std::string& name) {
  const auto found = std::find_if(device.sram_banks.begin(), device.sram_banks.end(),
                                  [&](const MemoryBank& bank) { return bank.name == name; });
  return found == device.sram_banks.end() ? nullptr : &*found;
}

std::int64_t end_of(const MemoryBank& bank) { return bank.origin + bank.size_kib * 1024; }

void check_place(const ConfigNode& node, const MemoryBank& bank, std::int64_t alignment) {
  if (end_of(bank) > kAddresses) node.fail("ends beyond 32 bits of address");
  if (bank.origin % alignment != 0) {
    node.fail(
        fmt::format("must begin at a multiple of {} bytes, is at {:#x}", alignment, bank.origin));
  }
}

void check_apart(const ConfigNode& node, const MemoryBank& bank, const MemoryBank& other,
                 const std::string& name_of_other) {
  if (bank.origin < end_of(other) && other.origin < end_of(bank)) {
    node.fail(fmt::format("overlaps {}: it has {:#x} to {:#x}, {} has {:#x} to {:#x}",
                          name_of_other, bank.origin, end_of(bank), name_of_other, other.origin,
                          end_of(other)));
  }
}

void check_banks(const ConfigNode& root, const Device& device) {
  check_place(*root.find("flash"), device.flash, kFlashAlignment);
  const ConfigNode& list = *root.find("sram_banks");
  for (std::size_t i = 0; i < device.sram_banks.size(); ++i) {
    const ConfigNode& node = list.items[i];
    const MemoryBank& bank = device.sram_banks[i];
    check_place(node, bank, kBankAlignment);
    check_apart(node, bank, device.flash, "flash");
    for (std::size_t j = 0; j < i; ++j) {
      const MemoryBank& other = device.sram_banks[j];
      if (other.name == bank.name) node.fail("has the name of another bank, " + bank.name);
      check_apart(node, bank, other, other.name);
    }
  }
}

// One arena cannot have a gap.
void check_arena_banks(const ConfigNode& node, const Device& device) {
  if (device.arena_banks.empty()) node.fail("must name at least one bank");
  const MemoryBank* before = nullptr;
  for (const std::string& name : device.arena_banks) {
    const MemoryBank* bank = find_bank(device, name);
    if (bank == nullptr) node.fail("names " + name + ", which is not in sram_banks");
    if (before != nullptr && before->origin + before->size_kib * 1024 != bank->origin) {
      node.fail(bank->name + " does not begin where " + before->name + " ends");
    }
    before = bank;
  }
}

void check_stack_bank(const ConfigNode& node, const Device& device) {
  const std::string& name = device.stack_bank;
  if (name.empty()) return;
  if (find_bank(device, name) == nullptr) node.fail("names " + name + ", no bank of sram_banks");
  const auto& banks = device.arena_banks;
  if (std::find(banks.begin(), banks.end(), name) != banks.end()) {
    node.fail("is a bank of the arena, which has room for the stack without being named");
  }
}

// Costs of another core would be told as this one's, and be far off.
void check_latency(const ConfigNode& node, const Device& device) {
  if (device.latency.core == device.core) return;
  node.fail(fmt::format("must be a model of {}, the device's core, is one of {} (there are {})",
                        device.core, device.latency.core, names_of_cores()));
}

std::int64_t arena_kib(const Device& device) {
  std::int64_t total = 0;
  for (const std::string& name : device.arena_banks) total += find_bank(device, name)->size_kib;
  return total;
}

}  // namespace

std::vector<Field> fields_of(CoreLatency& latency) {
  std::vector<Field> fields = {required(core_field(latency.core)),
                               field("spread", latency.spread, between(0, 1))};
  for (std::size_t layer = 0; layer < engine::kLayerClasses; ++layer) {
    std::vector<Field> kinds;
    for (std::size_t kind = 0; kind < engine::kWorkKinds; ++kind) {
      kinds.push_back(field(std::string(name_of(static_cast<engine::WorkKind>(kind))),
                            latency.costs[layer][kind], between(0, 1e9)));
    }
    fields.push_back(
        required(section(std::string(name_of(static_cast<engine::LayerClass>(layer))), kinds)));
  }
  return fields;
}

CoreLatency read_core_latency(const ConfigNode& node) {
  CoreLatency latency;
  read_fields(node, fields_of(latency));
  return latency;
}

std::vector<Field> fields_of(Device& device) {
  return {
      required(name_field("name", device.name)),
      required(core_field(device.core)),
      required(field("clock_mhz", device.clock_mhz, frequency())),
      required(section("flash", fields_of_flash(device.flash))),
      required(section_list("sram_banks", device.sram_banks, fields_of_bank)),
      required(field("arena_banks", device.arena_banks)),
      field("stack_bank", device.stack_bank),
      field("reserved_sram_kib", device.reserved_sram_kib, between(0, kMaxKib)),
      field("reserved_flash_kib", device.reserved_flash_kib, between(0, kMaxKib)),
      field("power_mw", device.power_mw, between(0, 1e6)),
      required(named("latency", "latency", device.latency, read_core_latency, fields_of)),
      field("memory_stalls", device.memory_stalls, between(0, 2)),
      optional_section("clock", device.clock, fields_of_clock),
      optional_section("console", device.console, fields_of_console),
  };
}

std::int64_t Device::sram_budget_bytes() const {
  return (arena_kib(*this) - reserved_sram_kib) * 1024;
}

std::int64_t Device::flash_budget_bytes() const {
  return (flash.size_kib - reserved_flash_kib) * 1024;
}

MemoryBank Device::arena_region() const {
  return {.name = "SRAM",
          .origin = find_bank(*this, arena_banks[0])->origin,
          .size_kib = arena_kib(*this)};
}

const MemoryBank* Device::stack_region() const {
  return stack_bank.empty() ? nullptr : find_bank(*this, stack_bank);
}

std::int64_t Device::stack_bytes() const {
  constexpr std::int64_t kInItsOwnBank = 8 * 1024;
  if (stack_region() != nullptr) return kInItsOwnBank;
  return std::max<std::int64_t>(1024, reserved_sram_kib * 1024 * 3 / 4);
}

engine::CodeCore Device::code_core() const { return core_named(core).code; }

engine::LatencyModel Device::latency_model() const {
  return {.clock_mhz = clock_mhz,
          .memory_stalls = memory_stalls,
          .spread = latency.spread,
          .power_mw = power_mw,
          .costs = latency.costs};
}

engine::Budget Device::budget() const {
  return {.sram_bytes = sram_budget_bytes(), .flash_bytes = flash_budget_bytes()};
}

Device read_device(const ConfigNode& node) {
  Device device;
  read_fields(node, fields_of(device));
  check_banks(node, device);
  check_arena_banks(*node.find("arena_banks"), device);
  if (const ConfigNode* bank = node.find("stack_bank")) check_stack_bank(*bank, device);
  check_latency(*node.find("latency"), device);
  if (device.clock) check_clock(*node.find("clock"), device);
  if (device.console && !device.clock) {
    node.find("console")->fail("needs clock, which its rate comes from");
  }
  if (device.sram_budget_bytes() <= 0) {
    node.find("reserved_sram_kib")->fail("reserves all of the arena's banks");
  }
  if (device.flash_budget_bytes() <= 0) {
    node.find("reserved_flash_kib")->fail("reserves all of the flash");
  }
  return device;
}

Device load_device(const std::string& name_or_file) {
  return read_device(load_named_config(name_or_file, "devices"));
}

}  // namespace mcunet::deploy
