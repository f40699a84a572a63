// Brings a Cortex-M core from reset to main(): copies initialized data, clears the rest, paints the
// stack so that its use can be measured, and switches the FPU on. Symbols come from the linker
// script.

#include "startup.h"

extern uint32_t data_start[], data_end[], data_load[];
extern uint32_t bss_start[], bss_end[], arena_start[], arena_end[];
extern uint32_t stack_bottom[], stack_top[];

enum { kPaint = 0x5ac3a55a };

int main(void);
void reset_handler(void);
void fault_handler(void);

union vector {
  void* stack;
  void (*handler)(void);
};

// The core's own exceptions. A board's interrupts follow them; this firmware uses none.
__attribute__((section(".vectors"), used)) static const union vector kVectors[16] = {
    [0] = {.stack = stack_top},        [1] = {.handler = reset_handler},
    [2] = {.handler = fault_handler},   // NMI
    [3] = {.handler = fault_handler},   // hard fault
    [4] = {.handler = fault_handler},   // memory management
    [5] = {.handler = fault_handler},   // bus fault
    [6] = {.handler = fault_handler},   // usage fault
    [11] = {.handler = fault_handler},  // SVCall
    [12] = {.handler = fault_handler},  // debug monitor
    [14] = {.handler = fault_handler},  // PendSV
    [15] = {.handler = fault_handler},  // SysTick
};

static inline void clear(uint32_t* begin, const uint32_t* end) {
  for (volatile uint32_t* word = begin; word != end; ++word) *word = 0;
}

static inline uint32_t* stack_pointer(void) {
  uint32_t* pointer;
  __asm__ volatile("mov %0, sp" : "=r"(pointer));
  return pointer;
}

void reset_handler(void) {
#ifdef __ARM_FP
  *(volatile uint32_t*)0xE000ED88 |= 0xFu << 20;  // full access to the FPU, in CPACR
  __asm__ volatile("dsb\n isb");
#endif
  const uint32_t* from = data_load;
  for (volatile uint32_t* to = data_start; to != data_end;) *to++ = *from++;
  clear(bss_start, bss_end);
  clear(arena_start, arena_end);
  const uint32_t* const used = stack_pointer();
  for (volatile uint32_t* word = stack_bottom; word < used; ++word) *word = kPaint;
  main();
  for (;;) {
  }
}

uint32_t stack_high_water_bytes(void) {
  const volatile uint32_t* word = stack_bottom;
  while (word < stack_top && *word == kPaint) ++word;
  return (uint32_t)((const volatile char*)stack_top - (const volatile char*)word);
}

// A debugger finds what happened in `frame`; firmware with a console prints it.
__attribute__((weak)) void report_fault(const struct fault_frame* frame, uint32_t exception) {
  (void)frame;
  (void)exception;
  for (;;) {
  }
}

__attribute__((naked)) void fault_handler(void) {
  __asm__ volatile(
      "mrs r0, msp\n"
      "mrs r1, ipsr\n"
      "ldr r2, =report_fault\n"
      "bx r2\n");
}
