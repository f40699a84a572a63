#include "mcunet/supernet/process_group.hpp"

#include <ATen/Functions.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <limits>
#include <set>
#include <thread>

#include "mcunet/core/error.hpp"
#include "mcunet/core/standard_streams.hpp"
#include "mcunet/core/stopwatch.hpp"
#include "nccl_sums.hpp"
#include "rank_store.hpp"
#include "rank_watch.hpp"

#ifdef MCUNET_HAS_GLOO
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
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

struct ProcessGroup::Connection {
  Connection(const RankPlace& place, const GroupOptions& group_options)
      : options(group_options),
        store(open_store(place, options.join_seconds, place.rank == 0)),
        watch(std::make_unique<RankWatch>(place, options)) {}

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
  std::unique_ptr<RankWatch> watch;
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
       gather(device.is_cuda() && problem.empty() ? machine_id() + " " + NcclSums::place_of(device)
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
