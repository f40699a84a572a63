#include "process.hpp"

#include <gtest/gtest.h>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"

namespace mcunet::deploy {
namespace {

ProcessResult run_shell(const std::string& script, double timeout_seconds = 60) {
  const TemporaryFolder folder;
  return run_process(
      {"sh", "-c", script},
      {.folder = folder.path(), .package = "dash", .timeout_seconds = timeout_seconds});
}

TEST(Process, GivesExitCodeAndLog) {
  const ProcessResult result = run_shell("echo out; echo err >&2; exit 3");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.log, "out\nerr\n");
  EXPECT_FALSE(result.timed_out);
}

TEST(Process, KillsWhatTakesTooLong) {
  const ProcessResult result = run_shell("echo begun; exec sleep 100", 0.2);
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(result.exit_code, -1);
  EXPECT_EQ(result.log, "begun\n");
}

TEST(Process, KeepsItsLogOffTheDisk) {
  const TemporaryFolder folder;
  const ProcessResult result = run_process({"ls"}, {.folder = folder.path(), .package = "such"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.log, "");
  EXPECT_TRUE(folder.list().empty());
}

TEST(Process, ReportsSignals) { EXPECT_EQ(run_shell("kill -9 $$").exit_code, -1); }

TEST(Process, MissingProgramNamesItsPackage) {
  const TemporaryFolder folder;
  EXPECT_EQ(error_of([&] {
              run_process({"no-such-program"}, {.folder = folder.path(), .package = "such"});
            }),
            "no-such-program: is not installed (package such)");
}

}  // namespace
}  // namespace mcunet::deploy
