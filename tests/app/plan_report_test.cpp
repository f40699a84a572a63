#include "report/plan_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <sstream>

#include "core/temporary_folder.hpp"
#include "plot_files.hpp"
#include "tiny_graph.hpp"

namespace mcunet::report {
namespace {

using engine::Graph;
using engine::ResourceOracle;
using engine::SchedulePolicy;
using engine::ScratchPolicy;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// One column of a table of steps.
template <typename T>
std::vector<T> column(const std::vector<StepUse>& steps, T StepUse::*member) {
  std::vector<T> values;
  for (const StepUse& step : steps) values.push_back(step.*member);
  return values;
}

class PlanReport : public testing::Test {
 protected:
  std::vector<StepUse> describe(SchedulePolicy schedule, ScratchPolicy scratch) {
    oracle_ = ResourceOracle({.schedule = schedule, .scratch = scratch});
    resources_ = oracle_.measure(graph_);
    return describe_steps(graph_, oracle_);
  }

  Graph graph_ = engine::make_tiny_graph();
  ResourceOracle oracle_{{}};
  engine::Resources resources_;
};

TEST_F(PlanReport, NamesOperatorsAndShapes) {
  const auto steps = describe(SchedulePolicy::kInPlace, ScratchPolicy::kTinyEngine);
  EXPECT_THAT(column(steps, &StepUse::op), ElementsAre("conv_2d 3x3", "depthwise_conv_2d 3x3 /2",
                                                       "conv_2d 1x1", "average_pool_2d 2x2"));
  EXPECT_THAT(column(steps, &StepUse::output), ElementsAre("4x4x4", "2x2x4", "2x2x3", "1x1x3"));
  EXPECT_THAT(column(steps, &StepUse::block), ElementsAre(0, 1, 1, 2));
  EXPECT_THAT(column(steps, &StepUse::macs), ElementsAre(4 * 4 * 4 * 18, 2 * 2 * 4 * 9, 48, 0));
}

TEST_F(PlanReport, CountsTheScratchBesideTheArenaInEveryStep) {
  const auto steps = describe(SchedulePolicy::kInPlace, ScratchPolicy::kTinyEngine);
  EXPECT_THAT(column(steps, &StepUse::scratch_bytes), ElementsAre(4 * 9 * 2, 2 * 36, 4 * 4, 0));
  // The largest of these, and the first convolution's 72 weights in 16 bits.
  constexpr std::int64_t kFixed = 72 + 2 * 72;
  // The output of the depthwise convolution lies in its input; sizes are multiples of 4.
  EXPECT_THAT(column(steps, &StepUse::activation_bytes), ElementsAre(32 + 64, 64, 16 + 12, 12 + 4));
  EXPECT_THAT(column(steps, &StepUse::total_bytes),
              ElementsAre(kFixed + 96, kFixed + 64, kFixed + 28, kFixed + 16));
  EXPECT_THAT(column(steps, &StepUse::is_peak), ElementsAre(true, false, false, false));
  EXPECT_EQ(resources_.peak_sram_bytes, kFixed + 96);
}

TEST_F(PlanReport, CountsTheScratchInTheArenaInItsOwnStep) {
  const auto steps = describe(SchedulePolicy::kInPlace, ScratchPolicy::kOwn);
  EXPECT_THAT(column(steps, &StepUse::scratch_bytes), ElementsAre(60, 168, 64, 0));
  EXPECT_THAT(column(steps, &StepUse::activation_bytes), ElementsAre(96, 64, 28, 16));
  EXPECT_THAT(column(steps, &StepUse::total_bytes), ElementsAre(96 + 60, 64 + 168, 28 + 64, 16));
}

TEST_F(PlanReport, OpByOpKeepsInputAndOutput) {
  const auto steps = describe(SchedulePolicy::kOpByOp, ScratchPolicy::kOwn);
  EXPECT_THAT(column(steps, &StepUse::activation_bytes), ElementsAre(96, 64 + 16, 28, 16));
}

TEST_F(PlanReport, BlockPeaksAreTheLargestOfEachBlock) {
  EXPECT_THAT(block_peaks(describe(SchedulePolicy::kOpByOp, ScratchPolicy::kTinyEngine)),
              ElementsAre(96, 80, 16));
  EXPECT_THAT(block_peaks({}), ElementsAre());
}

TEST_F(PlanReport, StepsSumUpToTheGraph) {
  const auto steps = describe(SchedulePolicy::kInPlace, ScratchPolicy::kTinyEngine);
  const auto macs = column(steps, &StepUse::macs);
  EXPECT_EQ(std::accumulate(macs.begin(), macs.end(), std::int64_t{0}), resources_.macs);
  const auto totals = column(steps, &StepUse::total_bytes);
  EXPECT_EQ(*std::max_element(totals.begin(), totals.end()), resources_.lower_bound_bytes);
}

TEST_F(PlanReport, TheMemoryMapIsToScale) {
  describe(SchedulePolicy::kInPlace, ScratchPolicy::kTinyEngine);
  // 312 bytes in rows of 12: the arena's 96 in 8 rows, the scratch above them.
  std::istringstream lines(draw_memory_map(oracle_, 26));
  std::vector<std::string> cells;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t bar = line.find('|');
    ASSERT_NE(bar, std::string::npos);
    cells.push_back(line.substr(bar + 1, 4));
    EXPECT_EQ(line.substr(bar + 5), "|");
  }
  ASSERT_EQ(cells.size(), 26u);
  for (int row = 0; row < 18; ++row) EXPECT_EQ(cells[row], "####") << row;
  int input_rows = 0;
  int output_rows = 0;
  for (int row = 18; row < 26; ++row) {
    EXPECT_EQ(cells[row].find('#'), std::string::npos) << row;
    input_rows += cells[row][0] == 'a' ? 1 : 0;
    output_rows += cells[row][0] == 'b' ? 1 : 0;
  }
  EXPECT_EQ(input_rows + output_rows, 8) << "input and output of the first step fill the arena";
  EXPECT_GE(input_rows, 2);
  EXPECT_GE(output_rows, 5);
}

TEST_F(PlanReport, WritesAPageWithItsPlots) {
  describe(SchedulePolicy::kInPlace, ScratchPolicy::kTinyEngine);
  const TemporaryFolder folder;
  write_plan_report(graph_, oracle_, {"net <1>", resources_, {}}, folder / "plan");
  expect_plot(folder / "plan", "memory_map");
  expect_plot(folder / "plan", "block_peaks");
  EXPECT_EQ(folder.list().size(), 10u) << "a folder, a page and two plots of four files";
  const std::string page = read_file(folder / "plan/index.html");
  EXPECT_THAT(page, HasSubstr("<h1>Memory plan of net &lt;1&gt;</h1>"));
  EXPECT_THAT(page, HasSubstr("Peak SRAM 312 bytes"));
  EXPECT_THAT(page, HasSubstr("<td>depthwise_conv_2d 3x3 /2</td>"));
  EXPECT_THAT(page, Not(HasSubstr("Does not fit")));
}

TEST_F(PlanReport, ThePageNamesTheLimitsThatAreExceeded) {
  describe(SchedulePolicy::kInPlace, ScratchPolicy::kTinyEngine);
  const TemporaryFolder folder;
  write_plan_report(graph_, oracle_, {"net", resources_, {.sram_bytes = 300}}, folder.path());
  EXPECT_THAT(read_file(folder / "index.html"), HasSubstr("Does not fit: SRAM 312 of 300 bytes."));
  write_plan_report(graph_, oracle_, {"net", resources_, {}, "It has grown"}, folder.path());
  EXPECT_THAT(read_file(folder / "index.html"), HasSubstr("<p>It has grown.</p>"));
}

TEST_F(PlanReport, TheMapsDataHoldEveryBuffer) {
  describe(SchedulePolicy::kInPlace, ScratchPolicy::kOwn);
  const TemporaryFolder folder;
  write_plan_report(graph_, oracle_, {"net", resources_, {}}, folder.path());
  std::istringstream csv(read_file(folder / "memory_map.csv"));
  int tensors = 0;
  int in_place = 0;
  int scratch = 0;
  for (std::string line; std::getline(csv, line);) {
    tensors += line.starts_with("tensor,") ? 1 : 0;
    in_place += line.starts_with("in place,") ? 1 : 0;
    scratch += line.starts_with("scratch,") ? 1 : 0;
  }
  EXPECT_EQ(tensors, 4);
  EXPECT_EQ(in_place, 1);
  EXPECT_EQ(scratch, 3);
  EXPECT_EQ(read_file(folder / "block_peaks.csv"),
            "block,peak_kib\n0,0.0938\n1,0.0625\n2,0.0156\n");
}

}  // namespace
}  // namespace mcunet::report
