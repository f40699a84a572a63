#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

// Bytes to and from a serial line: the port of a board, or a socket to the emulator's.
namespace mcunet::deploy {

// A file descriptor, closed at the end of its life.
class SerialLine {
 public:
  using Clock = std::chrono::steady_clock;

  enum class State { kOpen, kEnded, kTimeOver, kStopped };

  // Takes over the descriptor of a socket or a port.
  SerialLine(int descriptor, std::function<bool()> is_stopped);
  ~SerialLine();
  SerialLine(const SerialLine&) = delete;
  SerialLine& operator=(const SerialLine&) = delete;

  // Sends all of it, or until something else happens.
  State send(std::string_view bytes, Clock::time_point deadline);

  // Waits for some bytes and appends them.
  State receive(std::string& bytes, Clock::time_point deadline);

 private:
  State wait(short events, Clock::time_point deadline) const;

  int descriptor_;
  std::function<bool()> is_stopped_;
};

// The descriptor of a serial port of eight data bits, no parity and one stop bit, for this process
// alone. Throws Error if there is none, or if it does not take the rate.
int open_serial_port(const std::string& file, int baud);

}  // namespace mcunet::deploy
