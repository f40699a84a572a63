// No console.

#include "console.h"

void open_console(int has_full_clock) { (void)has_full_clock; }

void print_text(const char* text) { (void)text; }
