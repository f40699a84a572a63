#include "instruction_counter.h"

#ifdef TIMER_STM32
// TIM2 of an STM32, which the emulator clocks at 1 GHz: a tick is an instruction.
enum { kInstructionsPerTick = 1 };
#define TIMER_ENABLE (*(volatile uint32_t*)0x40000000)
#define TIMER_VALUE (*(volatile uint32_t*)0x40000024)
#define TIMER_RELOAD (*(volatile uint32_t*)0x4000002C)
static uint32_t ticks_between(uint32_t first, uint32_t last) { return last - first; }
#else
// The first CMSDK timer of the MPS2 boards. It counts down.
enum { kInstructionsPerTick = 40 };
#define TIMER_ENABLE (*(volatile uint32_t*)0x40000000)
#define TIMER_VALUE (*(volatile uint32_t*)0x40000004)
#define TIMER_RELOAD (*(volatile uint32_t*)0x40000008)
static uint32_t ticks_between(uint32_t first, uint32_t last) { return first - last; }
#endif

enum { kInstructionsPerTurn = 4 };

// Waits for the timer's next tick and returns it; says how many turns of the loop it took.
static inline uint32_t next_tick(uint32_t* turns) {
  uint32_t before = TIMER_VALUE, now, count = 0;
  __asm__ volatile(
      ".syntax unified\n"
      "1: ldr %0, [%3]\n"
      "adds %1, %1, #1\n"
      "cmp %0, %2\n"
      "beq 1b"
      : "=&l"(now), "+&l"(count)
      : "l"(before), "l"(&TIMER_VALUE)
      : "cc", "memory");
  *turns = count;
  return now;
}

__attribute__((noinline)) void start_counter(struct counter* counter) {
  uint32_t ignored;
  counter->first_tick = next_tick(&ignored);
}

__attribute__((noinline)) uint64_t stop_counter(const struct counter* counter) {
  uint32_t turns;
  const uint32_t last_tick = next_tick(&turns);
  const uint64_t instructions =
      (uint64_t)ticks_between(counter->first_tick, last_tick) * kInstructionsPerTick;
  const uint32_t excess = turns * kInstructionsPerTurn + counter->overhead;
  return instructions > excess ? instructions - excess : 0;
}

void calibrate_counter(struct counter* counter) {
  TIMER_ENABLE = 0;
  TIMER_RELOAD = 0xffffffffu;
  TIMER_VALUE = 0xffffffffu;
  TIMER_ENABLE = 1;
  counter->overhead = 0;
  start_counter(counter);  // the first time, instructions are translated
  stop_counter(counter);
  start_counter(counter);
  counter->overhead = (uint32_t)stop_counter(counter);
}
