#include "mcunet/supernet/side_by_side.hpp"

#include <ATen/Parallel.h>
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "torch_compat.hpp"

namespace mcunet::supernet {
namespace {

// While it lives, this thread has so many for what libtorch and OpenMP do in it.
class OwnThreads {
 public:
  explicit OwnThreads(int threads) {
    // On its first use in a thread libtorch sets the number that it has itself: inside the library, which the
    // second call is, and in what of it is compiled here.
    at::internal::lazy_init_num_threads();
    before_ = at::get_num_threads();
    omp_set_num_threads(threads);
    mkl_before_ = set_mkl_threads(threads);
  }
  ~OwnThreads() {
    omp_set_num_threads(before_);
    set_mkl_threads(mkl_before_);
  }
  OwnThreads(const OwnThreads&) = delete;
  OwnThreads& operator=(const OwnThreads&) = delete;

 private:
  int before_ = 1;
  int mkl_before_ = 0;
};

// A thread that sleeps until it is given work. A library's pool, whose threads look for work before they sleep,
// lets them come 100 ms late where other processes keep the cores busy (oneTBB 2021.8 beside two busy loops).
class Helper {
 public:
  ~Helper() {
    {
      const std::lock_guard lock(mutex_);
      is_over_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  void start(std::function<void()> work) {
    {
      const std::lock_guard lock(mutex_);
      work_ = std::move(work);
    }
    changed_.notify_all();
  }

  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !work_; });
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return work_ || is_over_; });
      if (is_over_) return;
      lock.unlock();
      work_();
      lock.lock();
      work_ = nullptr;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> work_;
  bool is_over_ = false;
  std::thread thread_{[this] { run(); }};
};

// Tasks of which each lane takes the next that nobody took; none is left once one has failed.
class OpenTasks {
 public:
  OpenTasks(std::size_t tasks, const std::function<void(std::size_t)>& task)
      : tasks_(tasks), task_(task) {}

  void work() {
    try {
      for (std::size_t i = next_++; i < tasks_; i = next_++) task_(i);
    } catch (...) {
      next_ = tasks_;
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
    }
  }

  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::size_t tasks_;
  const std::function<void(std::size_t)>& task_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;
  std::exception_ptr error_;
};

}  // namespace

void side_by_side(std::size_t tasks, const std::function<void(std::size_t)>& task) {
  const int threads = at::get_num_threads();
  const auto lanes = std::min(tasks, static_cast<std::size_t>(threads));
  if (lanes <= 1) {
    for (std::size_t i = 0; i < tasks; ++i) task(i);
    return;
  }
  // Kept from call to call, with what libtorch's operators keep for a thread.
  static thread_local std::vector<std::unique_ptr<Helper>> helpers;
  while (helpers.size() < lanes - 1) helpers.push_back(std::make_unique<Helper>());
  OpenTasks open(tasks, task);
  const auto work = [&] {
    const OwnThreads own(threads / static_cast<int>(lanes));
    open.work();
  };
  for (std::size_t i = 0; i + 1 < lanes; ++i) helpers[i]->start(work);
  work();
  for (std::size_t i = 0; i + 1 < lanes; ++i) helpers[i]->wait();
  open.rethrow();
}

}  // namespace mcunet::supernet
