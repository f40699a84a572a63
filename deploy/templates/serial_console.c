// The console on a USART of an STM32: 8 data bits, no parity; it receives if board.h has a pin for
// that. board.h says which USART and pins. Two generations of it differ in where the registers are and
// in little else.

#include "board.h"
#include "console.h"
#include "registers.h"
#include "serial_link.h"

#if BOARD_USART_GENERATION == 1  // STM32F1 to F4
#define CONTROL REGISTER(BOARD_USART_BASE + 0x0C)
#define BAUD_RATE REGISTER(BOARD_USART_BASE + 0x08)
#define STATUS REGISTER(BOARD_USART_BASE + 0x00)
#define SENT REGISTER(BOARD_USART_BASE + 0x04)
#define RECEIVED SENT
enum { kUsartEnable = 1 << 13 };
#else  // since STM32F7
#define CONTROL REGISTER(BOARD_USART_BASE + 0x00)
#define BAUD_RATE REGISTER(BOARD_USART_BASE + 0x0C)
#define STATUS REGISTER(BOARD_USART_BASE + 0x1C)
#define SENT REGISTER(BOARD_USART_BASE + 0x28)
#define RECEIVED REGISTER(BOARD_USART_BASE + 0x24)
#define CLEARED REGISTER(BOARD_USART_BASE + 0x20)
enum { kUsartEnable = 1 << 0 };
#endif

enum {
  kReceiverEnable = 1 << 2,
  kTransmitterEnable = 1 << 3,
  kOverrun = 1 << 3,
  kReceivedSome = 1 << 5,
  kTransmitEmpty = 1 << 7,
  kAlternateFunction = 2
};

// A pin's function, where its port has a clock.
static void connect(uint32_t port, int pin, uint32_t function) {
  write_field(&REGISTER(port + 0x20 + (uint32_t)(pin / 8 * 4)), pin % 8 * 4, 4, function);
  write_field(&REGISTER(port), pin * 2, 2, kAlternateFunction);
}

void open_console(int has_full_clock) {
  set_bits(&REGISTER(BOARD_TX_ENABLE_REGISTER), 1u << BOARD_TX_ENABLE_BIT);
#ifdef BOARD_RX_PORT
  set_bits(&REGISTER(BOARD_RX_ENABLE_REGISTER), 1u << BOARD_RX_ENABLE_BIT);
#endif
  set_bits(&REGISTER(BOARD_USART_ENABLE_REGISTER), 1u << BOARD_USART_ENABLE_BIT);
  // A clock needs two cycles of its bus to arrive; reading back takes longer.
  (void)REGISTER(BOARD_USART_ENABLE_REGISTER);
  connect(BOARD_TX_PORT, BOARD_TX_PIN, BOARD_TX_FUNCTION);
  const uint32_t clock_hz = has_full_clock ? BOARD_USART_HZ : BOARD_RESET_HZ;
  BAUD_RATE = (clock_hz + BOARD_BAUD / 2) / BOARD_BAUD;
#ifdef BOARD_RX_PORT
  connect(BOARD_RX_PORT, BOARD_RX_PIN, BOARD_RX_FUNCTION);
  CONTROL = kUsartEnable | kTransmitterEnable | kReceiverEnable;
#else
  CONTROL = kUsartEnable | kTransmitterEnable;
#endif
}

void send_byte(uint8_t byte) {
  while ((STATUS & kTransmitEmpty) == 0) {
  }
  SENT = byte;
}

#ifdef BOARD_RX_PORT
// A byte that came while nobody looked is lost, and its frame with it. On the older generation reading
// the status and then the byte clears that.
uint8_t receive_byte(void) {
  uint32_t status;
  do {
    status = STATUS;
#ifdef CLEARED
    if ((status & kOverrun) != 0) CLEARED = kOverrun;
#endif
  } while ((status & kReceivedSome) == 0);
  return (uint8_t)RECEIVED;
}
#endif

void print_text(const char* text) {
  for (; *text != '\0'; ++text) {
    if (*text == '\n') send_byte('\r');
    send_byte((uint8_t)*text);
  }
}
