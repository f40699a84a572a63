// The console on a USART of an STM32: 8 data bits, no parity, transmission only. board.h says which
// USART and pin. Two generations of it differ in where the registers are and in little else.

#include "board.h"
#include "console.h"
#include "registers.h"

#if BOARD_USART_GENERATION == 1  // STM32F1 to F4
#define CONTROL REGISTER(BOARD_USART_BASE + 0x0C)
#define BAUD_RATE REGISTER(BOARD_USART_BASE + 0x08)
#define STATUS REGISTER(BOARD_USART_BASE + 0x00)
#define DATA REGISTER(BOARD_USART_BASE + 0x04)
enum { kUsartEnable = 1 << 13 };
#else  // since STM32F7
#define CONTROL REGISTER(BOARD_USART_BASE + 0x00)
#define BAUD_RATE REGISTER(BOARD_USART_BASE + 0x0C)
#define STATUS REGISTER(BOARD_USART_BASE + 0x1C)
#define DATA REGISTER(BOARD_USART_BASE + 0x28)
enum { kUsartEnable = 1 << 0 };
#endif

enum { kTransmitterEnable = 1 << 3, kTransmitEmpty = 1 << 7, kAlternateFunction = 2 };

#define GPIO_MODE REGISTER(BOARD_TX_PORT + 0x00)
#define GPIO_FUNCTION REGISTER(BOARD_TX_PORT + 0x20 + BOARD_TX_PIN / 8 * 4)

void open_console(int has_full_clock) {
  set_bits(&REGISTER(BOARD_TX_ENABLE_REGISTER), 1u << BOARD_TX_ENABLE_BIT);
  set_bits(&REGISTER(BOARD_USART_ENABLE_REGISTER), 1u << BOARD_USART_ENABLE_BIT);
  // A clock needs two cycles of its bus to arrive; reading back takes longer.
  (void)REGISTER(BOARD_USART_ENABLE_REGISTER);
  write_field(&GPIO_FUNCTION, BOARD_TX_PIN % 8 * 4, 4, BOARD_TX_FUNCTION);
  write_field(&GPIO_MODE, BOARD_TX_PIN * 2, 2, kAlternateFunction);
  const uint32_t clock_hz = has_full_clock ? BOARD_USART_HZ : BOARD_RESET_HZ;
  BAUD_RATE = (clock_hz + BOARD_BAUD / 2) / BOARD_BAUD;
  CONTROL = kUsartEnable | kTransmitterEnable;
}

static void send(char character) {
  while ((STATUS & kTransmitEmpty) == 0) {
  }
  DATA = (uint8_t)character;
}

void print_text(const char* text) {
  for (; *text != '\0'; ++text) {
    if (*text == '\n') send('\r');
    send(*text);
  }
}
