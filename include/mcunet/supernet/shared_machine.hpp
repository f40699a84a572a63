#pragma once

#include <chrono>
#include <memory>

// Threads of OpenMP wait for each other by looking again and again, which is fastest where each has a core of its own.
// Where other processes want the cores too, the one that is waited for does not run meanwhile: beside as many busy
// processes as cores, a training falls to a third of its speed.
namespace mcunet::supernet {

// How much of a machine's time went where, between two moments.
struct CoreShares {
  double delayed = 0;  // of the time of `threads` threads: ready to run, without a core
  double others =
      0;  // of the time of the cores that this process may use: spent on other processes
};

// Of so much time from now on.
CoreShares measure_cores(int threads, std::chrono::milliseconds time);

// Whether spinning costs more than it gains. Own threads beyond the number of cores do not count, nor do processes that
// leave enough cores free.
bool is_contended(const CoreShares& shares);

// While it lives, watches four times a second, and as long as the machine is contended has GNU OpenMP's threads sleep
// after a hundred looks instead of three hundred thousand. Results stay the same to the bit. Does nothing where
// there is one thread, another OpenMP, or OMP_WAIT_POLICY or GOMP_SPINCOUNT in the environment, which decide then.
class SharedMachineWatch {
 public:
  explicit SharedMachineWatch(int threads);
  ~SharedMachineWatch();
  SharedMachineWatch(SharedMachineWatch&&) noexcept;
  SharedMachineWatch& operator=(SharedMachineWatch&&) noexcept;

 private:
  class Watch;
  std::unique_ptr<Watch> watch_;
};

}  // namespace mcunet::supernet
