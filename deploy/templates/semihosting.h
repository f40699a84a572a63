// Files, console and exit of the host that runs the emulator, by ARM's semihosting calls.
#ifndef MCUNET_SEMIHOSTING_H
#define MCUNET_SEMIHOSTING_H

#include <stdint.h>

int host_open(const char* name, int writes);  // a handle, or -1
void host_close(int file);
int host_read(int file, void* bytes, int count);         // how many bytes are missing
int host_write(int file, const void* bytes, int count);  // how many bytes were not written
int host_seek(int file, int position);                   // whether it is there now
int host_length(int file);                               // in bytes, or -1
int host_command_line(char* text, int size);             // whether there is one that fits
__attribute__((noreturn)) void host_exit(int status);

void host_print(const char* text);

#endif
