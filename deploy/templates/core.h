// What a Cortex-M core itself offers.
#ifndef MCUNET_CORE_H
#define MCUNET_CORE_H

#include <stdint.h>

// Instruction and data cache, where board.h says that the core has them.
void enable_caches(void);

// The counter wraps around after 2^32 cycles. 0 on a core that has none, as Cortex-M0+.
void start_cycle_counter(void);
uint32_t cycle_count(void);

#endif
