#include "mcunet/supernet/side_by_side.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <thread>

#include "core/error_text.hpp"
#include "mcunet/core/error.hpp"

namespace mcunet::supernet {
namespace {

// Sets the threads of libtorch, and gives them back.
class Threads {
 public:
  explicit Threads(int threads) : before_(at::get_num_threads()) { at::set_num_threads(threads); }
  ~Threads() { at::set_num_threads(before_); }

 private:
  int before_;
};

TEST(SideBySide, CallsEachTaskOnceWithItsShareOfTheThreads) {
  struct Case {
    int threads;
    std::size_t tasks;
    int own;
  };
  for (const Case& test : {Case{1, 4, 1}, {2, 4, 1}, {8, 4, 2}, {7, 3, 2}, {6, 1, 6}, {3, 0, 0}}) {
    const Threads threads(test.threads);
    std::mutex mutex;
    std::vector<int> own(test.tasks, 0);
    std::vector<int> calls(test.tasks, 0);
    side_by_side(test.tasks, [&](std::size_t task) {
      // The first use of libtorch in a thread must not bring all threads back.
      at::ones({1 << 20}).add_(1).sum();
      at::parallel_for(0, 1 << 20, 1, [](std::int64_t, std::int64_t) {});
      const std::lock_guard lock(mutex);
      own[task] = omp_get_max_threads();
      ++calls[task];
    });
    EXPECT_THAT(own, testing::Each(test.own)) << test.threads << " threads";
    EXPECT_THAT(calls, testing::Each(1)) << test.threads << " threads";
    EXPECT_EQ(omp_get_max_threads(), test.threads);
    EXPECT_EQ(at::get_num_threads(), test.threads);
  }
}

TEST(SideBySide, TasksRunAtTheSameTime) {
  const Threads threads(2);
  std::atomic<int> arrived = 0;
  side_by_side(2, [&](std::size_t) {
    ++arrived;
    while (arrived < 2) std::this_thread::yield();  // for ever, one after the other
  });
  EXPECT_EQ(arrived, 2);
}

TEST(SideBySide, ThrowsWhatATaskThrew) {
  const Threads threads(2);
  EXPECT_EQ(error_of([] {
              side_by_side(4, [](std::size_t task) {
                if (task == 2) throw Error("task {} failed", task);
              });
            }),
            "task 2 failed");
  EXPECT_EQ(omp_get_max_threads(), 2);
}

}  // namespace
}  // namespace mcunet::supernet
