// Brings the chip from its reset clock to the frequency in board.h.
#ifndef MCUNET_CLOCK_H
#define MCUNET_CLOCK_H

// Returns 0 if the PLL, the regulator or the flash did not become ready; the core then stays on the
// internal oscillator, as after reset.
int set_up_clock(void);

#endif
