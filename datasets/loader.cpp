#include "mcunet/datasets/loader.hpp"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <numeric>
#include <set>
#include <thread>
#include <utility>

#include "mcunet/core/error.hpp"
#include "mcunet/core/stopwatch.hpp"

// Workers take examples in order, one at a time, and write each into its place in its batch: the
// next batch is complete as early as it can be, and a slow file holds up one thread only. A ring of
// `prefetch_batches` slots bounds what lies ready.
namespace mcunet::datasets {
namespace {

// How many files are tried for one example before the dataset counts as unreadable.
constexpr std::int64_t kMaxTries = 1000;

struct Failure {
  std::int64_t position = 0;  // in the batch
  std::int64_t index = 0;     // in the dataset
};

struct Slot {
  Batch batch;
  std::int64_t left = 0;  // examples not decoded yet
  std::vector<Failure> failures;
  std::exception_ptr error;
};

// A piece of work: one example of one batch.
struct Ticket {
  std::int64_t batch = 0;
  std::int64_t position = 0;
};

}  // namespace

void Batch::make_room(std::int64_t examples, std::int64_t elements, bool of_pixels) {
  const auto count = static_cast<std::size_t>(examples);
  const auto values = static_cast<std::size_t>(examples * elements);
  inputs.resize(of_pixels ? 0 : values);
  pixels.resize(of_pixels ? values : 0);
  jitters.resize(of_pixels ? count : 0);
  targets.resize(count);
  indices.resize(count);
}

struct Loader::State {
  const Dataset& dataset;
  LoaderOptions options;
  std::int64_t all_batches = 0;  // of an epoch
  std::int64_t batches = 0;      // of them this rank's; they are numbered on their own
  std::int64_t elements = 0;     // of an example
  bool has_pixels = false;

  std::mutex mutex;
  std::condition_variable work_there;
  std::condition_variable work_done;
  bool stopping = false;
  int busy = 0;  // workers with a ticket in hand
  std::int64_t epoch = 0;
  std::vector<std::int64_t> order;  // of the dataset in this epoch
  std::int64_t delivered = 0;       // batches that next() has returned, those skipped included
  Ticket upcoming;
  std::vector<Slot> slots;  // of batch b: b modulo their number
  std::vector<Batch> spare;
  std::vector<std::thread> threads;

  // Touched by the consumer alone.
  double wait_seconds = 0;
  std::int64_t seen = 0;
  std::set<std::int64_t> unreadable_indices;
  std::vector<std::string> unreadable;

  State(const Dataset& dataset_in, const LoaderOptions& options_in)
      : dataset(dataset_in), options(options_in) {}

  Slot& slot_of(std::int64_t batch) {
    return slots[static_cast<std::size_t>(batch) % slots.size()];
  }

  // This rank's among the first `count` batches of a step.
  std::int64_t own_of_step(std::int64_t count) const {
    return std::max<std::int64_t>(0, count - options.rank + options.ranks - 1) / options.ranks;
  }
  // This rank's among the first `count` batches of an epoch.
  std::int64_t own_of(std::int64_t count) const {
    return count / options.step_batches * own_of_step(options.step_batches) +
           own_of_step(count % options.step_batches);
  }
  // The place of this rank's batch in the order of the epoch.
  std::int64_t first_example_of(std::int64_t batch) const {
    const std::int64_t own = own_of_step(options.step_batches);
    const std::int64_t among_all =
        batch / own * options.step_batches + options.rank + batch % own * options.ranks;
    return among_all * options.batch_size;
  }

  std::int64_t examples_of(std::int64_t batch) const {
    return std::min<std::int64_t>(options.batch_size, dataset.size() - first_example_of(batch));
  }

  bool has_work() const {
    return upcoming.batch < batches &&
           upcoming.batch < delivered + static_cast<std::int64_t>(slots.size());
  }

  // Under the mutex.
  Ticket take_ticket() {
    const Ticket ticket = upcoming;
    Slot& slot = slot_of(ticket.batch);
    const std::int64_t examples = examples_of(ticket.batch);
    if (ticket.position == 0) {
      slot.failures.clear();
      slot.error = nullptr;
      slot.left = examples;
      if (!spare.empty()) {
        slot.batch = std::move(spare.back());
        spare.pop_back();
      }
      slot.batch.make_room(examples, elements, has_pixels);
    }
    if (++upcoming.position == examples) upcoming = {ticket.batch + 1, 0};
    return ticket;
  }

  // An example into its place.
  std::optional<Target> load(Batch& batch, std::int64_t position, std::int64_t index,
                             RandomStream& random) const {
    const auto place = [&](auto& values) {
      return std::span(values.data() + position * elements, static_cast<std::size_t>(elements));
    };
    if (!has_pixels) return dataset.load(index, random, place(batch.inputs));
    std::optional<Picture> picture = dataset.load_pixels(index, random, place(batch.pixels));
    if (!picture) return std::nullopt;
    batch.jitters[static_cast<std::size_t>(position)] = picture->jitter;
    return std::move(picture->target);
  }

