#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace mcunet {

// Tells on standard error how far long work has come, how fast it goes and when it will end. On a
// terminal one line is redrawn; elsewhere a line is printed every half minute. Work shorter than a
// second prints nothing. Threads may call advance() at any time.
class Progress {
 public:
  // `already_done` of the total was done before, by a run that this one resumes.
  Progress(std::string title, std::int64_t total, std::string unit, std::int64_t already_done = 0);
  ~Progress();  // clears the line

  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void advance(std::int64_t amount = 1);

  // What else the line ends with from now on: "loss 1.23".
  void note(std::string text);

 private:
  using Clock = std::chrono::steady_clock;

  void draw(Clock::time_point now);

  std::string title_;
  std::string unit_;
  std::int64_t total_;
  std::int64_t already_done_;
  std::atomic<std::int64_t> done_ = 0;
  Clock::time_point start_ = Clock::now();
  std::atomic<std::int64_t> next_draw_ns_ = 0;  // since start_
  std::mutex drawing_;
  std::string note_;  // guarded by drawing_
  bool is_terminal_;
  bool has_drawn_ = false;
};

// "4 s", "3 min 20 s", "2 h 05 min".
std::string format_duration(double seconds);

}  // namespace mcunet
