#pragma once

#include "rank_store.hpp"

#ifdef MCUNET_HAS_GLOO

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "mcunet/supernet/process_group.hpp"

namespace mcunet::supernet {

// Shows that this rank is alive and notices when another one is not. One thread talks to rank 0's
// board, by a connection of its own; as that may hang for ever in a network that has split, another one
// looks at the clock alone.
class RankWatch {
 public:
  RankWatch(const RankPlace& place, const GroupOptions& options);
  ~RankWatch();

  RankWatch(const RankWatch&) = delete;
  RankWatch& operator=(const RankWatch&) = delete;

  void stop();

  // Why the group is broken, if it breaks within some seconds.
  std::optional<std::string> wait_for_break(double seconds);

  double period() const { return period_; }  // between signs of life, in seconds

 private:
  using Clock = std::chrono::steady_clock;
  struct Sign {
    std::int64_t count = 0;
    Clock::time_point at;
  };

  bool sleep(double seconds);
  void talk();
  void keep_time();
  void look_for_the_dead();
  void hear_verdict(const std::string& verdict);
  void say_of_end(const std::string& reason) const;
  void end(const std::string& reason, bool is_told = false);

  RankPlace place_;
  GroupOptions options_;
  double period_;
  c10::intrusive_ptr<Store> store_;
  std::vector<Sign> seen_;                      // by rank; rank 0's
  std::atomic<Clock::duration::rep> answered_;  // when the board did last
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::optional<std::string> broken_;
  std::thread talker_;
  std::thread timer_;
};

}  // namespace mcunet::supernet

#endif
