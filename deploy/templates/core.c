#include "core.h"

#include "board.h"
#include "registers.h"

#if BOARD_HAS_CACHES
#define ICIALLU REGISTER(0xE000EF50)
#define DCISW REGISTER(0xE000EF60)
#define CCR REGISTER(0xE000ED14)
#define CCSIDR REGISTER(0xE000ED80)
#define CSSELR REGISTER(0xE000ED84)

enum { kDataCache = 1 << 16, kInstructionCache = 1 << 17 };

static void barrier(void) { __asm__ volatile("dsb\n isb" ::: "memory"); }

// After reset the contents of both caches are undefined, so they are invalidated first.
void enable_caches(void) {
  barrier();
  ICIALLU = 0;
  barrier();
  set_bits(&CCR, kInstructionCache);
  CSSELR = 0;  // the data cache of level 1
  barrier();
  const uint32_t last_set = (CCSIDR >> 13) & 0x7FFF;
  const uint32_t last_way = (CCSIDR >> 3) & 0x3FF;
  for (uint32_t set = 0; set <= last_set; ++set) {
    for (uint32_t way = 0; way <= last_way; ++way) DCISW = (set << 5) | (way << 30);
  }
  barrier();
  set_bits(&CCR, kDataCache);
  barrier();
}
#else
void enable_caches(void) {}
#endif

#if __ARM_ARCH >= 7
#define DEMCR REGISTER(0xE000EDFC)
#define DWT_CTRL REGISTER(0xE0001000)
#define DWT_CYCCNT REGISTER(0xE0001004)
#define DWT_LAR REGISTER(0xE0001FB0)

void start_cycle_counter(void) {
  set_bits(&DEMCR, 1u << 24);  // trace
  DWT_LAR = 0xC5ACCE55;        // unlocks the unit on a Cortex-M7
  DWT_CYCCNT = 0;
  set_bits(&DWT_CTRL, 1u << 0);
}

uint32_t cycle_count(void) { return DWT_CYCCNT; }
#else
void start_cycle_counter(void) {}

uint32_t cycle_count(void) { return 0; }
#endif
