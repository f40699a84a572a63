#include "rank_watch.hpp"

#ifdef MCUNET_HAS_GLOO

#include <algorithm>
#include <cstdlib>

#include "mcunet/core/standard_streams.hpp"

namespace mcunet::supernet {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point time) {
  return std::chrono::duration<double>(Clock::now() - time).count();
}

}  // namespace

RankWatch::RankWatch(const RankPlace& place, const GroupOptions& options)
    : place_(place),
      options_(options),
      period_(std::clamp(options.silence_seconds / 10, 0.05, 0.5)),
      store_(open_store(place, options.join_seconds, /*serves=*/false)),
      seen_(static_cast<std::size_t>(place.ranks)) {
  answered_ = Clock::now().time_since_epoch().count();
  talker_ = std::thread([this] { talk(); });
  timer_ = std::thread([this] { keep_time(); });
}

RankWatch::~RankWatch() {
  stop();
  talker_.join();
  timer_.join();
}

void RankWatch::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  wake_.notify_all();
}

std::optional<std::string> RankWatch::wait_for_break(double seconds) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, milliseconds(seconds), [this] { return broken_.has_value(); });
  return broken_;
}

// False once the watch is to stop.
bool RankWatch::sleep(double seconds) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, milliseconds(seconds), [this] { return stopping_; });
}

void RankWatch::talk() {
  try {
    do {
      store_->add(sign_of(place_.rank), 1);
      if (place_.rank == 0) look_for_the_dead();
      const std::optional<std::string> verdict = read_key(*store_, kVerdict);
      answered_ = Clock::now().time_since_epoch().count();
      if (verdict) {
        store_->set(leaving_of(place_.rank), {1});
        return hear_verdict(*verdict);
      }
    } while (sleep(period_));
  } catch (const std::exception&) {
    // Who ends the job, such as its launcher, may be about to end this rank too.
    if (!sleep(std::min(1.0, options_.silence_seconds / 2))) return;
    end(fmt::format("rank {} of {}: rank 0 at {}:{} has ended", place_.rank, place_.ranks,
                    place_.address, place_.port));
  }
}

void RankWatch::keep_time() {
  while (sleep(period_)) {
    const Clock::time_point answered{Clock::duration{answered_.load()}};
    if (seconds_since(answered) < options_.silence_seconds) continue;
    return end(fmt::format("rank {} of {}: rank 0 at {}:{} has not answered for {} s", place_.rank,
                           place_.ranks, place_.address, place_.port, options_.silence_seconds));
  }
}

// By rank 0: those that gave signs of life and neither give them nor have left.
void RankWatch::look_for_the_dead() {
  for (int rank = 1; rank < place_.ranks; ++rank) {
    Sign& sign = seen_[static_cast<std::size_t>(rank)];
    const std::int64_t count = store_->add(sign_of(rank), 0);
    if (count != sign.count) sign = {count, Clock::now()};
    if (sign.count == 0 || seconds_since(sign.at) < options_.silence_seconds) continue;
    if (store_->check({leaving_of(rank)})) continue;
    const std::string host = read_key(*store_, host_of(rank)).value_or("an unknown host");
    store_->set(kVerdict,
                bytes_of(fmt::format("rank {} of {}, on {}, has given no sign of life for {} s",
                                     rank, place_.ranks, host, options_.silence_seconds)));
    return;
  }
}

void RankWatch::hear_verdict(const std::string& verdict) {
  if (place_.rank > 0) return end(verdict, /*is_told=*/true);
  say_of_end(verdict);
  sleep(3 * period_);  // for the others to hear it
  end(verdict, /*is_told=*/true);
}

void RankWatch::say_of_end(const std::string& reason) const {
  if (options_.on_break) return;
  say("mcunet: {}; all ranks end, and --resume goes on from the last checkpoint\n", reason);
}

void RankWatch::end(const std::string& reason, bool is_told) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || broken_) return;
    broken_ = reason;
  }
  wake_.notify_all();
  if (!is_told) say_of_end(reason);
  if (options_.on_break) return options_.on_break(reason);
  std::_Exit(1);
}

}  // namespace mcunet::supernet

#endif
