// Stands in for the registers of a chip, so that its clock and console code runs on the host: every
// access goes through simulated_register(), which makes bits ready as the chip would and complains
// of steps in the wrong order. Arguments: f4, f7 or h7, and "dead" if the PLL shall never lock.
// Prints what the registers hold at the end, one "ADDRESS VALUE" a line.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int set_up_clock(void);
void open_console(int has_full_clock);
void print_text(const char* text);
volatile uint32_t* simulated_register(uint32_t address);

static struct {
  uint32_t address;
  volatile uint32_t value;
} cells[64];
static int is_h7;
static int is_dead;

static volatile uint32_t* cell(uint32_t address) {
  int i = 0;
  while (cells[i].address != 0 && cells[i].address != address) ++i;
  cells[i].address = address;
  return &cells[i].value;
}

static void copy_bit(uint32_t from, int from_bit, uint32_t to, int to_bit) {
  const uint32_t bit = (*cell(from) >> from_bit) & 1;
  *cell(to) = (*cell(to) & ~(1u << to_bit)) | bit << to_bit;
}

static void complain(int condition, const char* text) {
  if (condition) printf("wrong: %s\n", text);
}

static void update_f(void) {
  const uint32_t rcc = 0x40023800;
  const uint32_t pwr = 0x40007000;
  copy_bit(rcc, 0, rcc, 1);
  if (!is_dead) copy_bit(rcc, 24, rcc, 25);
  copy_bit(rcc, 25, pwr + 4, 14);
  copy_bit(pwr, 16, pwr + 4, 16);
  copy_bit(pwr, 17, pwr + 4, 17);
  const int switches = (*cell(rcc + 8) & 3) == 2 && (*cell(rcc + 8) >> 2 & 3) != 2;
  if (!switches) return;
  complain((*cell(rcc) & 1 << 25) == 0, "switched before the PLL was ready");
  complain((*cell(0x40023C00) & 15) == 0, "switched before the wait states were set");
  complain((*cell(rcc + 0x40) & 1 << 28) == 0, "the power interface has no clock");
  *cell(rcc + 8) |= 2 << 2;
}

static void update_h7(void) {
  const uint32_t rcc = 0x58024400;
  const uint32_t pwr = 0x58024800;
  copy_bit(rcc, 0, rcc, 2);
  if (!is_dead) copy_bit(rcc, 24, rcc, 25);
  if ((*cell(pwr + 0x0C) & 7) == 2) *cell(pwr + 4) |= 1 << 13;
  copy_bit(pwr + 4, 13, pwr + 0x18, 13);
  const int overdrives = (*cell(0x5800042C) & 1) != 0;
  complain(overdrives && *cell(pwr + 0x18) >> 14 != 3, "over-drive before scale 1");
  complain(overdrives && (*cell(rcc + 0xF4) & 2) == 0, "SYSCFG has no clock");
  const int switches = (*cell(rcc + 0x10) & 7) == 3 && (*cell(rcc + 0x10) >> 3 & 7) != 3;
  if (!switches) return;
  complain((*cell(rcc) & 1 << 25) == 0, "switched before the PLL was ready");
  complain((*cell(0x52002000) & 15) == 0, "switched before the wait states were set");
  complain((*cell(rcc + 0x18) & 15) == 0, "switched before the bus was divided");
  *cell(rcc + 0x10) |= 3 << 3;
}

volatile uint32_t* simulated_register(uint32_t address) {
  if (is_h7) {
    update_h7();
  } else {
    update_f();
  }
  return cell(address);
}

// Values after reset, and USARTs that are always ready to send.
static void reset(const char* family) {
  is_h7 = strcmp(family, "h7") == 0;
  if (is_h7) {
    *cell(0x58024400) = 0x25;
    *cell(0x58024428) = 0x02020200;
    *cell(0x5802442C) = 0x01FF0000;
    *cell(0x58024430) = 0x01010280;
    *cell(0x5802480C) = 0x6;
    *cell(0x58024818) = 0x4000;
    *cell(0x4000481C) = 0xC0;
  } else {
    *cell(0x40023800) = 0x83;
    *cell(0x40023804) = 0x24003010;
    *cell(0x40007000) = strcmp(family, "f4") == 0 ? 0x8000 : 0xC000;
    *cell(0x40004400) = 0xC0;
    *cell(0x4001101C) = 0xC0;
  }
}

int main(int count, char** arguments) {
  reset(count > 1 ? arguments[1] : "");
  is_dead = count > 2 && strcmp(arguments[2], "dead") == 0;
  const int has_full_clock = set_up_clock();
  printf("full %d\n", has_full_clock);
  open_console(has_full_clock);
  print_text("Z");
  for (int i = 0; cells[i].address != 0; ++i) {
    printf("%08x %08x\n", (unsigned)cells[i].address, (unsigned)cells[i].value);
  }
  return 0;
}
