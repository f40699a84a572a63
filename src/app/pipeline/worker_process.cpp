#include "worker_process.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "mcunet/core/error.hpp"
#include "mcunet/core/process.hpp"

namespace mcunet::pipeline {
namespace {

// Whether all of it went; not, if there is nobody at the other end any more.
bool send_line(int socket, std::string_view text) {
  std::string line(text);
  line += '\n';
  for (std::string_view left = line; !left.empty();) {
    const ssize_t sent = ::send(socket, left.data(), left.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return false;
    left.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

enum class Arrival { kSome, kNothing, kEnd };

// Appends what has come to `text`; waits for it if `flags` has no MSG_DONTWAIT.
Arrival receive_some(int socket, int flags, std::string& text) {
  char buffer[4096];
  for (;;) {
    const ssize_t size = ::recv(socket, buffer, sizeof buffer, flags);
    if (size > 0) {
      text.append(buffer, static_cast<std::size_t>(size));
      return Arrival::kSome;
    }
    if (size == 0) return Arrival::kEnd;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return Arrival::kNothing;
    if (errno != EINTR) return Arrival::kEnd;  // ECONNRESET: it ended before it read all
  }
}

// The first line, taken off the text.
std::optional<std::string> take_line(std::string& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string::npos) return std::nullopt;
  std::string line = text.substr(0, end);
  text.erase(0, end + 1);
  return line;
}

// Interrupts are for the search alone, from the first moment on.
pid_t start(const std::vector<std::string>& command, int standard_input) {
  return start_process(command, {.folder = "",
                                 .input = standard_input,
                                 .output = STDERR_FILENO,
                                 .blocked_signals = {SIGINT, SIGTERM}});
}

std::string describe_end(int status) {
  if (WIFEXITED(status)) return fmt::format("ended with exit code {}", WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  return fmt::format("was killed by signal {} ({})", signal, ::strsignal(signal));
}

}  // namespace

WorkerProcess::WorkerProcess(std::vector<std::string> command) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw Error("socketpair: {}", std::strerror(errno));
  }
  socket_ = ends[0];
  // Ignored, as some launchers leave it, it would let the status of a child get lost.
  ::signal(SIGCHLD, SIG_DFL);
  try {
    process_ = start(command, ends[1]);
  } catch (...) {
    ::close(ends[0]);
    ::close(ends[1]);
    throw;
  }
  ::close(ends[1]);
}

WorkerProcess::~WorkerProcess() {
  end();
  ::close(socket_);
}

void WorkerProcess::end() {
  if (process_ < 0) return;
  // Does nothing to one that has ended on its own, whose status is kept for waitpid.
  ::kill(process_, SIGKILL);
  while (::waitpid(process_, &status_, 0) < 0 && errno == EINTR) {
  }
  process_ = -1;
}

void WorkerProcess::fail_as_ended() {
  end();
  throw Error("{}", describe_end(status_));
}

void WorkerProcess::send(std::string_view line) {
  if (!send_line(socket_, line)) fail_as_ended();
}

std::optional<std::string> WorkerProcess::receive() {
  for (;;) {
    if (std::optional<std::string> line = take_line(received_)) return line;
    const Arrival arrival = receive_some(socket_, MSG_DONTWAIT, received_);
    if (arrival == Arrival::kNothing) return std::nullopt;
    if (arrival == Arrival::kEnd) fail_as_ended();
  }
}

void WorkerProcess::wait_for_any(std::span<WorkerProcess* const> workers) {
  std::vector<pollfd> sockets;
  for (const WorkerProcess* worker : workers) {
    sockets.push_back({.fd = worker->socket_, .events = POLLIN, .revents = 0});
  }
  while (::poll(sockets.data(), sockets.size(), -1) < 0) {
    if (errno != EINTR) throw Error("poll: {}", std::strerror(errno));
  }
}

WorkerConnection::WorkerConnection() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NAME, "mcunet-worker");
  int type = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(STDIN_FILENO, SOL_SOCKET, SO_TYPE, &type, &size) != 0) {
    throw Error("standard input is no connection to a search, which alone can start this");
  }
  // One whose search ended before prctl gets no signal.
  pollfd connection{.fd = STDIN_FILENO, .events = 0, .revents = 0};
  ::poll(&connection, 1, 0);
  if ((connection.revents & POLLHUP) != 0) throw Error("the search has ended");
}

std::optional<std::string> WorkerConnection::receive() {
  for (;;) {
    if (std::optional<std::string> line = take_line(received_)) return line;
    if (receive_some(STDIN_FILENO, 0, received_) != Arrival::kSome) return std::nullopt;
  }
}

void WorkerConnection::send(std::string_view line) const { send_line(STDIN_FILENO, line); }

}  // namespace mcunet::pipeline
