#include "mcunet/core/run_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/version.hpp"

namespace mcunet {
namespace {

using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

ConfigNode config(const std::string& text = "{device: board, limits: [1, 0.5]}") {
  return parse_config(text, "x.yaml");
}

TEST(RunDirectory, NothingIsWrittenBeforeAStageWrites) {
  const TemporaryFolder folder;
  const RunDirectory run(folder / "a/run", config(), 7, false);
  EXPECT_FALSE(run.is_complete("space"));
  EXPECT_THAT(folder.list(), IsEmpty());
}

TEST(RunDirectory, WritesResultsAndManifest) {
  const TemporaryFolder folder;
  RunDirectory run(folder / "run", config(), 7, false);
  run.write("results/space.json", "{}\n");
  EXPECT_THAT(folder.list(), ElementsAre("run", "run/results", "run/results/space.json"));
  run.mark_complete("space", {.wall_seconds = 1.5, .cpu_seconds = 3});
  EXPECT_TRUE(run.is_complete("space"));
  EXPECT_FALSE(run.is_complete("train"));

  const auto json = ordered_json::parse(read_file(folder / "run/manifest.json"));
  EXPECT_EQ(json.at("format"), 1);
  EXPECT_EQ(json.at("mcunet_version"), kVersion);
  EXPECT_EQ(json.at("compiler"), kCompiler);
  EXPECT_EQ(json.at("seed"), 7);
  EXPECT_EQ(json.at("config").dump(), R"({"device":"board","limits":[1,0.5]})");
  EXPECT_EQ(json.at("stages").dump(), R"({"space":{"wall_seconds":1.5,"cpu_seconds":3.0}})");
}

TEST(RunDirectory, TheManifestNamesTheClasses) {
  const TemporaryFolder folder;
  {
    RunDirectory run(folder.path(), config(), 0, false);
    run.mark_complete("space", {1, 2});
    EXPECT_FALSE(ordered_json::parse(read_file(folder / "manifest.json")).contains("classes"));
    run.name_classes({"caf\xc3\xa9", "\"quoted\"", "not UTF-8: \xff"});
    run.mark_complete("train", {1, 2});
  }
  RunDirectory resumed(folder.path(), config(), 0, true);
  resumed.mark_complete("search", {1, 2});
  EXPECT_EQ(ordered_json::parse(read_file(folder / "manifest.json")).at("classes"),
            (std::vector<std::string>{"caf\xc3\xa9", "\"quoted\"", "not UTF-8: \xef\xbf\xbd"}));
}

TEST(RunDirectory, TheManifestHoldsEveryStage) {
  const TemporaryFolder folder;
  RunDirectory run(folder.path(), config(), 0, false);
  run.mark_complete("space", {1, 2});
  run.mark_complete("search", {3, 4});
  const auto json = ordered_json::parse(read_file(folder / "manifest.json"));
  EXPECT_EQ(json.at("stages").size(), 2u);
  EXPECT_EQ(json.at("stages").at("search").at("cpu_seconds"), 4);
}

TEST(RunDirectory, ResumeTakesOverCompleteStages) {
  const TemporaryFolder folder;
  RunDirectory(folder.path(), config(), 0, false).mark_complete("space", {1.25, 2});
  RunDirectory resumed(folder.path(), config(), 0, true);
  EXPECT_TRUE(resumed.is_complete("space"));
  resumed.mark_complete("search", {3, 4});
  const auto json = ordered_json::parse(read_file(folder / "manifest.json"));
  EXPECT_EQ(json.at("stages").at("space").at("wall_seconds"), 1.25);
}

TEST(RunDirectory, WithoutResumeItStartsAfresh) {
  const TemporaryFolder folder;
  RunDirectory(folder.path(), config(), 0, false).mark_complete("space", {1, 2});
  EXPECT_FALSE(RunDirectory(folder.path(), config(), 0, false).is_complete("space"));
}

TEST(RunDirectory, ResumeOfNothingStartsAfresh) {
  const TemporaryFolder folder;
  EXPECT_FALSE(RunDirectory(folder / "run", config(), 0, true).is_complete("space"));
  EXPECT_THAT(folder.list(), IsEmpty());
}

TEST(RunDirectory, ResumeRefusesAnotherConfiguration) {
  const TemporaryFolder folder;
  RunDirectory(folder.path(), config(), 0, false).mark_complete("space", {1, 2});
  const std::string before = read_file(folder / "manifest.json");
  EXPECT_EQ(error_of([&] { RunDirectory(folder.path(), config("{device: other}"), 0, true); }),
            (folder / "manifest.json").string() +
                ": belongs to another configuration (device: was \"board\", is \"other\"); "
                "resume with that one or choose another --out");
  EXPECT_EQ(read_file(folder / "manifest.json"), before);
}

TEST(RunDirectory, ResumeTakesOtherValuesOfFreeKeys) {
  const TemporaryFolder folder;
  const AllowedChanges free{.without_influence = {"train.threads", "train.absent"}};
  const ConfigNode before = config("{device: board, train: {threads: 1, epochs: 2}}");
  const ConfigNode now = config("{device: board, train: {threads: 8, epochs: 2}}");
  RunDirectory(folder.path(), before, 0, false).mark_complete("space", {1, 2});
  EXPECT_THAT(error_of([&] { RunDirectory(folder.path(), now, 0, true); }),
              testing::HasSubstr("train.threads: was 1, is 8"));
  RunDirectory run(folder.path(), now, 0, true, free);
  EXPECT_TRUE(run.is_complete("space"));
  run.mark_complete("train", {1, 2});
  EXPECT_EQ(first_difference(read_run_config(folder.path()), now), "");
  EXPECT_THAT(error_of([&] {
                RunDirectory(folder.path(), config("{device: board, train: {epochs: 3}}"), 0, true,
                             free);
              }),
              testing::HasSubstr("train.epochs: was 2, is 3"));
}

TEST(RunDirectory, AChangeThatConcernsSomeStagesLeavesTheOthersComplete) {
  const TemporaryFolder folder;
  const AllowedChanges allowed{
      .of_stages = {{"quantize", {"quantize", "export"}}, {"export", {"export"}}}};
  const ConfigNode before = config("{device: board, export: {n: 1}, quantize: {n: 1}}");
  {
    RunDirectory run(folder.path(), before, 0, false);
    for (const char* stage : {"train", "quantize", "export"}) run.mark_complete(stage, {1, 2});
  }
  const auto open = [&](const char* text) {
    return RunDirectory(folder.path(), config(text), 0, true, allowed);
  };
  const RunDirectory exported = open("{device: board, export: {n: 2}, quantize: {n: 1}}");
  EXPECT_TRUE(exported.is_complete("quantize"));
  EXPECT_FALSE(exported.is_complete("export"));
  RunDirectory quantized = open("{device: board, export: {n: 2}, quantize: {n: 2}}");
  EXPECT_TRUE(quantized.is_complete("train"));
  EXPECT_FALSE(quantized.is_outdated("train"));
  EXPECT_FALSE(quantized.is_complete("quantize"));
  EXPECT_TRUE(quantized.is_outdated("quantize"));
  EXPECT_FALSE(quantized.is_complete("export"));
  EXPECT_THAT(error_of([&] { open("{device: other, export: {n: 2}, quantize: {n: 2}}"); }),
              testing::HasSubstr("device: was \"board\", is \"other\""));

  // Nothing is lost before a stage begins; then it stays outdated however the process ends.
  EXPECT_TRUE(open("{device: board, export: {n: 1}, quantize: {n: 1}}").is_complete("export"));
  quantized.discard({"quantize", "export"});
  EXPECT_FALSE(quantized.is_outdated("quantize"));
  const RunDirectory again = open("{device: board, export: {n: 2}, quantize: {n: 2}}");
  EXPECT_TRUE(again.is_complete("train"));
  EXPECT_FALSE(again.is_complete("quantize"));
  EXPECT_FALSE(again.is_outdated("quantize"));
}

TEST(RunDirectory, AStageThatBeginsAgainIsNoLongerComplete) {
  const TemporaryFolder folder;
  RunDirectory run(folder.path(), config(), 0, false);
  run.discard({"train", "search"});
  EXPECT_THAT(folder.list(), IsEmpty());
  run.mark_complete("space", {1, 2});
  run.mark_complete("train", {1, 2});
  run.mark_complete("search", {1, 2});
  run.discard({"train", "search"});
  EXPECT_THAT(completed_stages(folder.path()), testing::ElementsAre("space"));
}

TEST(RunDirectory, IgnoresFoldersThatItMayNotRead) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const TemporaryFolder folder;
  const auto closed = folder / "lost+found";
  std::filesystem::create_directory(closed);
  std::filesystem::permissions(closed, std::filesystem::perms::none);
  EXPECT_NO_THROW(RunDirectory(folder.path(), config(), 0, false));
  std::filesystem::permissions(closed, std::filesystem::perms::owner_all);
}

TEST(RunDirectory, ResumeRefusesADamagedManifest) {
  const std::vector<std::string> damages = {
      "",
      "{\"format\": 1",
      "[]",
      "{}",
      R"({"format": 1})",
      R"({"format": 2, "config": {}, "stages": {}})",
      R"({"format": 1, "config": {"device": "board", "limits": [1, 0.5]}})",
      R"({"format": 1, "config": {"device": "board", "limits": [1, 0.5]}, "stages": 5})",
      R"({"format": 1, "config": {"device": "board", "limits": [1, 0.5]}, "stages": {"space": 1}})",
      R"({"format": 1, "config": {"device": "board", "limits": [1, 0.5]},
          "stages": {"space": {"wall_seconds": "x", "cpu_seconds": 1}}})"};
  for (const std::string& damage : damages) {
    const TemporaryFolder folder;
    const auto manifest = folder.write("manifest.json", damage);
    EXPECT_THAT(error_of([&] { RunDirectory(folder.path(), config(), 0, true); }),
                StartsWith(manifest.string() + ": is "))
        << damage;
  }
}

