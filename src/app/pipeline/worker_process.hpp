#pragma once

#include <sys/types.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Processes that work for this one, asked and answered in lines of text.
namespace mcunet::pipeline {

// A child process whose standard input is a socket, over which it is asked and answers. What it
// prints goes to this process's standard error. It hears neither SIGINT nor SIGTERM, which a
// terminal or a batch system sends to all processes of a job: this process decides when it ends.
class WorkerProcess {
 public:
  // `command` is a program with its arguments; a program without a slash is looked up in PATH.
  // To be called in a thread that lives longer. Throws Error if it cannot be started.
  explicit WorkerProcess(std::vector<std::string> command);
  ~WorkerProcess();  // kills it, and leaves no zombie

  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  // A line without its end. Throws Error that says how the process ended, if it has.
  void send(std::string_view line);

  // The next line, if it is there already. Throws Error that says how the process ended, if it has
  // and said nothing more.
  std::optional<std::string> receive();

  // Waits until at least one of them has something to receive, or has ended.
  static void wait_for_any(std::span<WorkerProcess* const> workers);

 private:
  [[noreturn]] void fail_as_ended();
  void end();

  pid_t process_ = -1;
  int socket_ = -1;
  int status_ = 0;        // of waitpid, once process_ is gone
  std::string received_;  // not yet taken
};

// The other end, in the child: its standard input.
class WorkerConnection {
 public:
  // From now on the process is killed when its parent ends, however that comes about. Throws Error
  // if the process was not started as a WorkerProcess. To be called in the first thread.
  WorkerConnection();

  // Waits for the next line. None: the parent has ended, or wants no more.
  std::optional<std::string> receive();
  void send(std::string_view line) const;

 private:
  std::string received_;
};

}  // namespace mcunet::pipeline
