#include <signal.h>
#include <sys/wait.h>

#include <CLI/CLI.hpp>
#include <cstring>
#include <memory>

#include "commands.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/process.hpp"
#include "mcunet/core/rank_place.hpp"

namespace mcunet::cli {
namespace {

constexpr int kMostProcesses = 1024;
// For ranks to end that know of another one's failure.
constexpr timespec kPatience{.tv_sec = 15, .tv_nsec = 0};

struct LaunchArguments {
  int processes = 0;
  int threads = 0;                   // of each; 0: the processes share the cores
  std::vector<std::string> command;  // of mcunet
};

// The ranks of a job on this machine, which end when this does.
class LaunchedRanks {
 public:
  explicit LaunchedRanks(const LaunchArguments& arguments) {
    std::vector<std::string> command = {"/proc/self/exe"};
    command.insert(command.end(), arguments.command.begin(), arguments.command.end());
    if (arguments.threads > 0) {
      command.insert(command.end(), {"--set", fmt::format("train.threads={}", arguments.threads)});
    }
    const int port = free_port();
    for (int rank = 0; rank < arguments.processes; ++rank) {
      // In groups of their own, so that an interrupt from the terminal reaches them once, from here.
      const StartOptions options{
          .folder = {},
          .blocked_signals = {},
          .variables = {fmt::format("RANK={}", rank), fmt::format("LOCAL_RANK={}", rank),
                        fmt::format("WORLD_SIZE={}", arguments.processes),
                        fmt::format("LOCAL_WORLD_SIZE={}", arguments.processes),
                        "MASTER_ADDR=127.0.0.1", fmt::format("MASTER_PORT={}", port)},
          .leads_group = true};
      processes_.push_back(start_process(command, options));
      ++left_;
    }
  }

  void signal_all(int signal) const {
    for (const pid_t process : processes_) {
      if (process > 0) ::kill(process, signal);
    }
  }

  // Takes note of those that have ended.
  void look() {
    for (std::size_t rank = 0; rank < processes_.size(); ++rank) {
      int status = 0;
      if (processes_[rank] < 0 || ::waitpid(processes_[rank], &status, WNOHANG) <= 0) continue;
      processes_[rank] = -1;
      --left_;
      if (rank == 0 && WIFEXITED(status)) code_ = WEXITSTATUS(status);
      if (WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
      // Rank 0 may say that it does not fit; all others have come to the end then.
      has_failed_ = true;
      if (WIFSIGNALED(status) && death_.empty()) {
        death_ = fmt::format("rank {} of {} was killed by signal {} ({})", rank, processes_.size(),
                             WTERMSIG(status), ::strsignal(WTERMSIG(status)));
      }
    }
  }

  bool are_gone() const { return left_ == 0; }
  bool has_failed() const { return has_failed_; }
  const std::string& death() const { return death_; }  // of the first that was killed; empty: none
  int code() const { return code_; }

 private:
  std::vector<pid_t> processes_;
  std::size_t left_ = 0;
  bool has_failed_ = false;
  std::string death_;
  int code_ = kFailed;
};

int launch(const LaunchArguments& arguments) {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGCHLD}) ::sigaddset(&signals, signal);
  ::signal(SIGCHLD, SIG_DFL);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  LaunchedRanks ranks(arguments);
  while (!ranks.are_gone()) {
    const int signal = ranks.has_failed() ? ::sigtimedwait(&signals, nullptr, &kPatience)
                                          : ::sigwaitinfo(&signals, nullptr);
    if (signal == SIGINT || signal == SIGTERM) ranks.signal_all(signal);
    ranks.look();
    const bool is_late = signal < 0 && errno == EAGAIN;
    if (is_late || !ranks.death().empty()) ranks.signal_all(SIGKILL);
  }
  if (!ranks.death().empty()) {
    throw Error("{}; all ranks are ended, and --resume goes on from the last checkpoint",
                ranks.death());
  }
  return ranks.code();
}

}  // namespace

void add_launch_command(CLI::App& program, Run& run) {
  auto arguments = std::make_shared<LaunchArguments>();
  CLI::App* command =
      program.add_subcommand("launch", "Run a command in several processes that share its work");
  command->footer(
      "The command is train, search, finetune or run, with its own arguments. Its processes, the\n"
      "ranks of one job, share the batches of each training step and the networks of the search,\n"
      "and come to the results of a single one. A step needs at least as many batches as there\n"
      "are processes: train.gradient_accumulation. When a process dies all of them end, and the\n"
      "command goes on with --resume, in any number of processes.\n\n"
      "  mcunet launch --processes 8 run imagenet --set dataset.path=/data/imagenet "
      "--set train.batch_size=32 --set train.gradient_accumulation=8");
  command
      ->add_option("-n,--processes", arguments->processes,
                   "How many; with GPUs, as many as there are")
      ->required()
      ->check(CLI::Range(1, kMostProcesses));
  command
      ->add_option("--threads-per-process", arguments->threads,
                   "Threads of each [its share of the cores]")
      ->check(CLI::Range(1, kMostProcesses));
  command->prefix_command();
  command->callback([command, arguments, &program, &run] {
    arguments->command = command->remaining();
    const std::string name = arguments->command.empty() ? "" : arguments->command.front();
    if (name != "train" && name != "search" && name != "finetune" && name != "run") {
      throw CLI::ValidationError(
          fmt::format("launch: takes one of the commands train, search, finetune and run{}",
                      name.empty() ? "" : ", not " + name));
    }
    for (const char* option : {"--quiet", "--verbose"}) {
      if (program.count(option) > 0) arguments->command.insert(arguments->command.begin(), option);
    }
    run = [arguments] { return launch(*arguments); };
  });
}

}  // namespace mcunet::cli