TEST(RunDirectory, AnAbandonedFreshRunIsNotTakenForTheOldOne) {
  const TemporaryFolder folder;
  {
    RunDirectory old(folder.path(), config("{seed: 1}"), 1, false);
    old.write("space.json", "old");
    old.mark_complete("space", {1, 2});
  }
  {
    // Killed after it wrote its results and before it marked the stage.
    const RunDirectory fresh(folder.path(), config("{seed: 2}"), 2, false);
    fresh.write("space.json", "fresh");
  }
  bool takes_fresh_for_old = false;
  error_of([&] {  // To refuse is fine too.
    const RunDirectory resumed(folder.path(), config("{seed: 1}"), 1, true);
    takes_fresh_for_old =
        resumed.is_complete("space") && read_file(folder / "space.json") == "fresh";
  });
  EXPECT_FALSE(takes_fresh_for_old);
}

TEST(RunDirectory, RefusesAFolderThatCannotBeWritten) {
  const TemporaryFolder folder;
  folder.write("file", "x");
  EXPECT_EQ(error_of([&] { RunDirectory(folder / "file/run", config(), 0, false); }),
            (folder / "file/run").string() + ": cannot be created: Not a directory");
}

TEST(ReadRunConfig, GivesBackTheConfiguration) {
  const TemporaryFolder folder;
  const ConfigNode original = config("{device: 'é \"x\"', ids: ['1', 2], none: null, on: true}");
  RunDirectory(folder.path(), original, 0, false).mark_complete("space", {1, 2});
  EXPECT_EQ(to_json_text(read_run_config(folder.path())), to_json_text(original));
}

