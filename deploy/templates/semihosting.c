#include "semihosting.h"

#include <string.h>

enum {
  kOpen = 0x01,
  kClose = 0x02,
  kPrint = 0x04,
  kWrite = 0x05,
  kRead = 0x06,
  kSeek = 0x0a,
  kLength = 0x0c,
  kCommandLine = 0x15,
  kExitExtended = 0x20,
  kApplicationExit = 0x20026,
  kReadBinary = 1,
  kWriteBinary = 5,
};

static int call(int operation, const void* argument) {
  register int r0 __asm__("r0") = operation;
  register const void* r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

int host_open(const char* name, int writes) {
  const uint32_t block[3] = {(uint32_t)name, (uint32_t)(writes ? kWriteBinary : kReadBinary),
                             strlen(name)};
  return call(kOpen, block);
}

void host_close(int file) {
  const uint32_t block[1] = {(uint32_t)file};
  call(kClose, block);
}

int host_read(int file, void* bytes, int count) {
  const uint32_t block[3] = {(uint32_t)file, (uint32_t)bytes, (uint32_t)count};
  return call(kRead, block);
}

int host_write(int file, const void* bytes, int count) {
  const uint32_t block[3] = {(uint32_t)file, (uint32_t)bytes, (uint32_t)count};
  return call(kWrite, block);
}

int host_seek(int file, int position) {
  const uint32_t block[2] = {(uint32_t)file, (uint32_t)position};
  return call(kSeek, block) == 0;
}

int host_length(int file) {
  const uint32_t block[1] = {(uint32_t)file};
  return call(kLength, block);
}

int host_command_line(char* text, int size) {
  const uint32_t block[2] = {(uint32_t)text, (uint32_t)size};
  return call(kCommandLine, block) == 0;
}

void host_exit(int status) {
  const uint32_t block[2] = {kApplicationExit, (uint32_t)status};
  call(kExitExtended, block);
  for (;;) {
  }
}

void host_print(const char* text) { call(kPrint, text); }
