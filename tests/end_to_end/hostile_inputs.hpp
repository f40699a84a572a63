#pragma once

#include <signal.h>

#include <chrono>
#include <thread>

#include "run_mcunet.hpp"

// Inputs that no program should trust, in tables: what ends in one line that names the input, a
// failure, and nothing else.
namespace mcunet {

struct HostileCase {
  std::string name;
  std::vector<std::string> arguments;
  std::string named;         // by the line
  std::string setting = "";  // shell commands before the program starts, limits and redirections
};

class HostileInputs : public CommandTest {
 protected:
  // Runs the program in a shell, in which `setting` comes before it and may leave $TO for where its
  // streams go. Killed, with exit code -1, if it does not end in time.
  Outcome run_bounded(const HostileCase& hostile) const {
    constexpr auto kLimit = std::chrono::seconds(60);  // milliseconds on an idle machine
    std::vector<std::string> words = {"-c", hostile.setting + " exec \"$0\" \"$@\"", kProgram};
    words.insert(words.end(), hostile.arguments.begin(), hostile.arguments.end());
    const pid_t child = start(std::move(words), "/bin/sh");
    const auto deadline = std::chrono::steady_clock::now() + kLimit;
    siginfo_t ended{};
    while (::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           ended.si_pid == 0 && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    ::kill(child, SIGKILL);
    return finish(child);
  }

  // Exit code 1 or 2, one line on standard error that names the input, nothing on standard output,
  // no file more and no file less.
  void expect_refused(const HostileCase& hostile) const {
    SCOPED_TRACE(hostile.name);
    ++cases_;
    const std::vector<std::string> before = created();
    const Outcome outcome = run_bounded(hostile);
    const bool failed_cleanly = outcome.exit_code == 1 || outcome.exit_code == 2;
    const bool is_one_line = std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1 &&
                             outcome.err.starts_with("mcunet: ") && outcome.err.ends_with('\n');
    const bool is_named = outcome.err.find(hostile.named) != std::string::npos;
    const std::vector<std::string> after = created();
    if (!failed_cleanly || !is_one_line || !is_named || !outcome.out.empty() || before != after) {
      ++failures_;
    }
    EXPECT_TRUE(failed_cleanly) << "exit code " << outcome.exit_code;
    EXPECT_TRUE(is_one_line) << outcome.err.substr(0, 1000);
    EXPECT_TRUE(is_named) << outcome.err.substr(0, 1000) << "does not name " << hostile.named;
    EXPECT_EQ(outcome.out.substr(0, 1000), "");
    EXPECT_EQ(before, after);
  }

  void expect_refused(const std::vector<HostileCase>& cases) const {
    for (const HostileCase& hostile : cases) expect_refused(hostile);
  }

  static void SetUpTestSuite() { cases_ = failures_ = 0; }
  static void TearDownTestSuite() {
    fmt::print("{} hostile inputs, {} of them not refused as they should be\n", cases_, failures_);
  }

 private:
  static constexpr char kProgram[] = MCUNET_BINARY;
  static inline int cases_ = 0;
  static inline int failures_ = 0;
};

}  // namespace mcunet
