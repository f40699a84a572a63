// Counts the instructions that the core executes between two calls, on QEMU with `-icount shift=0`,
// where every instruction takes a nanosecond of the board's time. Instructions, not cycles: an
// emulator has no pipeline, no cache and no wait states.
//
// The boards' timers tick at 25 MHz, once in 40 instructions. Counting therefore begins at an edge
// of the timer and, after the end, goes on to the next edge in a loop of known length, which is
// taken off again; so is what the calls themselves cost. The result is good to a few instructions.
#ifndef MCUNET_INSTRUCTION_COUNTER_H
#define MCUNET_INSTRUCTION_COUNTER_H

#include <stdint.h>

struct counter {
  uint32_t first_tick;
  uint32_t overhead;  // instructions
};

void calibrate_counter(struct counter* counter);
void start_counter(struct counter* counter);
uint64_t stop_counter(const struct counter* counter);

#endif
