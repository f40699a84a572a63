#include "pipeline/worker_process.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>

#include <set>

#include "child_processes.hpp"
#include "core/error_text.hpp"

namespace mcunet::pipeline {
namespace {

using testing::IsEmpty;

std::vector<std::string> shell(const std::string& script) { return {"sh", "-c", script}; }

// Waits for the next line.
std::string next_line(WorkerProcess& worker) {
  for (;;) {
    if (const auto line = worker.receive()) return *line;
    WorkerProcess* const workers[] = {&worker};
    WorkerProcess::wait_for_any(workers);
  }
}

TEST(WorkerProcess, AnswersLineByLine) {
  WorkerProcess worker(shell("while read line; do echo \"got $line\" >&0; done"));
  EXPECT_EQ(worker.receive(), std::nullopt);
  for (const char* line : {"one", "", "two words"}) {
    worker.send(line);
    EXPECT_EQ(next_line(worker), std::string("got ") + line);
  }
  const std::string large(1 << 20, 'x');
  worker.send(large);
  EXPECT_EQ(next_line(worker), "got " + large);
}

TEST(WorkerProcess, ALineMayComeInPiecesAndSeveralAtOnce) {
  WorkerProcess worker(
      shell("printf 'a' >&0; sleep 0.1; printf 'b\\nc\\nd' >&0; sleep 0.1; echo >&0; read end"));
  EXPECT_EQ(next_line(worker), "ab");
  EXPECT_EQ(next_line(worker), "c");
  EXPECT_EQ(next_line(worker), "d");
}

TEST(WorkerProcess, TellsHowItEnded) {
  const auto end_of = [](const std::string& script) {
    WorkerProcess worker(shell(script));
    return error_of([&] { next_line(worker); });
  };
  EXPECT_EQ(end_of("exit 3"), "ended with exit code 3");
  EXPECT_EQ(end_of("kill -9 $$"), "was killed by signal 9 (Killed)");
  // What it said before it ended is not lost, nor is the end of one that cannot be told anything.
  WorkerProcess worker(shell("echo last >&0; exit 4"));
  EXPECT_EQ(next_line(worker), "last");
  EXPECT_EQ(error_of([&] { next_line(worker); }), "ended with exit code 4");
  EXPECT_EQ(error_of([&] { worker.send("more"); }), "ended with exit code 4");
}

TEST(WorkerProcess, SaysWhatCannotBeStarted) {
  EXPECT_EQ(error_of([] { WorkerProcess worker({"/no/such/program"}); }),
            "/no/such/program: is not installed");
}

TEST(WorkerProcess, WhatItPrintsIsNoAnswer) {
  testing::internal::CaptureStderr();
  {
    WorkerProcess worker(shell("echo printed; echo answer >&0; read end"));
    EXPECT_EQ(next_line(worker), "answer");
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "printed\n");
}

TEST(WorkerProcess, LeavesNothingBehind) {
  const std::vector<std::string> before = descriptors_of(::getpid());
  for (int i = 0; i < 3; ++i) {
    WorkerProcess idle(shell("read end"));
    WorkerProcess busy(shell("exec sleep 1000"));
    WorkerProcess ended(shell("exit 0"));
    EXPECT_EQ(children_of(::getpid(), /*zombies=*/true).size(), 3u);
  }
  EXPECT_THAT(children_of(::getpid(), /*zombies=*/true), IsEmpty());
  EXPECT_EQ(descriptors_of(::getpid()).size(), before.size());
}

TEST(WorkerProcess, HoldsNoEndOfAnother) {
  WorkerProcess first(shell("echo ready >&0; read end"));
  WorkerProcess second(shell("echo ready >&0; read end"));
  EXPECT_EQ(next_line(first), "ready");
  EXPECT_EQ(next_line(second), "ready");
  const auto children = children_of(::getpid());
  EXPECT_THAT(children, testing::SizeIs(2));
  for (const pid_t child : children) {
    std::set<std::string> sockets;
    for (const std::string& target : descriptors_of(child)) {
      if (target.starts_with("socket:")) sockets.insert(target);
    }
    EXPECT_THAT(sockets, testing::SizeIs(1));
  }
}

TEST(WorkerProcess, LeavesItToThisProcessWhenItEnds) {
  WorkerProcess worker(shell("echo ready >&0; read line; echo still here >&0; read end"));
  EXPECT_EQ(next_line(worker), "ready");
  const auto children = children_of(::getpid());
  EXPECT_THAT(children, testing::SizeIs(1));
  for (const pid_t child : children) {
    ::kill(child, SIGINT);
    ::kill(child, SIGTERM);
  }
  worker.send("hello");
  EXPECT_EQ(next_line(worker), "still here");
}

TEST(WorkerProcess, WaitsForWhicheverIsFirst) {
  WorkerProcess slow(shell("exec sleep 1000"));
  WorkerProcess fast(shell("echo done >&0; read end"));
  WorkerProcess* const both[] = {&slow, &fast};
  WorkerProcess::wait_for_any(both);
  EXPECT_EQ(slow.receive(), std::nullopt);
  EXPECT_EQ(fast.receive(), "done");
}

TEST(WorkerConnection, IsForProcessesThatWereStartedForIt) {
  // The test's own standard input is no socket.
  EXPECT_EXIT(
      {
        ::close(STDIN_FILENO);
        const std::string error = error_of([] { WorkerConnection connection; });
        std::fputs(error.c_str(), stderr);
        ::_exit(1);
      },
      testing::ExitedWithCode(1),
      "standard input is no connection to a search, which alone can start this");
}

}  // namespace
}  // namespace mcunet::pipeline
