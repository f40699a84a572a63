// What startup.c offers to main().
#ifndef MCUNET_STARTUP_H
#define MCUNET_STARTUP_H

#include <stdint.h>

// What the core pushes when it takes an exception.
struct fault_frame {
  uint32_t r0, r1, r2, r3, r12, lr, pc, psr;
};

// Called on any fault with the number of the exception; does not return. The firmware may define
// it.
void report_fault(const struct fault_frame* frame, uint32_t exception);

// Bytes of stack that were ever in use since reset.
uint32_t stack_high_water_bytes(void);

#endif
