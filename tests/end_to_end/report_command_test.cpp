#include "run_mcunet.hpp"

namespace mcunet {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class ReportCommand : public CommandTest {
 protected:
  ReportCommand() {
    write("small.yaml", kSmallExperiment);
    EXPECT_EQ(run({"space", "small.yaml", "--out", "out", "--json", "--no-report"}).exit_code, 0);
  }
};

TEST_F(ReportCommand, DrawsTheReportAgain) {
  const Outcome outcome = run({"report", "out"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "Report: out/report/index.html\n");
  EXPECT_THAT(read("out/report/index.html"), HasSubstr("Search space for stm32f746"));
  EXPECT_THAT(read("out/report/space_cdf.svg"), HasSubstr("<svg"));

  const std::string before = read("out/report/index.html");
  EXPECT_EQ(run({"report", "out"}).exit_code, 0);
  EXPECT_EQ(read("out/report/index.html"), before);
}

TEST_F(ReportCommand, GivesTheReportOfTheSpaceCommand) {
  EXPECT_EQ(run({"space", "small.yaml", "--out", "out", "--resume"}).exit_code, 0);
  const std::string page = read("out/report/index.html");
  const std::string csv = read("out/report/space_cdf.csv");
  EXPECT_EQ(run({"report", "out"}).exit_code, 0);
  EXPECT_EQ(read("out/report/index.html"), page);
  EXPECT_EQ(read("out/report/space_cdf.csv"), csv);
}

TEST_F(ReportCommand, TellsWhatARunCameTo) {
  const auto json = parse_output(run({"report", "out", "--json"}));
  EXPECT_EQ(json.at("report"), "out/report/index.html");
  EXPECT_EQ(json.at("device"), "stm32f746");
  EXPECT_TRUE(json.at("stages").contains("space"));
  EXPECT_TRUE(json.at("int8").is_null());
}

TEST_F(ReportCommand, ComparesOnlyWhatWasSearched) {
  EXPECT_EQ(failure({"report", "out", "out", "--out", "comparison"}), "out: has no train.json");
  EXPECT_EQ(failure({"report", "out", "nowhere"}),
            "a comparison of several runs needs --out FOLDER");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "work/comparison"));
}

TEST_F(ReportCommand, RefusesAFolderWithoutARun) {
  EXPECT_EQ(failure({"report", "nowhere"}),
            "nowhere/manifest.json: cannot be read: No such file or directory");
  EXPECT_EQ(failure({"report", "."}), "./manifest.json: cannot be read: No such file or directory");
}

TEST_F(ReportCommand, RefusesADamagedResult) {
  for (const char* damage : {"", "{", "{}", "[]"}) {
    write("out/space.json", damage);
    EXPECT_THAT(failure({"report", "out"}),
                StartsWith("out/space.json: is no result of the space stage: "))
        << damage;
  }
}

TEST_F(ReportCommand, RefusesAResultWithoutSpaces) {
  write("out/space.json", R"({"spaces": [], "sweep": [], "seconds": 0})");
  EXPECT_THAT(failure({"report", "out"}), StartsWith("out/space.json: "));
}

}  // namespace
}  // namespace mcunet