TEST(CompletedStages, AreThoseOfTheManifest) {
  const TemporaryFolder folder;
  EXPECT_TRUE(completed_stages(folder.path()).empty());
  EXPECT_TRUE(completed_stages(folder / "absent").empty());
  RunDirectory run(folder.path(), parse_config("a: 1", "x.yaml"), 0, false);
  run.mark_complete("space", {});
  run.mark_complete("train", {});
  EXPECT_EQ(completed_stages(folder.path()), (std::vector<std::string>{"space", "train"}));
  folder.write("manifest.json", "{\"format\": 1}");
  EXPECT_THAT(error_of([&] { completed_stages(folder.path()); }),
              testing::EndsWith("manifest.json:1: lacks the key stages"));
}

TEST(ReadRunConfig, RefusesAFolderWithoutARun) {
  const TemporaryFolder folder;
  EXPECT_EQ(error_of([&] { read_run_config(folder.path()); }),
            (folder / "manifest.json").string() + ": cannot be read: No such file or directory");
  folder.write("manifest.json", "{\"format\": 1}");
  EXPECT_EQ(error_of([&] { read_run_config(folder.path()); }),
            (folder / "manifest.json").string() + ":1: lacks the key config");
}

TEST(StageClock, CountsUpwards) {
  const StageClock clock;
  const StageCost first = clock.elapsed();
  const StageCost second = clock.elapsed();
  EXPECT_GE(first.wall_seconds, 0);
  EXPECT_GE(first.cpu_seconds, 0);
  EXPECT_GE(second.wall_seconds, first.wall_seconds);
  EXPECT_GE(second.cpu_seconds, first.cpu_seconds);
}

TEST(StageClock, CountsChildProcesses) {
  const StageClock clock;
  ASSERT_EQ(std::system("i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done"), 0);
  EXPECT_GT(clock.elapsed().cpu_seconds, 0.01);
}

}  // namespace
}  // namespace mcunet
