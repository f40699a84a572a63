#include "report/plot.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "mcunet/core/files.hpp"
#include "plot_files.hpp"

namespace mcunet::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

Plot line_plot(const std::string& name) {
  return {.name = name,
          .csv = "x,y\n0,1\n1,3\n2,2\n",
          .script = fmt::format("plot '{}.csv' using 1:2 skip 1 with lines title 'data'", name)};
}

// Plots go through a temporary folder; one of this test's own shows what stays behind.
class PlotTest : public testing::Test {
 protected:
  PlotTest() { std::filesystem::create_directories(folder_ / "tmp"); }

  TemporaryFolder folder_;
  ScopedVariable tmp_{"TMPDIR", (folder_ / "tmp").string()};
};

TEST_F(PlotTest, DrawsEveryPlotInAllFormats) {
  draw({line_plot("one"), line_plot("two")}, folder_ / "out/report");
  expect_plot(folder_ / "out/report", "one");
  expect_plot(folder_ / "out/report", "two");
  EXPECT_THAT(folder_.list(),
              ElementsAre("out", "out/report", "out/report/one.csv", "out/report/one.gp",
                          "out/report/one.pdf", "out/report/one.svg", "out/report/two.csv",
                          "out/report/two.gp", "out/report/two.pdf", "out/report/two.svg", "tmp"));
}

TEST_F(PlotTest, TheScriptRedrawsThePlot) {
  draw({line_plot("one")}, folder_ / "out");
  std::filesystem::remove(folder_ / "out/one.svg");
  std::filesystem::remove(folder_ / "out/one.pdf");
  const std::string command = "cd '" + (folder_ / "out").string() + "' && gnuplot one.gp";
  ASSERT_EQ(std::system(command.c_str()), 0);
  expect_plot(folder_ / "out", "one");
}

TEST_F(PlotTest, ABrokenScriptLeavesTheOldPlots) {
  draw({line_plot("one")}, folder_ / "out");
  const std::string before = read_file(folder_ / "out/one.svg");
  Plot broken = line_plot("two");
  broken.script = "plot nonsense(";
  Plot changed = line_plot("one");
  changed.csv = "x,y\n0,9\n1,9\n2,8\n";
  EXPECT_THAT(error_of([&] {
                draw({changed, broken}, folder_ / "out");
              }),
              StartsWith("gnuplot: failed: "));
  EXPECT_TRUE(read_file(folder_ / "out/one.svg") == before);
  EXPECT_EQ(read_file(folder_ / "out/one.csv"), line_plot("one").csv);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out/two.csv"));
  EXPECT_THAT(std::filesystem::is_empty(folder_ / "tmp"), true);
}

TEST_F(PlotTest, WithoutGnuplotTheErrorSaysSo) {
  draw({line_plot("one")}, folder_ / "out");
  const std::string before = read_file(folder_ / "out/one.svg");
  const ScopedVariable path("PATH", (folder_ / "tmp").string());
  EXPECT_EQ(error_of([&] { draw({line_plot("one")}, folder_ / "out"); }),
            "gnuplot: is not installed (package gnuplot-nox)");
  EXPECT_TRUE(read_file(folder_ / "out/one.svg") == before);
}

TEST_F(PlotTest, WithoutGnuplotNothingIsCreated) {
  const ScopedVariable path("PATH", (folder_ / "tmp").string());
  EXPECT_NE(error_of([&] { draw({line_plot("one")}, folder_ / "out"); }), "(no error)");
  EXPECT_THAT(folder_.list(), ElementsAre("tmp"));
}

TEST_F(PlotTest, AFolderThatCannotBeCreatedIsAnError) {
  folder_.write("file", "x");
  EXPECT_THAT(error_of([&] { draw({line_plot("one")}, folder_ / "file/out"); }),
              HasSubstr("file/out: cannot be created: Not a directory"));
}

}  // namespace
}  // namespace mcunet::report
