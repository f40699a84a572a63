#include "report/space_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.hpp"
#include "plot_files.hpp"

namespace mcunet::report {
namespace {

using testing::HasSubstr;
using testing::Not;

search::SpaceStatistics make_space(double width, int resolution, double mean_macs) {
  search::SpaceStatistics space;
  space.width = width;
  space.resolution = resolution;
  space.sampled = 10;
  if (mean_macs == 0) return space;
  space.satisfying = 4;
  space.mean_macs = mean_macs;
  space.mean_macs_error = 0.1 * mean_macs;
  space.top20_macs = static_cast<std::int64_t>(1.2 * mean_macs);
  space.max_macs = static_cast<std::int64_t>(1.5 * mean_macs);
  for (int i = 1; i <= 4; ++i) {
    space.cdf.push_back({static_cast<std::int64_t>(mean_macs * (0.5 + 0.25 * i)), 0.25 * i});
  }
  return space;
}

search::SpaceRanking make_ranking() {
  search::SpaceRanking ranking;
  ranking.spaces = {make_space(0.5, 96, 40e6), make_space(0.3, 96, 20e6), make_space(0.3, 48, 5e6),
                    make_space(0.5, 48, 0)};
  ranking.sweep = {{131072, 524288, 0.3, 48, 5e6},
                   {131072, 1048576, 0.3, 96, 20e6},
                   {262144, 524288, 0, 0, 0},
                   {262144, 1048576, 0.5, 96, 40e6}};
  ranking.seconds = 1.5;
  return ranking;
}

SpaceReportContext make_context() {
  return {.device_name = "board <&>",
          .space_name = "proxyless",
          .networks = "12345",
          .budget = {.sram_bytes = 131072, .flash_bytes = 1048576, .latency_ms = 20}};
}

TEST(SpaceLabel, NamesWidthAndResolution) {
  EXPECT_EQ(space_label(0.5, 144), "w0.5-r144");
  EXPECT_EQ(space_label(1, 48), "w1-r48");
  EXPECT_EQ(space_label(0.35, 224), "w0.35-r224");
}

TEST(SpaceReport, WritesAPageWithItsPlots) {
  const TemporaryFolder folder;
  write_space_report(make_ranking(), make_context(), folder / "report");
  for (const char* name : {"space_cdf", "space_grid", "sweep_width", "sweep_resolution"}) {
    expect_plot(folder / "report", name);
  }
  EXPECT_EQ(folder.list().size(), 18u) << "a folder, a page and four plots of four files";
  const std::string page = read_file(folder / "report/index.html");
  EXPECT_THAT(page, HasSubstr("<h1>Search space for board &lt;&amp;&gt;</h1>"));
  EXPECT_THAT(page, HasSubstr("The best space is w0.5-r96 of proxyless"));
  EXPECT_THAT(page, HasSubstr("SRAM 128 KiB, flash 1024 KiB, latency 20 ms"));
  EXPECT_THAT(page, HasSubstr("It holds 12345 sub-networks."));
  EXPECT_THAT(page, HasSubstr("40 networks were planned in 1.50 s"));
  EXPECT_THAT(page, HasSubstr("<tr class=\"best\"><td>1</td><td>w0.5-r96</td><td>40.00</td>"
                              "<td>4.00</td><td>48.00</td><td>60.00</td><td>4</td><td>10</td>"));
  EXPECT_THAT(page, HasSubstr("<td>4</td><td>w0.5-r48</td><td>-</td>"));
}

TEST(SpaceReport, ThePlotsDataAreTheRanking) {
  const TemporaryFolder folder;
  write_space_report(make_ranking(), make_context(), folder.path());
  EXPECT_EQ(read_file(folder / "space_grid.csv"),
            "x,y,mean_million_macs,label,width,resolution\n"
            "1,1,40.000,40.0,0.5,96\n"
            "0,1,20.000,20.0,0.3,96\n"
            "0,0,5.000,5.0,0.3,48\n"
            "1,0,0.000,-,0.5,48\n");
  const std::string cdf = read_file(folder / "space_cdf.csv");
  EXPECT_THAT(cdf, HasSubstr("\nw0.5-r96,30.0000,0.2500\n"));
  EXPECT_THAT(cdf, HasSubstr("\nw0.3-r48,7.5000,1.0000\n"));
  EXPECT_THAT(cdf, Not(HasSubstr("w0.5-r48"))) << "nothing fits there";
  EXPECT_THAT(read_file(folder / "sweep_resolution.csv"),
              HasSubstr("0,1,96,96,131072,1048576\n1,0,0,-,262144,524288\n"));
}

TEST(SpaceReport, ShowsWhatSchedulesMakeOfTheSpaces) {
  search::SpaceRanking ranking = make_ranking();
  const TemporaryFolder folder;
  EXPECT_TRUE(schedule_rows(ranking).empty());
  write_space_report(ranking, make_context(), folder.path());
  EXPECT_THAT(read_file(folder / "index.html"), Not(HasSubstr("tflm")));
  ranking.schedules = {{engine::SchedulePolicy::kTflm, engine::ScratchPolicy::kTflm,
                        make_space(0.3, 48, 0), make_space(0.5, 96, 0)},
                       {engine::SchedulePolicy::kStreaming, engine::ScratchPolicy::kOwn,
                        make_space(0.5, 160, 70e6), make_space(0.5, 96, 45e6)}};
  EXPECT_EQ(
      schedule_rows(ranking),
      (TableRows{{"schedule", "scratch", "best space", "mean MACs (M)", "95 % ±", "fit",
                  "fit in w0.5-r96", "mean MACs there (M)"},
                 {"tflm", "tflm", "nothing fits", "-", "-", "0.0 %", "0.0 %", "-"},
                 {"streaming", "own", "w0.5-r160", "70.00", "7.00", "40.0 %", "40.0 %", "45.00"}}));
  write_space_report(ranking, make_context(), folder.path());
  EXPECT_THAT(read_file(folder / "index.html"),
              HasSubstr("<td>streaming</td><td>own</td><td>w0.5-r160</td>"));
}

TEST(SpaceReport, WithoutASweepThereAreNoPlotsOfOne) {
  search::SpaceRanking ranking = make_ranking();
  ranking.sweep.clear();
  const TemporaryFolder folder;
  write_space_report(ranking, make_context(), folder.path());
  EXPECT_FALSE(std::filesystem::exists(folder / "sweep_width.csv"));
  EXPECT_THAT(read_file(folder / "index.html"), Not(HasSubstr("Sensitivity")));
}

TEST(SpaceReport, OneSpaceIsEnough) {
  search::SpaceRanking ranking;
  ranking.spaces = {make_space(0.5, 96, 40e6)};
  ranking.spaces.front().cdf.resize(1);
  ranking.sweep = {{131072, 524288, 0.5, 96, 40e6}};
  const TemporaryFolder folder;
  write_space_report(ranking, make_context(), folder.path());
  expect_plot(folder.path(), "space_cdf");
  expect_plot(folder.path(), "space_grid");
}

TEST(SpaceReport, ALimitOfFlashAloneReadsWell) {
  SpaceReportContext context = make_context();
  context.budget = {.flash_bytes = 1048576};
  const TemporaryFolder folder;
  write_space_report(make_ranking(), context, folder.path());
  EXPECT_THAT(read_file(folder / "index.html"), HasSubstr("within the limits (flash 1024 KiB)"));
}

}  // namespace
}  // namespace mcunet::report
