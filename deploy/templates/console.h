// Text for people: over a serial line, by semihosting, or nowhere, as the firmware was made. One
// file defines open_console() and print_text(); console.c has the rest.
#ifndef MCUNET_CONSOLE_H
#define MCUNET_CONSOLE_H

#include <stdint.h>

#include "startup.h"

// `has_full_clock`: what set_up_clock() returned, on which the rate of a serial line depends.
void open_console(int has_full_clock);

void print_text(const char* text);
void print_number(uint32_t number);
void print_long_number(uint64_t number);
void print_signed(int32_t number);
void print_address(uint32_t address);
void print_fault(const struct fault_frame* frame, uint32_t exception);

#endif
