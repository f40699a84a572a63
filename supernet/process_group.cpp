#include "mcunet/supernet/process_group.hpp"

#include <ATen/Functions.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <mutex>
#include <set>
#include <thread>

#include "mcunet/core/error.hpp"
#include "mcunet/core/standard_streams.hpp"
#include "mcunet/core/stopwatch.hpp"
#include "nccl_sums.hpp"

#if __has_include(<gloo/algorithm.h>)
#define MCUNET_HAS_GLOO
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#endif

namespace mcunet::supernet {

GroupOptions group_options() {
  constexpr char kVariable[] = "MCUNET_RANK_TIMEOUT";
  GroupOptions options;
  const std::optional<std::string> text = environment_variable(kVariable);
  if (!text) return options;
  const char* const end = text->data() + text->size();
  const auto result = std::from_chars(text->data(), end, options.silence_seconds);
  if (result.ec != std::errc{} || result.ptr != end || !(options.silence_seconds >= 1)) {
    throw Error("{}: must be a number of seconds, 1 or more, is {}", kVariable, *text);
  }
  return options;
}

ProcessGroup::ProcessGroup() = default;

#ifdef MCUNET_HAS_GLOO

namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;
using Store = c10d::TCPStore;

Milliseconds milliseconds(double seconds) {
  return Milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

std::vector<std::uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

std::optional<std::string> read_key(Store& store, const std::string& key) {
  if (!store.check({key})) return std::nullopt;
  const std::vector<std::uint8_t> bytes = store.get(key);
  return std::string(bytes.begin(), bytes.end());
}

std::string host_name() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

// Of this one, in containers as well, where many have the same name.
std::string machine() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  return std::getline(file, id) ? id : host_name();
}

std::string numeric(const sockaddr* address, socklen_t size) {
  char text[NI_MAXHOST] = "";
  ::getnameinfo(address, size, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  return text;
}

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1";
}

// Of the first network that leads anywhere; empty if there is none.
std::string address_on_a_network() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return "";
  std::string found;
  for (const ifaddrs* item = list; item != nullptr && found.empty(); item = item->ifa_next) {
    const bool is_up = (item->ifa_flags & IFF_UP) != 0 && (item->ifa_flags & IFF_LOOPBACK) == 0;
    if (is_up && item->ifa_addr != nullptr && item->ifa_addr->sa_family == AF_INET) {
      found = numeric(item->ifa_addr, sizeof(sockaddr_in));
    }
  }
  ::freeifaddrs(list);
  return found;
}

// The one by which this machine talks to rank 0's: the others reach this one by it. A host name would
// often stand for the loopback.
std::string own_address(const RankPlace& place) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(place.port);
  if (const int error = ::getaddrinfo(place.address.c_str(), port.c_str(), &hints, &found)) {
    throw Error("rank 0's address {}: {}", place.address, ::gai_strerror(error));
  }
  std::string address;
  for (const addrinfo* item = found; item != nullptr && address.empty(); item = item->ai_next) {
    const int socket = ::socket(item->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    auto* const any = reinterpret_cast<sockaddr*>(&own);
    if (socket >= 0 && ::connect(socket, item->ai_addr, item->ai_addrlen) == 0 &&
        ::getsockname(socket, any, &size) == 0) {
      address = numeric(any, size);
    }
    if (socket >= 0) ::close(socket);
  }
  ::freeaddrinfo(found);
  // Rank 0 on a machine whose own name is the loopback, with others elsewhere.
  if (is_loopback(address) && place.local_ranks < place.ranks) {
    const std::string other = address_on_a_network();
    if (!other.empty()) address = other;
  }
  if (address.empty()) throw Error("rank 0's address {}: no network leads there", place.address);
  return address;
}

c10::intrusive_ptr<Store> open_store(const RankPlace& place, double seconds, bool serves) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<std::uint16_t>(place.port);
  options.isServer = serves;
  options.waitWorkers = false;
  options.timeout = milliseconds(std::ceil(seconds));  // c10d counts whole ones
  try {
    return c10::make_intrusive<Store>(place.address, options);
  } catch (const std::exception& error) {
    if (serves) {
      throw Error("rank 0 cannot listen at port {}: {}", place.port,
                  std::string(error.what()).substr(0, std::string(error.what()).find('\n')));
    }
    throw Error("rank {} of {}: rank 0 cannot be reached at {}:{}", place.rank, place.ranks,
                place.address, place.port);
  }
}

const std::string kVerdict = "verdict";
std::string sign_of(int rank) { return "alive/" + std::to_string(rank); }
std::string host_of(int rank) { return "host/" + std::to_string(rank); }
std::string leaving_of(int rank) { return "left/" + std::to_string(rank); }

