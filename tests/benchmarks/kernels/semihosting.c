// Text and exit status out of the emulator.

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

static int call(int operation, const void* argument) {
  register int r0 __asm__("r0") = operation;
  register const void* r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

void semihosting_print(const char* format, ...) {
  char text[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  call(/*SYS_WRITE0=*/0x04, text);
}

void semihosting_exit(int status) {
  const uint32_t block[2] = {/*ADP_Stopped_ApplicationExit=*/0x20026, (uint32_t)status};
  call(/*SYS_EXIT_EXTENDED=*/0x20, block);
  for (;;) {
  }
}
