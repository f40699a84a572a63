#include "report/cost_report.hpp"

#include <gmock/gmock.h>

namespace mcunet::report {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// An hour of one core: 10 W x 1.58 = 15.8 Wh, 0.433 kg per kWh.
TEST(CostReport, AddsUpTheCosts) {
  HtmlPage page("x");
  add_costs(page, {{"train", {.wall_seconds = 1800, .cpu_seconds = 2700}},
                   {"search", {.wall_seconds = 1800, .cpu_seconds = 900}}});
  const std::string text = page.to_string();
  EXPECT_THAT(text, AllOf(HasSubstr("0.750"), HasSubstr("0.250"), HasSubstr("30 min 00 s")));
  const std::string total = text.substr(text.find(">all<"));
  EXPECT_THAT(total, AllOf(HasSubstr("1 h 00 min"), HasSubstr(">1.000<"), HasSubstr(">0.01580<"),
                           HasSubstr(">0.00684<")));
  EXPECT_THAT(text, AllOf(HasSubstr("10 W"), HasSubstr("1.58"), HasSubstr("0.433 kg")));
}

}  // namespace
}  // namespace mcunet::report
