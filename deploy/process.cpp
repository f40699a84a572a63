#include "process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"

namespace mcunet::deploy {
namespace {

// In memory, so that a disk that is full can be told of.
class Log {
 public:
  Log() : descriptor_(::memfd_create("log", MFD_CLOEXEC)) {
    if (descriptor_ < 0) throw Error("memfd_create: {}", std::strerror(errno));
  }
  ~Log() { ::close(descriptor_); }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  int descriptor() const { return descriptor_; }
  std::string text() const { return read_file(fmt::format("/proc/self/fd/{}", descriptor_)); }

 private:
  int descriptor_;
};

pid_t start(std::vector<std::string>& command, const ProcessOptions& options, const Log& log) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addchdir_np(&actions, options.folder.c_str());
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, log.descriptor(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (std::string& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int error =
      ::posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error == ENOENT) {
    throw Error("{}: is not installed (package {})", command[0], options.package);
  }
  if (error != 0) throw Error("{}: cannot be started: {}", command[0], std::strerror(error));
  return child;
}

// Whether the child has ended before the deadline.
bool wait_for(pid_t child, std::chrono::steady_clock::time_point deadline, int& status) {
  std::chrono::milliseconds pause{1};
  for (;;) {
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child) return true;
    if (ended < 0 && errno != EINTR) throw Error("waitpid: {}", std::strerror(errno));
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::milliseconds{20});
  }
}

}  // namespace

ProcessResult run_process(std::vector<std::string> command, const ProcessOptions& options) {
  const Log log;
  const auto deadline =
      std::chrono::steady_clock::now() +
      std::chrono::milliseconds{static_cast<std::int64_t>(options.timeout_seconds * 1000)};
  const pid_t child = start(command, options, log);
  ProcessResult result;
  int status = 0;
  if (!wait_for(child, deadline, status)) {
    result.timed_out = true;
    ::kill(child, SIGKILL);
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
  }
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  result.log = log.text();
  return result;
}

}  // namespace mcunet::deploy
