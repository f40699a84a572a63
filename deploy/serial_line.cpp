#include "serial_line.hpp"

#include <fcntl.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <vector>

#include "mcunet/core/error.hpp"

namespace mcunet::deploy {
namespace {

const std::map<int, speed_t>& rates() {
  static const std::map<int, speed_t> rates = {
      {1200, B1200},       {2400, B2400},       {4800, B4800},       {9600, B9600},
      {19200, B19200},     {38400, B38400},     {57600, B57600},     {115200, B115200},
      {230400, B230400},   {460800, B460800},   {500000, B500000},   {576000, B576000},
      {921600, B921600},   {1000000, B1000000}, {1152000, B1152000}, {1500000, B1500000},
      {2000000, B2000000}, {2500000, B2500000}, {3000000, B3000000}, {3500000, B3500000},
      {4000000, B4000000}};
  return rates;
}

speed_t rate_of(int baud) {
  const auto found = rates().find(baud);
  if (found != rates().end()) return found->second;
  std::vector<int> known;
  for (const auto& [rate, code] : rates()) known.push_back(rate);
  throw Error("{} baud: is no rate of serial ports (there are {})", baud, fmt::join(known, ", "));
}

[[noreturn]] void fail(int descriptor, const std::string& file, const char* what) {
  const int error = errno;
  ::close(descriptor);
  throw Error("{}: {}: {}", file, what, std::strerror(error));
}

// What a read or a write says besides how many bytes it did.
bool goes_on() { return errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK; }

}  // namespace

SerialLine::SerialLine(int descriptor, std::function<bool()> is_stopped)
    : descriptor_(descriptor), is_stopped_(std::move(is_stopped)) {
  ::fcntl(descriptor_, F_SETFL, ::fcntl(descriptor_, F_GETFL) | O_NONBLOCK);
}

SerialLine::~SerialLine() {
  ::ioctl(descriptor_, TIOCNXCL);  // in case that somebody else has the port open, too
  ::close(descriptor_);
}

// In slices: a signal may come just before poll() begins.
SerialLine::State SerialLine::wait(short events, Clock::time_point deadline) const {
  constexpr std::chrono::milliseconds kSlice{100};
  for (;;) {
    if (is_stopped_ && is_stopped_()) return State::kStopped;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return State::kTimeOver;
    pollfd waited{.fd = descriptor_, .events = events, .revents = 0};
    if (::poll(&waited, 1, static_cast<int>(std::min(left, kSlice).count())) > 0) {
      return State::kOpen;
    }
  }
}

SerialLine::State SerialLine::send(std::string_view bytes, Clock::time_point deadline) {
  while (!bytes.empty()) {
    if (const State state = wait(POLLOUT, deadline); state != State::kOpen) return state;
    ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == ENOTSOCK) sent = ::write(descriptor_, bytes.data(), bytes.size());
    if (sent < 0 && !goes_on()) return State::kEnded;
    bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
  }
  return State::kOpen;
}

SerialLine::State SerialLine::receive(std::string& bytes, Clock::time_point deadline) {
  char buffer[4096];
  for (;;) {
    if (const State state = wait(POLLIN, deadline); state != State::kOpen) return state;
    const ssize_t size = ::read(descriptor_, buffer, sizeof buffer);
    if (size > 0) {
      bytes.append(buffer, static_cast<std::size_t>(size));
      return State::kOpen;
    }
    if (size == 0 || !goes_on()) return State::kEnded;  // EIO: a port that is gone
  }
}

int open_serial_port(const std::string& file, int baud) {
  const speed_t rate = rate_of(baud);
  const int descriptor = ::open(file.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) {
    throw Error("{}: cannot be opened: {}{}", file, std::strerror(errno),
                errno == EACCES ? " (on many systems the group dialout may)" : "");
  }
  termios settings{};
  if (::tcgetattr(descriptor, &settings) != 0) {
    ::close(descriptor);
    throw Error("{}: is no serial port", file);
  }
  ::cfmakeraw(&settings);
  settings.c_cflag |= CLOCAL | CREAD;
  settings.c_cflag &= ~static_cast<tcflag_t>(CSTOPB | CRTSCTS);
  ::cfsetispeed(&settings, rate);
  ::cfsetospeed(&settings, rate);
  if (::tcsetattr(descriptor, TCSANOW, &settings) != 0) fail(descriptor, file, "cannot be set up");
  if (::ioctl(descriptor, TIOCEXCL) != 0) fail(descriptor, file, "cannot be had alone");
  ::tcflush(descriptor, TCIOFLUSH);
  return descriptor;
}

}  // namespace mcunet::deploy
