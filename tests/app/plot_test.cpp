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
  const Drawings drawings = draw({line_plot("one"), line_plot("two")}, folder_ / "out/report");
  EXPECT_EQ(drawings.at("two"), read_file(folder_ / "out/report/two.svg"));
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

// A program in place of gnuplot, in a folder that is all of PATH but the shell's.
class WithoutGnuplot : public PlotTest {
 protected:
  // Draws once with gnuplot, and other data without: what is left is the new data alone.
  void expect_data_alone() const {
    ASSERT_EQ(draw({line_plot("one")}, folder_ / "out").size(), 1U);
    Plot changed = line_plot("one");
    changed.csv = "x,y\n0,9\n1,9\n2,8\n";
    {
      const ScopedVariable path("PATH", (folder_ / "bin").string());
      EXPECT_TRUE(draw({changed}, folder_ / "out").empty());
    }
    EXPECT_EQ(read_file(folder_ / "out/one.csv"), changed.csv);
    std::filesystem::remove_all(folder_ / "bin");
    EXPECT_THAT(folder_.list(), ElementsAre("out", "out/one.csv", "out/one.gp", "tmp"));
  }
  void install(const std::string& script) const {
    const auto file = folder_.write("bin/gnuplot", "#!/bin/sh\n" + script + "\n");
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  }
};

TEST_F(WithoutGnuplot, ThereAreTheDataAndTheScript) { expect_data_alone(); }

TEST_F(WithoutGnuplot, OrWithOneThatFails) {
  install("echo no fonts >&2; exit 1");
  expect_data_alone();
}

TEST_F(WithoutGnuplot, OrWithOneThatIsKilled) {
  install("kill -9 $$");
  expect_data_alone();
}

TEST_F(WithoutGnuplot, OrWithOneThatDrawsNothing) {
  install("exit 0");
  expect_data_alone();
}

TEST_F(PlotTest, ABrokenScriptIsNotDrawn) {
  Plot broken = line_plot("two");
  broken.script = "plot nonsense(";
  EXPECT_TRUE(draw({line_plot("one"), broken}, folder_ / "out").empty());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out/one.svg"));
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "tmp"));
}

TEST_F(PlotTest, AFolderThatCannotBeCreatedIsAnError) {
  folder_.write("file", "x");
  EXPECT_THAT(error_of([&] { draw({line_plot("one")}, folder_ / "file/out"); }),
              HasSubstr("file/out: cannot be created: Not a directory"));
}

}  // namespace
}  // namespace mcunet::report
