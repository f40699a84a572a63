#include "report/job_report.hpp"

#include <gmock/gmock.h>

#include "core/temporary_folder.hpp"
#include "mcunet/core/files.hpp"

namespace mcunet::report {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(JobReport, ShowsItsSectionsInTheirOrder) {
  const TemporaryFolder folder;
  write_job_report({.title = "A network for <us>",
                    .sections = {{.heading = "First",
                                  .text = "One & two.",
                                  .rows = {{"name", "value"}, {"a", "17"}},
                                  .links = {{"first.html", "In full"}}},
                                 {.heading = "Second"}}},
                   folder.path());
  const std::string page = read_file(folder / "index.html");
  EXPECT_THAT(page, AllOf(HasSubstr("A network for &lt;us&gt;"), HasSubstr("One &amp; two."),
                          HasSubstr("17"), HasSubstr("href=\"first.html\"")));
  EXPECT_LT(page.find("First"), page.find("Second"));
  EXPECT_LT(page.find("Second"), page.find("Cost of the design"));
}

// An hour of one core: 10 W x 1.58 = 15.8 Wh, 0.433 kg per kWh.
TEST(JobReport, AddsUpTheCosts) {
  const TemporaryFolder folder;
  write_job_report({.title = "x",
                    .costs = {{"train", {.wall_seconds = 1800, .cpu_seconds = 2700}},
                              {"search", {.wall_seconds = 1800, .cpu_seconds = 900}}}},
                   folder.path());
  const std::string page = read_file(folder / "index.html");
  EXPECT_THAT(page, AllOf(HasSubstr("0.750"), HasSubstr("0.250"), HasSubstr("30 min 00 s")));
  const std::string total = page.substr(page.find(">all<"));
  EXPECT_THAT(total, AllOf(HasSubstr("1 h 00 min"), HasSubstr(">1.000<"), HasSubstr(">0.01580<"),
                           HasSubstr(">0.00684<")));
  EXPECT_THAT(page, AllOf(HasSubstr("10 W"), HasSubstr("1.58"), HasSubstr("0.433 kg")));
}

TEST(JobReport, IsNotWrittenInPart) {
  const TemporaryFolder folder;
  write_job_report({.title = "x"}, folder.path());
  EXPECT_THAT(folder.list(), testing::ElementsAre("index.html"));
}

}  // namespace
}  // namespace mcunet::report