// Shows that this rank is alive and notices when another one is not. One thread talks to rank 0's
// board, by a connection of its own; as that may hang for ever in a network that has split, another one
// looks at the clock alone.
class Watch {
 public:
  Watch(const RankPlace& place, const GroupOptions& options)
      : place_(place),
        options_(options),
        period_(std::clamp(options.silence_seconds / 10, 0.05, 0.5)),
        store_(open_store(place, options.join_seconds, /*serves=*/false)),
        seen_(static_cast<std::size_t>(place.ranks)) {
    answered_ = Clock::now().time_since_epoch().count();
    talker_ = std::thread([this] { talk(); });
    timer_ = std::thread([this] { keep_time(); });
  }

  ~Watch() {
    stop();
    talker_.join();
    timer_.join();
  }

  void stop() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }

  // Why the group is broken, if it breaks within some seconds.
  std::optional<std::string> wait_for_break(double seconds) {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, milliseconds(seconds), [this] { return broken_.has_value(); });
    return broken_;
  }

  double period() const { return period_; }

 private:
  struct Sign {
    std::int64_t count = 0;
    Clock::time_point at;
  };

  static double seconds_since(Clock::time_point time) {
    return std::chrono::duration<double>(Clock::now() - time).count();
  }

  // False once the watch is to stop.
  bool sleep(double seconds) {
    std::unique_lock lock(mutex_);
    return !wake_.wait_for(lock, milliseconds(seconds), [this] { return stopping_; });
  }

  void talk() {
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

  void keep_time() {
    while (sleep(period_)) {
      const Clock::time_point answered{Clock::duration{answered_.load()}};
      if (seconds_since(answered) < options_.silence_seconds) continue;
      return end(fmt::format("rank {} of {}: rank 0 at {}:{} has not answered for {} s",
                             place_.rank, place_.ranks, place_.address, place_.port,
                             options_.silence_seconds));
    }
  }

  // By rank 0: those that gave signs of life and neither give them nor have left.
  void look_for_the_dead() {
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

  void hear_verdict(const std::string& verdict) {
    if (place_.rank > 0) return end(verdict, /*is_told=*/true);
    say_of_end(verdict);
    sleep(3 * period_);  // for the others to hear it
    end(verdict, /*is_told=*/true);
  }

  void say_of_end(const std::string& reason) const {
    if (options_.on_break) return;
    say("mcunet: {}; all ranks end, and --resume goes on from the last checkpoint\n", reason);
  }

  void end(const std::string& reason, bool is_told = false) {
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

}  // namespace

struct ProcessGroup::Connection {
  Connection(const RankPlace& place, const GroupOptions& group_options)
      : options(group_options),
        store(open_store(place, options.join_seconds, place.rank == 0)),
        watch(std::make_unique<Watch>(place, options)) {}

  // Until all others have left; whether they have, within some seconds.
  bool have_left(const RankPlace& place, double seconds) {
    const Stopwatch stopwatch;
    for (int rank = 1; rank < place.ranks; ++rank) {
      while (!store->check({leaving_of(rank)})) {
        if (stopwatch.seconds() > seconds) return false;
        std::this_thread::sleep_for(Milliseconds(5));
      }
    }
    return true;
  }

  void wait_for_all(const RankPlace& place) {
    store->set(host_of(place.rank), bytes_of(host_name()));
    const Stopwatch stopwatch;
    for (int rank = 0; rank < place.ranks; ++rank) {
      while (!store->check({host_of(rank)})) {
        if (stopwatch.seconds() > options.join_seconds) throw Error("{}", missing(place));
        std::this_thread::sleep_for(Milliseconds(10));
      }
    }
  }

  std::string missing(const RankPlace& place) {
    std::string names;
    for (int rank = 0; rank < place.ranks; ++rank) {
      if (!store->check({host_of(rank)})) names += fmt::format(" {}", rank);
    }
    return fmt::format("rank {} of {} has waited {} s at {}:{}; not there are the ranks{}",
                       place.rank, place.ranks, options.join_seconds, place.address, place.port,
                       names);
  }

  void connect(const RankPlace& place, const std::string& address) {
    using Gloo = c10d::ProcessGroupGloo;
    const auto gloo_options = Gloo::Options::create(milliseconds(options.collective_seconds));
    const std::optional<std::string> interface = environment_variable("GLOO_SOCKET_IFNAME");
    gloo_options->devices.push_back(interface ? Gloo::createDeviceForInterface(*interface)
                                              : Gloo::createDeviceForHostname(address));
    gloo = c10::make_intrusive<Gloo>(c10::make_intrusive<c10d::PrefixStore>("gloo", store),
                                     place.rank, place.ranks, gloo_options);
  }

  GroupOptions options;
  c10::intrusive_ptr<Store> store;
  std::unique_ptr<Watch> watch;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo;
  std::unique_ptr<NcclSums> nccl;  // for tensors on GPUs, if each rank has one
};

// What goes wrong in a group is mostly that another rank is gone: the watch will know which.
template <typename Operation>
auto ProcessGroup::guarded(const Operation& operation) {
  try {
    return operation();
  } catch (const std::exception& error) {
    const double patience = connection_->options.silence_seconds + 5;
    const std::optional<std::string> reason = connection_->watch->wait_for_break(patience);
    if (reason) throw Error("{}", *reason);
    const std::string text = error.what();
    throw Error("rank {} of {}: the ranks cannot talk to each other: {}", rank(), ranks(),
                text.substr(0, text.find('\n')));
  }
}

ProcessGroup::ProcessGroup(const RankPlace& place, const GroupOptions& options) : place_(place) {
  if (place.ranks == 1) return;
  const std::string address = own_address(place);
  connection_ = std::make_unique<Connection>(place, options);
  try {
    connection_->wait_for_all(place);
  } catch (const Error& error) {
    fail(error.what());
    throw;
  }
  guarded([&] { connection_->connect(place, address); });
}

void ProcessGroup::use_device(const at::Device& device) {
  if (!connection_ || connection_->nccl) return;
  const std::string problem = device.is_cuda() ? NcclSums::problem() : "";
  std::set<std::string> gpus;
  for (const std::string& gpu :
       gather(device.is_cuda() && problem.empty() ? machine() + " " + NcclSums::place_of(device)
                                                  : "")) {
    gpus.insert(gpu);
  }
  if (!device.is_cuda()) return;
  if (!problem.empty()) {
    transport_ = "Gloo, as " + problem;
  } else if (gpus.contains("")) {
    transport_ = "Gloo, as not all ranks have a GPU and NCCL";
  } else if (static_cast<int>(gpus.size()) < ranks()) {
    transport_ = "Gloo, as ranks share a GPU";
  } else {
    guarded([&] {
      connection_->nccl = std::make_unique<NcclSums>(connection_->store, rank(), ranks(),
                                                     connection_->options.collective_seconds);
    });
    transport_ = "NCCL";
  }
}

void ProcessGroup::sum(const at::Tensor& tensor) { start_sum(tensor)(); }

std::function<void()> ProcessGroup::start_sum(const at::Tensor& tensor) {
  if (!connection_) return [] {};
  if (tensor.is_cuda() && connection_->nccl) {
    auto wait = guarded([&] { return connection_->nccl->start(tensor); });
    return [this, wait = std::move(wait)] { guarded(wait); };
  }
  std::vector<at::Tensor> tensors = {tensor};
  auto work = guarded([&] { return connection_->gloo->allreduce(tensors); });
  return [this, work = std::move(work)] {
    const Stopwatch stopwatch;
    guarded([&] { work->wait(); });
    wait_seconds_ += stopwatch.seconds();
  };
}

namespace {

at::Tensor tensor_of(std::string& bytes) {
  return at::from_blob(bytes.data(), {static_cast<std::int64_t>(bytes.size())}, at::kByte);
}

}  // namespace

std::string ProcessGroup::broadcast(std::string bytes) {
  if (!connection_) return bytes;
  const Stopwatch stopwatch;
  guarded([&] {
    at::Tensor size = at::full({1}, static_cast<std::int64_t>(bytes.size()), at::kLong);
    std::vector<at::Tensor> tensors = {size};
    connection_->gloo->broadcast(tensors)->wait();
    bytes.resize(static_cast<std::size_t>(size.item<std::int64_t>()));
    if (bytes.empty()) return;
    tensors = {tensor_of(bytes)};
    connection_->gloo->broadcast(tensors)->wait();
  });
  wait_seconds_ += stopwatch.seconds();
  return bytes;
}

std::vector<std::string> ProcessGroup::gather(const std::string& bytes) {
  if (!connection_) return {bytes};
  at::Tensor sizes = at::zeros({ranks()}, at::kLong);
  sizes[rank()] = static_cast<std::int64_t>(bytes.size());
  sum(sizes);
  const std::int64_t largest = sizes.max().item<std::int64_t>();
  std::vector<std::string> all(static_cast<std::size_t>(ranks()));
  if (largest == 0) return all;
  // All of one length, as c10d asks for.
  std::vector<at::Tensor> inputs = {at::zeros({largest}, at::kByte)};
  std::copy(bytes.begin(), bytes.end(), inputs[0].data_ptr<std::uint8_t>());
  std::vector<std::vector<at::Tensor>> outputs(1);
  for (int i = 0; i < ranks(); ++i) outputs[0].push_back(at::empty({largest}, at::kByte));
  const Stopwatch stopwatch;
  guarded([&] { connection_->gloo->allgather(outputs, inputs)->wait(); });
  wait_seconds_ += stopwatch.seconds();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto* first = outputs[0][i].data_ptr<std::uint8_t>();
    all[i].assign(first, first + sizes[static_cast<std::int64_t>(i)].item<std::int64_t>());
  }
  return all;
}

void ProcessGroup::tell(const std::string& text) { post(fmt::format("told/{}", told_++), text); }

std::string ProcessGroup::hear() {
  const std::string key = fmt::format("told/{}", told_++);
  for (Milliseconds pause{1};; pause = std::min(pause * 2, Milliseconds{200})) {
    if (const std::optional<std::string> text = read(key)) return *text;
    std::this_thread::sleep_for(pause);
  }
}

void ProcessGroup::post(const std::string& key, const std::string& value) {
  if (connection_) guarded([&] { connection_->store->set("board/" + key, bytes_of(value)); });
}

std::optional<std::string> ProcessGroup::read(const std::string& key) {
  if (!connection_) return std::nullopt;
  return guarded([&] { return read_key(*connection_->store, "board/" + key); });
}

void ProcessGroup::erase(const std::string& key) {
  if (connection_) guarded([&] { connection_->store->deleteKey("board/" + key); });
}

std::int64_t ProcessGroup::count_up(const std::string& key) {
  return guarded([&] { return connection_->store->add("board/" + key, 1) - 1; });
}

void ProcessGroup::leave() {
  if (!connection_) return;
  // While the watch still ends what hangs.
  if (connection_->nccl) guarded([&] { connection_->nccl->shut_down(); });
  guarded([&] { connection_->store->set(leaving_of(rank()), {1}); });
  if (leads()) {
    const double for_ever = std::numeric_limits<double>::infinity();  // the watch ends it otherwise
    guarded([&] { connection_->have_left(place_, for_ever); });
  }
  connection_->watch->stop();
  connection_.reset();
}

bool ProcessGroup::fail(const std::string& reason) {
  if (!connection_) return false;
  // What befalls all ranks, rank 0 is about to tell.
  const double patience = leads() ? 0 : 3 * connection_->watch->period();
  if (connection_->watch->wait_for_break(patience)) return !leads();
  connection_->watch->stop();
  try {
    connection_->store->set(
        kVerdict,
        bytes_of(leads() ? reason : fmt::format("rank {} of {}: {}", rank(), ranks(), reason)));
    // Those that cannot hear it find nobody to answer them.
    if (leads()) connection_->have_left(place_, 3 * connection_->watch->period());
  } catch (const std::exception&) {
    return false;
  }
  // Never destroyed: that would wait for ranks that are gone.
  static_cast<void>(connection_->nccl.release());
  return !leads();
}

#else

struct ProcessGroup::Connection {};

template <typename Operation>
auto ProcessGroup::guarded(const Operation& operation) {
  return operation();
}

ProcessGroup::ProcessGroup(const RankPlace& place, const GroupOptions&) : place_(place) {
  if (place.ranks > 1) {
    throw Error(
        "a job of {} ranks needs Gloo, which this build has not: install libgloo-dev, or the libtorch "
        "of PyPI's torch, and build again",
        place.ranks);
  }
}

void ProcessGroup::use_device(const at::Device&) {}
void ProcessGroup::sum(const at::Tensor&) {}
std::function<void()> ProcessGroup::start_sum(const at::Tensor&) {
  return [] {};
}
std::string ProcessGroup::broadcast(std::string bytes) { return bytes; }
std::vector<std::string> ProcessGroup::gather(const std::string& bytes) { return {bytes}; }
void ProcessGroup::tell(const std::string&) {}
std::string ProcessGroup::hear() { return ""; }
void ProcessGroup::post(const std::string&, const std::string&) {}
std::optional<std::string> ProcessGroup::read(const std::string&) { return std::nullopt; }
void ProcessGroup::erase(const std::string&) {}
std::int64_t ProcessGroup::count_up(const std::string&) { return 0; }
void ProcessGroup::leave() {}
bool ProcessGroup::fail(const std::string&) { return false; }

#endif

ProcessGroup::~ProcessGroup() = default;

}  // namespace mcunet::supernet
