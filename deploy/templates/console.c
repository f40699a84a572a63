#include "console.h"

void print_number(uint32_t number) {
  char digits[11];
  char* first = digits + sizeof digits - 1;
  *first = '\0';
  do {
    *--first = (char)('0' + number % 10);
    number /= 10;
  } while (number != 0);
  print_text(first);
}

// Apart, as it draws in the division of 64 bits.
void print_long_number(uint64_t number) {
  char digits[21];
  char* first = digits + sizeof digits - 1;
  *first = '\0';
  do {
    *--first = (char)('0' + number % 10);
    number /= 10;
  } while (number != 0);
  print_text(first);
}

void print_signed(int32_t number) {
  if (number < 0) print_text("-");
  print_number(number < 0 ? -(uint32_t)number : (uint32_t)number);
}

void print_address(uint32_t address) {
  char text[] = "0x00000000";
  for (int i = 9; i >= 2; --i, address >>= 4) text[i] = "0123456789abcdef"[address & 15];
  print_text(text);
}

void print_fault(const struct fault_frame* frame, uint32_t exception) {
  print_text("fault exception ");
  print_number(exception);
  print_text(" at ");
  print_address(frame->pc);
  print_text(" from ");
  print_address(frame->lr);
  print_text("\n");
}
