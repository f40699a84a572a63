// Access to the registers of a chip.
#ifndef MCUNET_REGISTERS_H
#define MCUNET_REGISTERS_H

#include <stdint.h>

#ifndef REGISTER
#define REGISTER(address) (*(volatile uint32_t*)(address))
#endif

static inline void set_bits(volatile uint32_t* word, uint32_t bits) { *word |= bits; }

static inline void write_field(volatile uint32_t* word, int first_bit, int bits, uint32_t value) {
  const uint32_t mask = ((1u << bits) - 1) << first_bit;
  *word = (*word & ~mask) | (value << first_bit);
}

// Whether the bits come up. Waits long enough for anything on a chip to become ready: milliseconds.
static inline int wait_for(volatile uint32_t* word, uint32_t bits) {
  for (uint32_t turns = 0; turns < 400000; ++turns) {
    if ((*word & bits) == bits) return 1;
  }
  return 0;
}

#endif
