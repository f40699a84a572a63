#include "mcunet/supernet/side_by_side.hpp"

#include <ATen/Parallel.h>
#include <omp.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <atomic>

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

}  // namespace

void side_by_side(std::size_t tasks, const std::function<void(std::size_t)>& task) {
  const int threads = at::get_num_threads();
  const int lanes = static_cast<int>(std::min(tasks, static_cast<std::size_t>(threads)));
  if (lanes <= 1) {
    for (std::size_t i = 0; i < tasks; ++i) task(i);
    return;
  }
  std::atomic<std::size_t> next = 0;
  const auto work = [&](int) {
    const OwnThreads own(threads / lanes);
    for (std::size_t i = next++; i < tasks; i = next++) task(i);
  };
  tbb::task_arena arena(lanes);
  arena.execute([&] { tbb::parallel_for(0, lanes, work, tbb::simple_partitioner()); });
}

}  // namespace mcunet::supernet
