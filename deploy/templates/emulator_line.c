// In place of clock, console and core of a board, on the MPS2 boards of the emulator: the first CMSDK
// UART is the serial line, and the first CMSDK timer counts instructions, if the emulator lets a
// nanosecond pass with each (see instruction_counter.h), good to 40 of them.

#include "clock.h"
#include "console.h"
#include "core.h"
#include "registers.h"
#include "serial_link.h"

#define UART_DATA REGISTER(0x40004000)
#define UART_STATE REGISTER(0x40004004)
#define UART_CONTROL REGISTER(0x40004008)
#define UART_BAUD_DIVISOR REGISTER(0x40004010)
#define TIMER_ENABLE REGISTER(0x40000000)
#define TIMER_VALUE REGISTER(0x40000004)
#define TIMER_RELOAD REGISTER(0x40000008)

enum {
  kTransmitterFull = 1 << 0,
  kReceiverFull = 1 << 1,
  kTransmitterEnable = 1 << 0,
  kReceiverEnable = 1 << 1,
  kLeastDivisor = 16,
  kInstructionsPerTick = 40,
};

int set_up_clock(void) { return 1; }

void enable_caches(void) {}

void open_console(int has_full_clock) {
  (void)has_full_clock;
  UART_BAUD_DIVISOR = kLeastDivisor;
  UART_CONTROL = kTransmitterEnable | kReceiverEnable;
  (void)UART_DATA;  // tells the emulator at once that there is room for a byte
}

void send_byte(uint8_t byte) {
  while ((UART_STATE & kTransmitterFull) != 0) {
  }
  UART_DATA = byte;
}

uint8_t receive_byte(void) {
  while ((UART_STATE & kReceiverFull) == 0) {
  }
  return (uint8_t)UART_DATA;
}

void print_text(const char* text) {
  for (; *text != '\0'; ++text) send_byte((uint8_t)*text);
}

void start_cycle_counter(void) {
  TIMER_RELOAD = 0xFFFFFFFFu;
  TIMER_VALUE = 0xFFFFFFFFu;
  TIMER_ENABLE = 1;
}

// It counts down.
uint32_t cycle_count(void) { return (0xFFFFFFFFu - TIMER_VALUE) * kInstructionsPerTick; }
