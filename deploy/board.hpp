#pragma once

#include <cstdint>
#include <string>

#include "mcunet/deploy/device.hpp"

// From a device's description to what its clock and console are set to.
namespace mcunet::deploy {

// The PLL makes VCO = HSI / m * n, and the core's clock = VCO / p. `ahb_divider` divides that for
// the AHB and AXI buses and the flash, and the others divide theirs again.
struct ClockSettings {
  int m = 0;
  int n = 0;
  int p = 0;
  int ahb_divider = 1;
  int apb1_divider = 1;
  int apb2_divider = 1;
  int wait_states = 0;
  bool needs_over_drive = false;
  double vco_mhz = 0;
  double ahb_mhz = 0;
  double apb1_mhz = 0;
  double apb2_mhz = 0;
};

// Throws Error if the clock tree cannot make the frequency exactly or within its limits.
ClockSettings clock_settings_of(const ClockTree& tree, double clock_mhz);

// board.h, for the C in templates/. A board that listens has a pin to receive on.
std::string board_header(const Device& device, bool listens = false);

// The template that becomes clock.c.
std::string clock_template(const Device& device);

}  // namespace mcunet::deploy
