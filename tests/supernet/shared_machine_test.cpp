#include "mcunet/supernet/shared_machine.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

namespace mcunet::supernet {
namespace {

TEST(SharedMachine, IsContendedIfThreadsWaitForOthers) {
  EXPECT_TRUE(is_contended({.delayed = 0.5, .others = 0.5}));
  EXPECT_FALSE(is_contended({.delayed = 0.5, .others = 0.02}))
      << "more threads of its own than cores";
  EXPECT_FALSE(is_contended({.delayed = 0.01, .others = 0.5})) << "enough cores for all";
  EXPECT_FALSE(is_contended({}));
}

// Threads that always want a core.
class BusyThreads {
 public:
  explicit BusyThreads(int count) {
    for (int i = 0; i < count; ++i) {
      threads_.emplace_back([this] {
        while (!is_over_) {
        }
      });
    }
  }
  ~BusyThreads() {
    is_over_ = true;
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  std::atomic<bool> is_over_ = false;
  std::vector<std::thread> threads_;
};

// Two for each core.
class BusyProcesses {
 public:
  BusyProcesses() {
    for (unsigned i = 0; i < 2 * std::thread::hardware_concurrency(); ++i) {
      const pid_t process = ::fork();
      if (process == 0) {
        for (;;) {
        }
      }
      processes_.push_back(process);
    }
  }
  ~BusyProcesses() {
    for (pid_t process : processes_) ::kill(process, SIGKILL);
    for (pid_t process : processes_) ::waitpid(process, nullptr, 0);
  }

 private:
  std::vector<pid_t> processes_;
};

TEST(SharedMachine, IsSeenToBeBusy) {
  const BusyProcesses processes;
  const BusyThreads threads(2);
  const CoreShares shares = measure_cores(2, std::chrono::milliseconds(500));
  EXPECT_TRUE(is_contended(shares)) << shares.delayed << " " << shares.others;
}

TEST(SharedMachine, WatchesAndEnds) {
  const BusyProcesses processes;
  const BusyThreads threads(2);
  const SharedMachineWatch watch(2);
  const SharedMachineWatch of_one_thread(1);
  std::this_thread::sleep_for(std::chrono::milliseconds(600));
}

}  // namespace
}  // namespace mcunet::supernet
