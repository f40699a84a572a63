#include "mcunet/core/progress.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "mcunet/core/standard_streams.hpp"

namespace mcunet {
namespace {

using std::chrono::duration;
using std::chrono::duration_cast;
using std::chrono::nanoseconds;

constexpr std::int64_t kFirstDrawNs = 1'000'000'000;
constexpr std::int64_t kTerminalPeriodNs = 200'000'000;
constexpr std::int64_t kLogPeriodNs = 30'000'000'000;

}  // namespace

Progress::Progress(std::string title, std::int64_t total, std::string unit,
                   std::int64_t already_done)
    : title_(std::move(title)),
      unit_(std::move(unit)),
      total_(std::max<std::int64_t>(total, 1)),
      already_done_(already_done),
      done_(already_done),
      next_draw_ns_(kFirstDrawNs),
      is_terminal_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (is_terminal_ && has_drawn_) say("\r\x1b[K");
}

void Progress::advance(std::int64_t amount) {
  done_.fetch_add(amount, std::memory_order_relaxed);
  const Clock::time_point now = Clock::now();
  const std::int64_t elapsed = duration_cast<nanoseconds>(now - start_).count();
  if (elapsed < next_draw_ns_.load(std::memory_order_relaxed)) return;
  const std::unique_lock lock(drawing_, std::try_to_lock);
  if (!lock) return;
  next_draw_ns_ = elapsed + (is_terminal_ ? kTerminalPeriodNs : kLogPeriodNs);
  draw(now);
}

void Progress::note(std::string text) {
  const std::lock_guard lock(drawing_);
  note_ = std::move(text);
}

void Progress::draw(Clock::time_point now) {
  if (!spdlog::should_log(spdlog::level::critical)) return;  // a program that is to be silent
  has_drawn_ = true;
  const double elapsed = duration<double>(now - start_).count();
  const auto done = static_cast<double>(done_.load(std::memory_order_relaxed));
  const double share = std::min(1.0, done / static_cast<double>(total_));
  const double rate = (done - static_cast<double>(already_done_)) / elapsed;
  const double left = std::max(0.0, static_cast<double>(total_) - done);
  say("{}{}: {:.0f}/{} {} ({:.0f} %), {:.0f} {}/s, {} left{}{}{}", is_terminal_ ? "\r\x1b[K" : "",
      title_, done, total_, unit_, 100 * share, rate, unit_,
      format_duration(rate > 0 ? left / rate : 0), note_.empty() ? "" : ", ", note_,
      is_terminal_ ? "" : "\n");
}

std::string format_duration(double seconds) {
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

}  // namespace mcunet
