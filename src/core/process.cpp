#include "mcunet/core/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <thread>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"

namespace mcunet {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kMaxLogBytes = std::int64_t{64} << 20;

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
  bool is_too_large() const {
    struct stat status {};
    return ::fstat(descriptor_, &status) == 0 && status.st_size > kMaxLogBytes;
  }
  std::string text() const { return read_file(fmt::format("/proc/self/fd/{}", descriptor_)); }

 private:
  int descriptor_;
};

// What kept the child from becoming the program.
struct Failure {
  enum class Of : int { kFolder, kProgram } of = Of::kProgram;
  int error = 0;
};

// In the child, between fork and exec: nothing that allocates or locks.
[[noreturn]] void become(char* const* arguments, char* const* variables,
                         const StartOptions& options, pid_t parent, int failures) {
  const auto fail = [&](Failure::Of of) {
    const Failure failure{of, errno};
    [[maybe_unused]] const ssize_t told = ::write(failures, &failure, sizeof failure);
    ::_exit(127);
  };
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // it ended before that
  if (options.leads_group) ::setpgid(0, 0);
  const int input = options.input >= 0 ? options.input : ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(input, STDIN_FILENO);
  ::dup2(options.output, STDOUT_FILENO);
  ::dup2(options.error, STDERR_FILENO);
  ::signal(SIGPIPE, SIG_DFL);
  sigset_t blocked;
  ::sigemptyset(&blocked);
  for (const int signal : options.blocked_signals) ::sigaddset(&blocked, signal);
  ::sigprocmask(SIG_SETMASK, &blocked, nullptr);
  if (!options.folder.empty() && ::chdir(options.folder.c_str()) != 0) fail(Failure::Of::kFolder);
  ::execvpe(arguments[0], arguments, variables);
  fail(Failure::Of::kProgram);
  ::_exit(127);
}

[[noreturn]] void fail_as_missing(const std::string& program, const std::string& package) {
  throw Error("{}: is not installed{}", program,
              package.empty() ? "" : fmt::format(" (package {})", package));
}

[[noreturn]] void fail_to_start(const std::vector<std::string>& command,
                                const StartOptions& options, const std::string& package,
                                const Failure& failure) {
  if (failure.of == Failure::Of::kFolder) {
    throw Error("{}: cannot be entered: {}", options.folder.string(), std::strerror(failure.error));
  }
  if (failure.error == ENOENT) fail_as_missing(command[0], package);
  throw Error("{}: cannot be started: {}", command[0], std::strerror(failure.error));
}

// Pointers to strings that must stay, and the end of the list.
std::vector<char*> pointers_to(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (std::string& string : strings) pointers.push_back(string.data());
  pointers.push_back(nullptr);
  return pointers;
}

// This process's, with others instead or beside them.
std::vector<std::string> environment_with(const std::vector<std::string>& variables) {
  std::vector<std::string> all = variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view own(*variable);
    const std::string_view name = own.substr(0, own.find('=') + 1);
    const bool is_replaced =
        std::any_of(variables.begin(), variables.end(),
                    [&](const std::string& given) { return given.starts_with(name); });
    if (!is_replaced) all.emplace_back(own);
  }
  return all;
}

int wait_for_end(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

enum class Ending { kOwn, kTime, kOutput };

// Waits until the child ends or is to be killed.
Ending watch(pid_t child, Clock::time_point deadline, const Log& log, int& status) {
  std::chrono::milliseconds pause{1};
  for (;;) {
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child) return Ending::kOwn;
    if (ended < 0 && errno != EINTR) throw Error("waitpid: {}", std::strerror(errno));
    if (Clock::now() >= deadline) return Ending::kTime;
    if (log.is_too_large()) return Ending::kOutput;
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::milliseconds{20});
  }
}

}  // namespace

pid_t start_process(const std::vector<std::string>& command, const StartOptions& options,
                    const std::string& package) {
  std::vector<std::string> words = command;
  const std::vector<char*> arguments = pointers_to(words);
  std::vector<std::string> variables = environment_with(options.variables);
  const std::vector<char*> variable_pointers = pointers_to(variables);
  int failures[2];
  if (::pipe2(failures, O_CLOEXEC) != 0) throw Error("pipe: {}", std::strerror(errno));
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) {
    become(arguments.data(), variable_pointers.data(), options, parent, failures[1]);
  }
  const int error = errno;
  ::close(failures[1]);
  Failure failure;
  // The end without a word: exec has closed the other end.
  ssize_t got = 0;
  if (child > 0) {
    while ((got = ::read(failures[0], &failure, sizeof failure)) < 0 && errno == EINTR) {
    }
  }
  ::close(failures[0]);
  if (child < 0) throw Error("{}: cannot be started: {}", command[0], std::strerror(error));
  if (got == sizeof failure) {
    wait_for_end(child);
    fail_to_start(command, options, package, failure);
  }
  return child;
}

ProcessResult run_process(const std::vector<std::string>& command, const ProcessOptions& options) {
  const Log log;
  const auto deadline =
      Clock::now() +
      std::chrono::milliseconds{static_cast<std::int64_t>(options.timeout_seconds * 1000)};
  const pid_t child = start_process(command,
                                    {.folder = options.folder,
                                     .output = log.descriptor(),
                                     .error = log.descriptor(),
                                     .blocked_signals = {},
                                     .leads_group = true},
                                    options.package);
  int status = 0;
  const Ending ending = watch(child, deadline, log, status);
  if (ending != Ending::kOwn) {
    ::kill(-child, SIGKILL);
    status = wait_for_end(child);
  }
  if (ending == Ending::kOutput) {
    throw Error("{}: wrote more than {} MiB to its standard output and was killed", command[0],
                kMaxLogBytes >> 20);
  }
  return {.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
          .timed_out = ending == Ending::kTime,
          .log = log.text()};
}

ProcessResult run_to_end(const std::vector<std::string>& command, const ProcessOptions& options) {
  ProcessResult result = run_process(command, options);
  if (result.timed_out) {
    throw Error("{}: did not end within {} s and was killed", command[0], options.timeout_seconds);
  }
  if (result.signal != 0) {
    throw Error("{}: was killed by signal {} ({})", command[0], result.signal,
                ::strsignal(result.signal));
  }
  return result;
}

std::optional<fs::path> find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "/bin:/usr/bin" : path);  // as execvp() does
  for (std::string folder; std::getline(folders, folder, ':');) {
    const fs::path program = fs::path(folder) / name;
    std::error_code ignored;
    if (fs::is_regular_file(program, ignored) && ::access(program.c_str(), X_OK) == 0) {
      return program;
    }
  }
  return std::nullopt;
}

void require_program(const std::string& name, const std::string& package) {
  if (!find_program(name)) fail_as_missing(name, package);
}

}  // namespace mcunet