  // Decodes an example, or the next one that can be, into its place.
  void decode(const Ticket& ticket, std::vector<Failure>& failures) {
    Slot& slot = slot_of(ticket.batch);
    const std::int64_t place = first_example_of(ticket.batch) + ticket.position;
    const std::int64_t first = order[static_cast<std::size_t>(place)];
    for (std::int64_t tries = 0; tries < std::min(kMaxTries, dataset.size()); ++tries) {
      const std::int64_t index = (first + tries) % dataset.size();
      RandomStream random(options.seed,
                          {static_cast<std::uint64_t>(epoch), static_cast<std::uint64_t>(index)});
      if (std::optional<Target> target = load(slot.batch, ticket.position, index, random)) {
        slot.batch.targets[static_cast<std::size_t>(ticket.position)] = std::move(*target);
        slot.batch.indices[static_cast<std::size_t>(ticket.position)] = index;
        return;
      }
      failures.push_back({ticket.position, index});
    }
    throw Error("{}: neither this file nor the {} after it can be read", dataset.name(first),
                failures.size() - 1);
  }

  // Takes the lock to hand over what became of a ticket.
  void work_on(const Ticket& ticket, std::unique_lock<std::mutex>& lock) {
    std::vector<Failure> failures;
    std::exception_ptr error;
    lock.unlock();
    try {
      decode(ticket, failures);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    Slot& slot = slot_of(ticket.batch);
    slot.failures.insert(slot.failures.end(), failures.begin(), failures.end());
    if (error) slot.error = error;
    if (--slot.left == 0) work_done.notify_all();
  }

  void run_worker() {
    std::unique_lock lock(mutex);
    while (true) {
      work_there.wait(lock, [this] { return stopping || has_work(); });
      if (stopping) return;
      ++busy;
      work_on(take_ticket(), lock);
      if (--busy == 0) work_done.notify_all();
    }
  }

  void count_unreadable(Slot& slot) {
    seen += slot.batch.examples();
    std::sort(slot.failures.begin(), slot.failures.end(), [](const Failure& a, const Failure& b) {
      return std::pair(a.position, a.index) < std::pair(b.position, b.index);
    });
    for (const Failure& failure : slot.failures) {
      if (!unreadable_indices.insert(failure.index).second) continue;
      unreadable.push_back(dataset.name(failure.index));
    }
    if (slot.error) std::rethrow_exception(slot.error);
    if (unreadable.empty()) return;
    require_readable(dataset, static_cast<std::int64_t>(unreadable.size()), seen,
                     unreadable.front());
  }
};

Loader::Loader(const Dataset& dataset, const LoaderOptions& options)
    : state_(std::make_unique<State>(dataset, options)) {
  if (options.batch_size < 1 || options.workers < 0 || options.prefetch_batches < 1 ||
      options.ranks < 1 || options.rank < 0 || options.rank >= options.ranks ||
      options.ranks > options.step_batches) {
    throw Error(
        "loader: batch_size {}, workers {}, prefetch_batches {}, rank {} of {} with {} batches a step "
        "make no sense",
        options.batch_size, options.workers, options.prefetch_batches, options.rank, options.ranks,
        options.step_batches);
  }
  State& state = *state_;
  const std::int64_t partial = options.drop_last ? 0 : options.batch_size - 1;
  state.all_batches = (dataset.size() + partial) / options.batch_size;
  state.batches = state.own_of(state.all_batches);
  state.elements = dataset.input_shape().elements();
  state.has_pixels = options.pixels && dataset.pixel_values().has_value();
  state.slots.resize(static_cast<std::size_t>(options.prefetch_batches));
  state.delivered = state.batches;
  state.upcoming.batch = state.batches;
  for (int i = 0; i < options.workers; ++i) {
    state.threads.emplace_back([&state] { state.run_worker(); });
  }
}

Loader::~Loader() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->work_there.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

std::int64_t Loader::batches_per_epoch() const { return state_->all_batches; }

void Loader::start_epoch(std::int64_t epoch, std::int64_t first_batch) {
  if (first_batch < 0 || first_batch > state_->all_batches) {
    throw Error("loader: there is no batch {} in an epoch of {}", first_batch, state_->all_batches);
  }
  State& state = *state_;
  std::unique_lock lock(state.mutex);
  // Nobody takes a ticket while those in hand are finished.
  state.upcoming = {state.batches, 0};
  state.work_done.wait(lock, [&state] { return state.busy == 0; });
  state.epoch = epoch;
  state.order.resize(static_cast<std::size_t>(state.dataset.size()));
  std::iota(state.order.begin(), state.order.end(), std::int64_t{0});
  if (state.options.shuffle) {
    RandomStream(state.options.seed, {static_cast<std::uint64_t>(epoch)}).shuffle(state.order);
  }
  state.delivered = state.own_of(first_batch);
  state.upcoming = {state.delivered, 0};
  state.work_there.notify_all();
}

std::optional<Batch> Loader::next() {
  State& state = *state_;
  const Stopwatch stopwatch;
  std::unique_lock lock(state.mutex);
  if (state.delivered >= state.batches) return std::nullopt;
  Slot& slot = state.slot_of(state.delivered);
  const auto is_ready = [&] { return state.upcoming.batch > state.delivered && slot.left == 0; };
  if (state.threads.empty()) {
    while (!is_ready()) state.work_on(state.take_ticket(), lock);
  } else {
    state.work_done.wait(lock, is_ready);
  }
  state.wait_seconds += stopwatch.seconds();
  state.count_unreadable(slot);
  Batch batch = std::exchange(slot.batch, {});
  ++state.delivered;
  state.work_there.notify_all();
  return batch;
}

void Loader::recycle(Batch batch) {
  const std::lock_guard lock(state_->mutex);
  if (state_->spare.size() < state_->slots.size()) state_->spare.push_back(std::move(batch));
}

double Loader::wait_seconds() const { return state_->wait_seconds; }

const std::vector<std::string>& Loader::unreadable() const { return state_->unreadable; }

}  // namespace mcunet::datasets
