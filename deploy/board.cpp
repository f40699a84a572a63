#include "board.hpp"

#include <cmath>
#include <optional>

#include "mcunet/core/error.hpp"
#include "mcunet/deploy/cores.hpp"
#include "templates.hpp"

namespace mcunet::deploy {
namespace {

// Whole numbers that come from quotients of megahertz.
std::optional<int> exact(double value) {
  const double rounded = std::round(value);
  if (std::abs(value - rounded) > 1e-6) return std::nullopt;
  return static_cast<int>(rounded);
}

// The least power of two that brings a bus below its limit.
int bus_divider(double mhz, double limit_mhz) {
  constexpr int kMost = 16;
  for (int divider = 1; divider <= kMost; divider *= 2) {
    if (mhz / divider <= limit_mhz) return divider;
  }
  throw Error("no divider up to {} brings {} MHz below {} MHz", kMost, mhz, limit_mhz);
}

// As the bits of a prescaler: those of AHB have four, those of APB three; the first bit says that
// there is any division.
int ahb_code(int divider) {
  return divider == 1 ? 0 : 8 + static_cast<int>(std::log2(divider)) - 1;
}
int apb_code(int divider) {
  return divider == 1 ? 0 : 4 + static_cast<int>(std::log2(divider)) - 1;
}

// Of PLL1's input on STM32H7: 1 to 2, 2 to 4, 4 to 8, 8 to 16 MHz.
int input_range(double mhz) { return mhz < 2 ? 0 : mhz < 4 ? 1 : mhz < 8 ? 2 : 3; }

// FLASH_ACR; besides the wait states, prefetch and caches of STM32F4, prefetch and ART of STM32F7,
// and the signal delay of STM32H7, which its manual has at 2 where there are wait states above 1.
std::uint32_t flash_register(ChipFamily family, int wait_states) {
  const auto latency = static_cast<std::uint32_t>(wait_states);
  if (family == ChipFamily::kStm32H7) return latency | std::min(latency, 2U) << 4;
  return latency | 1U << 8 | 1U << 9 | (family == ChipFamily::kStm32F4 ? 1U << 10 : 0U);
}

std::string define(const char* name, const std::string& value) {
  return fmt::format("#define BOARD_{} {}\n", name, value);
}
std::string define(const char* name, std::int64_t value) {
  return define(name, std::to_string(value));
}
std::string define_hex(const char* name, std::uint32_t value) {
  return define(name, fmt::format("{:#010x}u", value));
}

std::int64_t hz(double mhz) { return std::llround(mhz * 1e6); }

std::string clock_defines(const ClockTree& tree, double clock_mhz) {
  const ClockSettings s = clock_settings_of(tree, clock_mhz);
  return fmt::format(
             "\n// The clock: {} MHz / {} * {} = {} MHz, / {} = {} MHz; "
             "buses at {}, {} and {} MHz.\n",
             tree.hsi_mhz, s.m, s.n, s.vco_mhz, s.p, clock_mhz, s.ahb_mhz, s.apb1_mhz, s.apb2_mhz) +
         define("CLOCK_HZ", hz(clock_mhz)) + define("RESET_HZ", hz(tree.hsi_mhz)) +
         define("PLL_M", s.m) + define("PLL_N", s.n) + define("PLL_P", s.p) +
         define("PLL_INPUT_RANGE", input_range(tree.pll_input_mhz)) +
         define("AHB_DIVIDER_CODE", ahb_code(s.ahb_divider)) +
         define("APB1_DIVIDER_CODE", apb_code(s.apb1_divider)) +
         define("APB2_DIVIDER_CODE", apb_code(s.apb2_divider)) +
         define("NEEDS_OVER_DRIVE", s.needs_over_drive ? 1 : 0) +
         define_hex("FLASH_ACR", flash_register(tree.family, s.wait_states));
}

std::string pin_defines(const std::string& prefix, const SerialPin& pin) {
  const auto name = [&](const char* what) { return prefix + what; };
  return define_hex(name("_PORT").c_str(), pin.port) + define(name("_PIN").c_str(), pin.pin) +
         define(name("_FUNCTION").c_str(), pin.alternate_function) +
         define_hex(name("_ENABLE_REGISTER").c_str(), pin.enable_register) +
         define(name("_ENABLE_BIT").c_str(), pin.enable_bit);
}

std::string console_defines(const SerialConsole& console, const ClockTree& tree, double clock_mhz,
                            bool listens) {
  const ClockSettings s = clock_settings_of(tree, clock_mhz);
  const std::string pins =
      listens ? fmt::format("{} and {}", console.tx.name, console.rx->name) : console.tx.name;
  return fmt::format("\n// The console: {} on {}.\n", console.usart.name, pins) +
         define("USART_GENERATION", tree.family == ChipFamily::kStm32F4 ? 1 : 2) +
         define_hex("USART_BASE", console.usart.base) +
         define_hex("USART_ENABLE_REGISTER", console.usart.enable_register) +
         define("USART_ENABLE_BIT", console.usart.enable_bit) +
         define("USART_HZ",
                hz(console.usart.bus == PeripheralBus::kApb1 ? s.apb1_mhz : s.apb2_mhz)) +
         define("BAUD", console.baud) + pin_defines("TX", console.tx) +
         (listens ? pin_defines("RX", *console.rx) : "");
}

}  // namespace

ClockSettings clock_settings_of(const ClockTree& tree, double clock_mhz) {
  ClockSettings settings;
  const auto m = exact(tree.hsi_mhz / tree.pll_input_mhz);
  if (!m) throw Error("pll_input_mhz {} does not divide {}", tree.pll_input_mhz, tree.hsi_mhz);
  settings.m = *m;
  for (int p = 2; p <= 8 && settings.p == 0; p += 2) {
    const double vco = clock_mhz * p;
    const auto n = exact(vco / tree.pll_input_mhz);
    if (vco < tree.vco_min_mhz || vco > tree.vco_max_mhz || !n) continue;
    settings.p = p;
    settings.n = *n;
    settings.vco_mhz = vco;
  }
  if (settings.p == 0) throw Error("no setting of the PLL makes {} MHz", clock_mhz);
  settings.ahb_divider = bus_divider(clock_mhz, tree.ahb_mhz);
  settings.ahb_mhz = clock_mhz / settings.ahb_divider;
  settings.apb1_divider = bus_divider(settings.ahb_mhz, tree.apb1_mhz);
  settings.apb1_mhz = settings.ahb_mhz / settings.apb1_divider;
  settings.apb2_divider = bus_divider(settings.ahb_mhz, tree.apb2_mhz);
  settings.apb2_mhz = settings.ahb_mhz / settings.apb2_divider;
  while (settings.ahb_mhz > tree.wait_states_up_to_mhz.at(settings.wait_states)) {
    if (++settings.wait_states == static_cast<int>(tree.wait_states_up_to_mhz.size())) {
      throw Error("wait_states_up_to_mhz ends before {} MHz", settings.ahb_mhz);
    }
  }
  settings.needs_over_drive = clock_mhz > tree.over_drive_above_mhz;
  return settings;
}

std::string board_header(const Device& device, bool listens) {
  const bool has_clock = device.clock.has_value();
  return fill_template(
      "board.h.in",
      {{"title", "The board of " + device.name},
       {"name", device.name},
       {"has_caches", core_named(device.core).has_caches ? "1" : "0"},
       {"clock", has_clock ? clock_defines(*device.clock, device.clock_mhz) : ""},
       {"console", has_clock && device.console
                       ? console_defines(*device.console, *device.clock, device.clock_mhz, listens)
                       : ""}});
}

std::string clock_template(const Device& device) {
  if (!device.clock) return "no_clock.c";
  return device.clock->family == ChipFamily::kStm32H7 ? "stm32h7_clock.c" : "stm32f4_clock.c";
}

}  // namespace mcunet::deploy
