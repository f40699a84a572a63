#include "mcunet/core/process.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "mcunet/core/files.hpp"

namespace mcunet {
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

TEST(Process, ReportsSignals) {
  const ProcessResult result = run_shell("kill -11 $$");
  EXPECT_EQ(result.exit_code, -1);
  EXPECT_EQ(result.signal, SIGSEGV);
  EXPECT_FALSE(result.timed_out);
}

bool is_alive(pid_t process) { return ::kill(process, 0) == 0; }

// Those that are children of nobody else here are gone some moments after they are killed.
bool ends(pid_t process) {
  for (int i = 0; i < 500 && is_alive(process); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  return !is_alive(process);
}

TEST(Process, KillsWhatAProgramStartedToo) {
  const ProcessResult result = run_shell("sleep 1000 & echo $!; wait", 0.3);
  EXPECT_TRUE(result.timed_out);
  const pid_t grandchild = std::stoi(result.log);
  EXPECT_TRUE(ends(grandchild));
}

TEST(Process, DiesWithTheOneThatStartedIt) {
  const TemporaryFolder folder;
  const pid_t parent = ::fork();
  if (parent == 0) {
    run_process({"sh", "-c", "echo $$ > id; exec sleep 1000"},
                {.folder = folder.path(), .package = "dash"});
    ::_exit(0);
  }
  std::string id;
  for (int i = 0; i < 500 && id.find('\n') == std::string::npos; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
    if (std::filesystem::exists(folder / "id")) id = read_file(folder / "id");
  }
  const pid_t child = std::stoi(id);
  EXPECT_TRUE(is_alive(child));
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  EXPECT_TRUE(ends(child));
}

TEST(Process, KillsWhatWritesWithoutEnd) {
  EXPECT_EQ(error_of([] { run_shell("exec yes"); }),
            "sh: wrote more than 64 MiB to its standard output and was killed");
}

TEST(Process, ToTheEndOrAnError) {
  const auto run = [](const std::string& script) {
    const TemporaryFolder folder;
    return run_to_end({"sh", "-c", script}, {.folder = folder.path(), .timeout_seconds = 0.2});
  };
  EXPECT_EQ(run("echo x; exit 2").exit_code, 2);
  EXPECT_EQ(error_of([&] { run("kill -9 $$"); }), "sh: was killed by signal 9 (Killed)");
  EXPECT_EQ(error_of([&] { run("sleep 100"); }), "sh: did not end within 0.2 s and was killed");
}

TEST(Process, ReadsNothingFromThisProgramsInput) {
  EXPECT_EQ(run_shell("cat; echo end").log, "end\n");
}

TEST(Process, NeedsItsFolder) {
  EXPECT_EQ(error_of([] { run_process({"ls"}, {.folder = "/no/such/folder", .package = ""}); }),
            "/no/such/folder: cannot be entered: No such file or directory");
}

TEST(FindProgram, LooksThroughThePath) {
  const TemporaryFolder folder;
  const auto program = folder.write("b/tool", "#!/bin/sh\n");
  folder.write("a/plain", "");
  std::filesystem::create_directories(folder / "a/tool");
  const ScopedVariable path("PATH", (folder / "a").string() + ":" + (folder / "b").string());
  EXPECT_EQ(find_program("tool"), std::nullopt);
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  EXPECT_EQ(find_program("tool"), program);
  EXPECT_EQ(find_program("plain"), std::nullopt);
  require_program("tool", "tools");
  EXPECT_EQ(error_of([] { require_program("saw", "tools"); }),
            "saw: is not installed (package tools)");
  const ScopedVariable no_path("PATH", std::nullopt);
  EXPECT_EQ(find_program("tool"), std::nullopt);
}

TEST(Process, MissingProgramNamesItsPackage) {
  const TemporaryFolder folder;
  EXPECT_EQ(error_of([&] {
              run_process({"no-such-program"}, {.folder = folder.path(), .package = "such"});
            }),
            "no-such-program: is not installed (package such)");
}

}  // namespace
}  // namespace mcunet
