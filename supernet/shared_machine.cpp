#include "mcunet/supernet/shared_machine.hpp"

#include <omp.h>
#include <sched.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <sstream>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

namespace mcunet::supernet {
namespace {

namespace fs = std::filesystem;
using Seconds = std::chrono::duration<double>;

constexpr auto kInterval = std::chrono::milliseconds(250);
constexpr int kQuietIntervals = 8;  // after which the machine counts as free again

// Since some moment, in seconds.
struct Times {
  std::chrono::steady_clock::time_point at;
  double delayed = 0;  // of all threads
  double own = 0;      // CPU time of the process
  double busy = 0;     // of the cores that it may use
};

// Of all threads that live, by their second number in /proc/self/task/*/schedstat.
double delayed_seconds() {
  double nanoseconds = 0;
  std::error_code error;
  for (fs::directory_iterator task("/proc/self/task", error), end; !error && task != end;
       task.increment(error)) {
    std::ifstream file(task->path() / "schedstat");
    double ran = 0;
    double waited = 0;
    if (file >> ran >> waited) nanoseconds += waited;
  }
  return nanoseconds * 1e-9;
}

// From the lines cpuN of /proc/stat: all but idle time and that of waiting for disks.
double busy_seconds(const cpu_set_t& cores) {
  std::ifstream file("/proc/stat");
  double ticks = 0;
  for (std::string line; std::getline(file, line) && line.starts_with("cpu");) {
    std::istringstream words(line.substr(3));
    int core = 0;
    double user = 0, nice = 0, system = 0, idle = 0, disk = 0, interrupt = 0, soft = 0, stolen = 0;
    if (line[3] == ' ' ||
        !(words >> core >> user >> nice >> system >> idle >> disk >> interrupt >> soft >> stolen)) {
      continue;
    }
    if (CPU_ISSET(core, &cores)) ticks += user + nice + system + interrupt + soft + stolen;
  }
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

// Waits for the request that its thread ends.
class Stopping {
 public:
  explicit Stopping(std::stop_token stop) : stop_(std::move(stop)) {}

  void wait() {
    asked_.wait(lock_, stop_, [] { return false; });
  }
  // Whether it came within that time.
  bool within(std::chrono::milliseconds time) {
    asked_.wait_for(lock_, stop_, time, [] { return false; });
    return stop_.stop_requested();
  }

 private:
  std::stop_token stop_;
  std::mutex mutex_;
  std::unique_lock<std::mutex> lock_{mutex_};
  std::condition_variable_any asked_;
};

Times times(const cpu_set_t& cores) {
  timespec own{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
  return {.at = std::chrono::steady_clock::now(),
          .delayed = delayed_seconds(),
          .own = static_cast<double>(own.tv_sec) + 1e-9 * static_cast<double>(own.tv_nsec),
          .busy = busy_seconds(cores)};
}

CoreShares shares_between(const Times& before, const Times& now, int threads, int cores) {
  const double seconds = Seconds(now.at - before.at).count();
  return {.delayed = (now.delayed - before.delayed) / (seconds * threads),
          .others = ((now.busy - before.busy) - (now.own - before.own)) / (seconds * cores)};
}

// Where GNU OpenMP has more threads than cores, they look a hundred times before they sleep, instead of three hundred
// thousand (libgomp's manual, GOMP_SPINCOUNT). A second team, which does nothing, makes them more.
class SecondTeam {
 public:
  explicit SecondTeam(int cores)
      : thread_([this, cores](const std::stop_token& stop) { stay(cores, stop); }) {}

 private:
  void stay(int cores, const std::stop_token& stop) {
#pragma omp parallel num_threads(cores + 1)
    ++members_;
    // They remain with this thread, asleep, until it ends.
    Stopping(stop).wait();
  }

  std::atomic<int> members_ = 0;
  std::jthread thread_;
};

// Of this process; none if the system does not tell.
std::optional<cpu_set_t> own_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (::sched_getaffinity(0, sizeof cores, &cores) != 0) return std::nullopt;
  return cores;
}

}  // namespace

CoreShares measure_cores(int threads, std::chrono::milliseconds time) {
  const std::optional<cpu_set_t> cores = own_cores();
  if (!cores) return {};
  const Times before = times(*cores);
  std::this_thread::sleep_for(time);
  return shares_between(before, times(*cores), threads, CPU_COUNT(&*cores));
}

bool is_contended(const CoreShares& shares) { return shares.delayed > 0.05 && shares.others > 0.1; }

class SharedMachineWatch::Watch {
 public:
  Watch(int threads, const cpu_set_t& cores)
      : thread_([=](const std::stop_token& stop) { run(threads, cores, stop); }) {}

 private:
  static void run(int threads, const cpu_set_t& cores, const std::stop_token& stop) {
    Stopping stopping(stop);
    const int count = CPU_COUNT(&cores);
    std::optional<SecondTeam> team;
    bool is_told = false;
    int quiet = 0;
    Times before = times(cores);
    while (!stopping.within(kInterval)) {
      const Times now = times(cores);
      const bool contended = is_contended(shares_between(before, now, threads, count));
      before = now;
      quiet = contended ? 0 : quiet + 1;
      if (quiet >= kQuietIntervals) team.reset();
      if (!contended || team) continue;
      team.emplace(count);
      if (!std::exchange(is_told, true)) {
        spdlog::info("Other processes use the cores: threads sleep while they wait for each other");
      }
    }
  }

  std::jthread thread_;
};

SharedMachineWatch::SharedMachineWatch(int threads) {
  const std::optional<cpu_set_t> cores = own_cores();
  const auto is_stated = [](const char* variable) { return std::getenv(variable) != nullptr; };
  if (threads < 2 || is_stated("OMP_WAIT_POLICY") || is_stated("GOMP_SPINCOUNT") || !cores) return;
  watch_ = std::make_unique<Watch>(threads, *cores);
}
SharedMachineWatch::~SharedMachineWatch() = default;
SharedMachineWatch::SharedMachineWatch(SharedMachineWatch&&) noexcept = default;
SharedMachineWatch& SharedMachineWatch::operator=(SharedMachineWatch&&) noexcept = default;

}  // namespace mcunet::supernet
