#include "mcunet/search/infeasibility.hpp"

#include <gmock/gmock.h>

namespace mcunet::search {
namespace {

using testing::ElementsAre;

TEST(Infeasibility, NamesEachLimitThatNothingMeets) {
  const engine::Budget budget{
      .sram_bytes = 99, .flash_bytes = 300, .latency_ms = 4.5, .energy_mj = 9};
  BudgetNeeds needs;
  needs.add({.peak_sram_bytes = 100, .flash_bytes = 250, .latency_ms = 8, .energy_mj = 1}, budget);
  needs.add({.peak_sram_bytes = 150, .flash_bytes = 200, .latency_ms = 5, .energy_mj = 2}, budget);
  EXPECT_THAT(explain_infeasible(needs, budget),
              ElementsAre("SRAM: the limit is 99 bytes, the smallest of the networks needs 100",
                          "latency: the limit is 4.5 ms, the smallest of the networks needs 5"));
}

TEST(Infeasibility, SaysWhatEachLimitWouldHaveToBeBesideTheOthers) {
  const engine::Budget budget{.sram_bytes = 100, .flash_bytes = 200};
  BudgetNeeds needs;
  needs.add({.peak_sram_bytes = 100, .flash_bytes = 300}, budget);
  needs.add({.peak_sram_bytes = 170, .flash_bytes = 200}, budget);
  needs.add({.peak_sram_bytes = 160, .flash_bytes = 199}, budget);
  EXPECT_THAT(
      explain_infeasible(needs, budget),
      ElementsAre(
          "each limit alone can be met, but no network meets all of them together",
          "SRAM: the limit is 100 bytes, the smallest that meets the other limits needs 160",
          "flash: the limit is 200 bytes, the smallest that meets the other limits needs 300"));
}

TEST(Infeasibility, NeedsOfSeveralSpacesAddUp) {
  const engine::Budget budget{.sram_bytes = 100, .flash_bytes = 200};
  const engine::Resources networks[] = {{.peak_sram_bytes = 100, .flash_bytes = 300},
                                        {.peak_sram_bytes = 170, .flash_bytes = 200},
                                        {.peak_sram_bytes = 160, .flash_bytes = 199}};
  BudgetNeeds together;
  BudgetNeeds apart;
  for (const engine::Resources& network : networks) {
    together.add(network, budget);
    BudgetNeeds one;
    one.add(network, budget);
    apart.add(one);
  }
  apart.add(BudgetNeeds{});
  EXPECT_EQ(explain_infeasible(apart, budget), explain_infeasible(together, budget));
  EXPECT_EQ(apart.sram_bytes, 160);
}

}  // namespace
}  // namespace mcunet::search
