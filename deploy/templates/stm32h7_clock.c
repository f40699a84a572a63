// The clock of STM32H742, H743, H750 and H753 from the internal oscillator and PLL1, so that no
// crystal is needed. The order is that of the reference manual (RM0433):
//
//   supply from the internal regulator; this can be written once after power-on
//   regulator to scale 1, then by over-drive to scale 0, which 480 MHz need
//   PLL1 on
//   flash wait states and bus dividers for the new frequency
//   switch over

#include "board.h"
#include "clock.h"
#include "registers.h"

#define RCC_CR REGISTER(0x58024400)
#define RCC_CFGR REGISTER(0x58024410)
#define RCC_D1CFGR REGISTER(0x58024418)
#define RCC_D2CFGR REGISTER(0x5802441C)
#define RCC_D3CFGR REGISTER(0x58024420)
#define RCC_PLLCKSELR REGISTER(0x58024428)
#define RCC_PLLCFGR REGISTER(0x5802442C)
#define RCC_PLL1DIVR REGISTER(0x58024430)
#define RCC_APB4ENR REGISTER(0x580244F4)
#define PWR_CSR1 REGISTER(0x58024804)
#define PWR_CR3 REGISTER(0x5802480C)
#define PWR_D3CR REGISTER(0x58024818)
#define SYSCFG_PWRCR REGISTER(0x5800042C)
#define FLASH_ACR REGISTER(0x52002000)

enum {
  kHsiOn = 1 << 0,
  kHsiReady = 1 << 2,
  kPll1On = 1 << 24,
  kPll1Ready = 1 << 25,
  kSupplyBits = 7,
  kInternalRegulator = 2,
  kSupplyReady = 1 << 13,
  kVoltageReady = 1 << 13,
  kScale1 = 3,
  kSystemConfiguration = 1 << 1,
  kOverDrive = 1 << 0,
  kPll1OutputP = 1 << 16,
  kSwitchToPll1 = 3,
};

static int raise_voltage(void) {
  PWR_CR3 = (PWR_CR3 & ~(uint32_t)kSupplyBits) | kInternalRegulator;
  if (!wait_for(&PWR_CSR1, kSupplyReady)) return 0;
  write_field(&PWR_D3CR, 14, 2, kScale1);
  if (!wait_for(&PWR_D3CR, kVoltageReady)) return 0;
  if (!BOARD_NEEDS_OVER_DRIVE) return 1;
  set_bits(&RCC_APB4ENR, kSystemConfiguration);
  (void)RCC_APB4ENR;
  set_bits(&SYSCFG_PWRCR, kOverDrive);
  return wait_for(&PWR_D3CR, kVoltageReady);
}

static int start_pll(void) {
  RCC_CR &= ~(uint32_t)kPll1On;
  write_field(&RCC_PLLCKSELR, 0, 2, 0);  // of the internal oscillator
  write_field(&RCC_PLLCKSELR, 4, 6, BOARD_PLL_M);
  // Integer mode, the wide range of the VCO, the range of its input, and output P alone.
  write_field(&RCC_PLLCFGR, 0, 2, 0);
  write_field(&RCC_PLLCFGR, 2, 2, BOARD_PLL_INPUT_RANGE);
  write_field(&RCC_PLLCFGR, 16, 3, kPll1OutputP >> 16);
  write_field(&RCC_PLL1DIVR, 0, 9, BOARD_PLL_N - 1);
  write_field(&RCC_PLL1DIVR, 9, 7, BOARD_PLL_P - 1);
  set_bits(&RCC_CR, kPll1On);
  return wait_for(&RCC_CR, kPll1Ready);
}

int set_up_clock(void) {
  set_bits(&RCC_CR, kHsiOn);
  write_field(&RCC_CR, 3, 2, 0);  // 64 MHz, undivided
  if (!wait_for(&RCC_CR, kHsiReady) || !raise_voltage() || !start_pll()) return 0;
  FLASH_ACR = BOARD_FLASH_ACR;
  if (!wait_for(&FLASH_ACR, BOARD_FLASH_ACR)) return 0;
  write_field(&RCC_D1CFGR, 0, 4, BOARD_AHB_DIVIDER_CODE);
  write_field(&RCC_D1CFGR, 4, 3, BOARD_APB1_DIVIDER_CODE);
  write_field(&RCC_D1CFGR, 8, 4, 0);
  write_field(&RCC_D2CFGR, 4, 3, BOARD_APB1_DIVIDER_CODE);
  write_field(&RCC_D2CFGR, 8, 3, BOARD_APB2_DIVIDER_CODE);
  write_field(&RCC_D3CFGR, 4, 3, BOARD_APB1_DIVIDER_CODE);
  write_field(&RCC_CFGR, 0, 3, kSwitchToPll1);
  return wait_for(&RCC_CFGR, kSwitchToPll1 << 3);
}
