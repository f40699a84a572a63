#include <sstream>

#include "run_mcunet.hpp"

namespace mcunet {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;
using testing::StartsWith;

class SpaceCommand : public CommandTest {
 protected:
  SpaceCommand() { write("small.yaml", kSmallExperiment); }

  // Without plots, as JSON.
  Outcome optimize(std::vector<std::string> arguments = {}) const {
    arguments.insert(arguments.begin(),
                     {"space", "small.yaml", "--out", "out", "--json", "--no-report"});
    return run(arguments);
  }
  nlohmann::json optimized(const std::vector<std::string>& arguments = {}) const {
    const Outcome outcome = optimize(arguments);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return parse_output(outcome);
  }
  std::string optimize_failure(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"space", "small.yaml", "--out", "out"});
    return failure(arguments);
  }
};

TEST_F(SpaceCommand, PrintsOneJsonObjectAndNothingElse) {
  const Outcome outcome = optimize();
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "");
  const nlohmann::json json = parse_output(outcome);
  ASSERT_EQ(json.at("spaces").size(), 4u);
  double before = 1e18;
  for (const auto& space : json.at("spaces")) {
    EXPECT_EQ(space.at("sampled"), 20);
    EXPECT_LE(space.at("satisfying"), 20);
    EXPECT_GT(space.at("top20_macs"), space.at("mean_macs"));
    EXPECT_LE(space.at("mean_macs"), before) << "the best comes first";
    before = space.at("mean_macs");
    EXPECT_THAT((std::vector<double>{0.3, 0.5}), Contains(space.at("width").get<double>()));
    EXPECT_THAT((std::vector<int>{48, 96}), Contains(space.at("resolution").get<int>()));
  }
  EXPECT_EQ(json.at("best").at("width"), json.at("spaces").at(0).at("width"));
  EXPECT_EQ(json.at("best").at("resolution"), json.at("spaces").at(0).at("resolution"));
  EXPECT_GE(json.at("seconds"), 0);
  EXPECT_EQ(json.at("sweep").size(), 4u);
  ASSERT_EQ(json.at("schedules").size(), 4u);
  EXPECT_EQ(json.at("schedules").at(3).at("schedule"), "streaming");
  EXPECT_EQ(json.at("schedules").at(3).at("in_best").at("width"), json.at("best").at("width"));
}

TEST_F(SpaceCommand, DoesNotReplaceAJobThatIsPastIt) {
  optimized();
  optimized();  // its own result it does
  auto json = nlohmann::ordered_json::parse(read("out/manifest.json"));
  json["stages"]["train"] = json["stages"]["space"];
  write("out/manifest.json", json.dump());
  EXPECT_THAT(optimize_failure({}), HasSubstr("out: holds a job that is past its search space"));
  EXPECT_EQ(nlohmann::ordered_json::parse(read("out/manifest.json")), json);
  optimized({"--resume"});
}

