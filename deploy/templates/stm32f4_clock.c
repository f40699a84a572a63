// The clock of STM32F4 and STM32F7 from the internal oscillator and the main PLL, so that no
// crystal is needed. The order is that of the reference manuals (RM0402, RM0385, RM0410):
//
//   regulator to its highest scale, while the PLL is off
//   PLL on; over-drive, if the chip has and needs it
//   flash wait states and bus dividers for the new frequency
//   switch over

#include "board.h"
#include "clock.h"
#include "registers.h"

#define RCC_CR REGISTER(0x40023800)
#define RCC_PLLCFGR REGISTER(0x40023804)
#define RCC_CFGR REGISTER(0x40023808)
#define RCC_APB1ENR REGISTER(0x40023840)
#define PWR_CR REGISTER(0x40007000)
#define PWR_CSR REGISTER(0x40007004)
#define FLASH_ACR REGISTER(0x40023C00)

enum {
  kHsiOn = 1 << 0,
  kHsiReady = 1 << 1,
  kPllOn = 1 << 24,
  kPllReady = 1 << 25,
  kPllSourceIsHse = 1 << 22,
  kPowerInterface = 1 << 28,
  kVoltageReady = 1 << 14,
  kHighestScale = 3,
  kOverDrive = 1 << 16,
  kOverDriveSwitch = 1 << 17,
  kSwitchToPll = 2,
};

static void set_up_pll(void) {
  RCC_CR &= ~(uint32_t)kPllOn;
  RCC_PLLCFGR &= ~(uint32_t)kPllSourceIsHse;
  write_field(&RCC_PLLCFGR, 0, 6, BOARD_PLL_M);
  write_field(&RCC_PLLCFGR, 6, 9, BOARD_PLL_N);
  write_field(&RCC_PLLCFGR, 16, 2, BOARD_PLL_P / 2 - 1);
  set_bits(&RCC_CR, kPllOn);
}

static int enable_over_drive(void) {
  set_bits(&PWR_CR, kOverDrive);
  if (!wait_for(&PWR_CSR, kOverDrive)) return 0;
  set_bits(&PWR_CR, kOverDriveSwitch);
  return wait_for(&PWR_CSR, kOverDriveSwitch);
}

int set_up_clock(void) {
  set_bits(&RCC_CR, kHsiOn);
  if (!wait_for(&RCC_CR, kHsiReady)) return 0;
  set_bits(&RCC_APB1ENR, kPowerInterface);
  (void)RCC_APB1ENR;
  write_field(&PWR_CR, 14, 2, kHighestScale);
  set_up_pll();
  if (BOARD_NEEDS_OVER_DRIVE && !enable_over_drive()) return 0;
  if (!wait_for(&RCC_CR, kPllReady) || !wait_for(&PWR_CSR, kVoltageReady)) return 0;
  FLASH_ACR = BOARD_FLASH_ACR;
  if (!wait_for(&FLASH_ACR, BOARD_FLASH_ACR)) return 0;
  write_field(&RCC_CFGR, 4, 4, BOARD_AHB_DIVIDER_CODE);
  write_field(&RCC_CFGR, 10, 3, BOARD_APB1_DIVIDER_CODE);
  write_field(&RCC_CFGR, 13, 3, BOARD_APB2_DIVIDER_CODE);
  write_field(&RCC_CFGR, 0, 2, kSwitchToPll);
  return wait_for(&RCC_CFGR, kSwitchToPll << 2);
}
