// Brings an emulated Cortex-M4 or M7 up to main().

#include <stdint.h>

extern uint32_t data_start[], data_end[], data_load[], bss_start[], bss_end[], stack_top[];
int main(void);
void semihosting_exit(int status);

void reset(void);
void fault(void);

__attribute__((section(".vectors"), used)) static const void* const kVectors[16] = {
    stack_top, (void*)reset, (void*)fault, (void*)fault, (void*)fault, (void*)fault, (void*)fault,
};

void reset(void) {
  *(volatile uint32_t*)0xE000ED88 |= 0xFu << 20;  // the FPU, CPACR
  __asm__ volatile("dsb\n isb");
  for (uint32_t *to = data_start, *from = data_load; to != data_end;) *to++ = *from++;
  for (uint32_t* to = bss_start; to != bss_end;) *to++ = 0;
  semihosting_exit(main());
}

void fault(void) { semihosting_exit(2); }