TEST_F(SpaceCommand, WritesResultsAndReport) {
  const Outcome outcome = run({"space", "small.yaml", "--out", "runs/a"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(outcome.out, HasSubstr("Best space for stm32f746: w0.5-r96"));
  EXPECT_THAT(outcome.out, HasSubstr("Planned 80 networks"));
  EXPECT_THAT(outcome.out, HasSubstr("What each schedule makes of the spaces"));
  EXPECT_THAT(outcome.out, HasSubstr("Report: runs/a/report/index.html"));
  const std::vector<std::string> files = created();
  for (const char* file : {"manifest.json", "space.json", "spaces.csv", "sweep.csv",
                           "report/index.html", "report/space_cdf.svg", "report/space_cdf.pdf",
                           "report/space_grid.csv", "report/sweep_width.gp"}) {
    EXPECT_THAT(files, Contains(std::string("runs/a/") + file));
  }
  for (const std::string& file : files) EXPECT_THAT(file, Not(HasSubstr("partial")));
  const auto manifest = nlohmann::json::parse(read("runs/a/manifest.json"));
  EXPECT_EQ(manifest.at("config").at("device").at("name"), "stm32f746");
  EXPECT_EQ(manifest.at("config").at("space_optimization").at("samples"), 20);
}

TEST_F(SpaceCommand, TheFolderIsNamedAfterTheFileByDefault) {
  EXPECT_EQ(run({"space", "small.yaml", "--no-report", "--json"}).exit_code, 0);
  EXPECT_THAT(created(), Contains("runs/small/space.json"));
}

TEST_F(SpaceCommand, TheResultDoesNotDependOnThreads) {
  nlohmann::json first;
  for (const char* threads : {"1", "2", "8"}) {
    nlohmann::json json = optimized({"--set", std::string("space_optimization.threads=") + threads,
                                     "--set", "space_optimization.samples=300"});
    json.erase("seconds");
    if (first.is_null()) first = json;
    EXPECT_TRUE(json == first) << threads;
  }
}

TEST_F(SpaceCommand, TheSeedDecides) {
  const auto without_seconds = [&](const std::string& seed) {
    nlohmann::json json = optimized({"--set", "seed=" + seed});
    json.erase("seconds");
    return json;
  };
  EXPECT_TRUE(without_seconds("1") == without_seconds("1"));
  EXPECT_FALSE(without_seconds("1") == without_seconds("2"));
}

TEST_F(SpaceCommand, SetOverridesTheFile) {
  const nlohmann::json json = optimized(
      {"--set", "space_optimization.widths=[0.4]", "--set", "space_optimization.samples=3"});
  ASSERT_EQ(json.at("spaces").size(), 2u);
  EXPECT_EQ(json.at("spaces").at(0).at("width"), 0.4);
  EXPECT_EQ(json.at("spaces").at(0).at("sampled"), 3);
}

TEST_F(SpaceCommand, SetMayStandBeforeTheFile) {
  const Outcome outcome =
      run({"space", "--set", "seed=1", "small.yaml", "--out", "out", "--json", "--no-report"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
}

TEST_F(SpaceCommand, ScheduleAndScratchChangeTheNeed) {
  const auto least = [&](const std::string& schedule, const std::string& scratch) {
    return optimized({"--schedule", schedule, "--scratch", scratch})
        .at("spaces")
        .at(0)
        .at("least_sram_bytes")
        .get<std::int64_t>();
  };
  EXPECT_LT(least("in-place", "own"), least("op-by-op", "own"));
  EXPECT_LT(least("in-place", "own"), least("in-place", "tinyengine"));
  EXPECT_LT(least("op-by-op", "own"), least("tflm", "tflm"));
  EXPECT_EQ(optimized({"--scratch", "own"}).at("spaces").at(0).at("least_sram_bytes"),
            optimized({"--set", "engine.scratch=own"}).at("spaces").at(0).at("least_sram_bytes"));
}

TEST_F(SpaceCommand, ResumeDoesNotComputeAgain) {
  optimized();
  auto stored = nlohmann::ordered_json::parse(read("out/space.json"));
  stored["seconds"] = 1234.5;
  write("out/space.json", stored.dump());
  EXPECT_EQ(optimized({"--resume"}).at("seconds"), 1234.5);
  EXPECT_NE(optimized().at("seconds"), 1234.5) << "without --resume it starts afresh";
}

TEST_F(SpaceCommand, ResumeRefusesAnotherConfiguration) {
  optimized();
  const std::string before = read("out/space.json");
  EXPECT_EQ(optimize_failure({"--resume", "--set", "seed=5"}),
            "out/manifest.json: belongs to another configuration (seed: was 0, is 5); "
            "resume with that one or choose another --out");
  EXPECT_EQ(read("out/space.json"), before);
}

TEST_F(SpaceCommand, ResumeRefusesADamagedRun) {
  optimized();
  write("out/space.json", "{\"spaces\": [");
  EXPECT_THAT(optimize_failure({"--resume"}),
              StartsWith("out/space.json: is no result of the space stage: "));
  write("out/manifest.json", "{\"format\": 1");
  EXPECT_THAT(optimize_failure({"--resume"}), StartsWith("out/manifest.json: is "));
}

TEST_F(SpaceCommand, RefusesABrokenFile) {
  const auto broken = [&](const std::string& text) {
    write("broken.yaml", text);
    return failure({"space", "broken.yaml", "--out", "out"});
  };
  EXPECT_THAT(broken("device: [stm32f746\nspace: proxyless\n"),
              StartsWith("broken.yaml:2: is no valid YAML: "));
  EXPECT_EQ(broken("device: stm32f746\nspace: proxyless\nsead: 1\n"),
            "broken.yaml:3: sead: is no known key; did you mean seed?");
  EXPECT_EQ(broken(""), "broken.yaml: lacks the key device");
  EXPECT_EQ(broken("device: stm32f746\nspace: proxyless\nspace_optimization:\n  samples: 0\n"),
            "broken.yaml:4: space_optimization.samples: must be between 1 and 10000000, is 0");
  EXPECT_THAT(created(), IsEmpty());
}

TEST_F(SpaceCommand, RefusesBadOverrides) {
  EXPECT_THAT(optimize_failure({"--set", "space_optimization.samples=0"}),
              HasSubstr("space_optimization.samples: must be between 1 and 10000000, is 0"));
  EXPECT_EQ(optimize_failure({"--set", "seed"}), "--set seed: must have the form key.path=value");
  EXPECT_EQ(optimize_failure({"--set", "device.clock_mhz=1"}),
            "--set device.clock_mhz=1: device is not a map (it is set at small.yaml:1)");
  EXPECT_THAT(optimize_failure({"--set", "space_optimization.sampels=3"}),
              HasSubstr("did you mean samples?"));
  EXPECT_THAT(created(), IsEmpty());
}

TEST_F(SpaceCommand, ErrorsAreOneLineWhateverTheInput) {
  EXPECT_THAT(optimize_failure({"--set", "device=\"a\\nb\""}), HasSubstr("is no file"));
}

TEST_F(SpaceCommand, RefusesUnknownNames) {
  const std::string unknown = failure({"space", "nothing.yaml"});
  EXPECT_THAT(unknown, HasSubstr("nothing.yaml: is no file and no name in configs/experiments"));
  EXPECT_THAT(unknown, HasSubstr("(there are "));
  EXPECT_THAT(unknown, HasSubstr("stm32f412, stm32f412_int4, stm32f746, "));
  EXPECT_THAT(failure({"space", "stm32f747"}), HasSubstr("did you mean stm32f746?"));
  EXPECT_THAT(optimize_failure({"--set", "device=stm32h734"}),
              StartsWith("--set device=stm32h734: device: stm32h734: "
                         "is no file and no name in configs/devices; did you mean stm32h743?"));
  EXPECT_THAT(optimize_failure({"--set", "space=proxylss"}),
              HasSubstr("is no file and no name in configs/spaces; did you mean proxyless?"));
}

TEST_F(SpaceCommand, RefusesAFolderThatCannotBeWritten) {
  write("file", "x");
  EXPECT_EQ(failure({"space", "small.yaml", "--out", "file/below"}),
            "file/below: cannot be created: Not a directory");
  EXPECT_EQ(failure({"space", "small.yaml", "--out", "file"}),
            "file: cannot be created: Not a directory");
  EXPECT_THAT(created(), IsEmpty());
}

TEST_F(SpaceCommand, IfNothingFitsItSaysWhyAndLeavesNoFiles) {
  const Outcome outcome =
      run({"space", "small.yaml", "--out", "out", "--set", "budget.sram_kib=1"});
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err,
              StartsWith("mcunet: nothing fits stm32f746: SRAM: "
                         "the limit is 1024 bytes, the smallest of the networks needs "));
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1);
  EXPECT_THAT(created(), IsEmpty());
}

TEST_F(SpaceCommand, IfNothingFitsItNamesTheScheduleThatMakesRoom) {
  const Outcome outcome = run(
      {"space", "small.yaml", "--out", "out", "--scratch", "own", "--set", "budget.sram_kib=9"});
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_THAT(outcome.err, HasSubstr("nothing fits stm32f746: SRAM"));
  EXPECT_THAT(outcome.err, HasSubstr("with engine.schedule=streaming and engine.scratch=own"));
  EXPECT_THAT(outcome.err, Not(HasSubstr("engine.schedule=in-place")));
}

TEST_F(SpaceCommand, IfNothingFitsTheJsonHasNoBest) {
  const Outcome outcome = optimize({"--set", "budget.flash_kib=1"});
  EXPECT_EQ(outcome.exit_code, 3);
  const nlohmann::json json = parse_output(outcome);
  EXPECT_TRUE(json.at("best").is_null());
  EXPECT_EQ(json.at("spaces").at(0).at("satisfying"), 0);
  EXPECT_THAT(created(), IsEmpty());
}

TEST_F(SpaceCommand, WithoutGnuplotTheResultsAreKept) {
  const ScopedVariable path("PATH", (folder_ / "work").string());
  const Outcome outcome = run({"space", "small.yaml", "--out", "out"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.err, HasSubstr("gnuplot: is not installed (package gnuplot-nox); the report "
                                     "has no plots, all else is there"));
  EXPECT_THAT(created(), IsSupersetOf({"out/manifest.json", "out/space.json", "out/spaces.csv",
                                       "out/sweep.csv", "out/report/index.html",
                                       "out/report/space_cdf.csv", "out/report/space_cdf.gp"}));
  EXPECT_THAT(created(), Not(Contains("out/report/space_cdf.svg")));
  EXPECT_THAT(read("out/report/index.html"), Not(HasSubstr("<img")));
}

// The table of the sweep: as many cells below as above, whatever the limits.
TEST_F(SpaceCommand, TheSweepsTableIsRegular) {
  for (const char* limits :
       {"[128]", "[128, 320]", "[320, 128]", "[128, 128]", "[128, 320, 320.5]"}) {
    SCOPED_TRACE(limits);
    const Outcome outcome = run({"space", "small.yaml", "--out", "out", "--no-report", "--set",
                                 std::string("space_optimization.sweep.sram_kib=") + limits});
    if (std::string(limits) == "[128, 128]" && outcome.exit_code == 1) continue;  // refused
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    std::istringstream lines(outcome.out.substr(outcome.out.find("flash \\ SRAM")));
    std::string header;
    std::getline(lines, header);
    const auto count = [](const std::string& text, const std::string& word) {
      int found = 0;
      for (std::size_t at = text.find(word); at != std::string::npos;
           at = text.find(word, at + 1)) {
        ++found;
      }
      return found;
    };
    int rows = 0;
    for (std::string line; std::getline(lines, line) && !line.empty(); ++rows) {
      EXPECT_EQ(count(line, "w0."), count(header, " KiB")) << header << "\n" << line;
    }
    EXPECT_EQ(rows, 2) << "two limits of flash";
  }
}

}  // namespace
}  // namespace mcunet
