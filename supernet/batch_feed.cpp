#include "batch_feed.hpp"

#include <ATen/Functions.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <cstring>

#include "pixels.hpp"

namespace mcunet::supernet {
namespace {

datasets::LoaderOptions with_pixels(datasets::LoaderOptions options, const at::Device& device) {
  options.pixels = !device.is_cpu();
  return options;
}

// The bytes of a tensor in memory that a GPU may read while the program goes on.
template <typename T>
at::Tensor page_locked(const std::vector<T>& values, at::IntArrayRef sizes, at::ScalarType type) {
  const at::Tensor tensor = at::empty(sizes, at::TensorOptions().dtype(type).pinned_memory(true));
  std::memcpy(tensor.data_ptr(), values.data(), tensor.nbytes());
  return tensor;
}

}  // namespace

struct BatchFeed::State {
  State(const datasets::Dataset& data, const datasets::LoaderOptions& options,
        const at::Device& device_)
      : shape(data.input_shape()), device(device_), loader(data, with_pixels(options, device_)) {
    if (device.is_cpu()) return;
    streams.emplace(device.type());
    stream.emplace(streams->getStreamFromGlobalPool(device));
    if (const auto table = data.pixel_values()) {
      values = at::tensor(at::ArrayRef<float>(table->data(), table->size())).to(device);
    }
  }

  BatchTensors send(const datasets::Batch& batch) const {
    const std::vector<std::int64_t> sizes = {batch.examples(), shape.height, shape.width,
                                             shape.channels};
    const auto to_device = [&](const at::Tensor& tensor) {
      return tensor.to(device, /*non_blocking=*/true);
    };
    at::Tensor inputs;
    if (batch.pixels.empty()) {
      inputs = to_device(page_locked(batch.inputs, sizes, at::kFloat));
    } else {
      at::Tensor jitters = jitter_table(batch.jitters);
      if (jitters.defined()) jitters = to_device(jitters.pin_memory());
      inputs =
          inputs_of_pixels(to_device(page_locked(batch.pixels, sizes, at::kByte)), values, jitters);
    }
    return {inputs.permute({0, 3, 1, 2}), to_device(targets_of(batch.targets).pin_memory()),
            batch.indices};
  }

  datasets::InputShape shape;
  at::Device device;
  datasets::Loader loader;
  std::optional<datasets::Batch> shared;  // on a CPU: whose memory the last images are

  // On a GPU.
  std::optional<c10::impl::VirtualGuardImpl> streams;
  std::optional<c10::Stream> stream;
  at::Tensor values;  // of pixels
  std::optional<BatchTensors> upcoming;
  std::optional<c10::Event> arrival;  // of `upcoming`
};

BatchFeed::BatchFeed(const datasets::Dataset& data, datasets::LoaderOptions options,
                     const at::Device& device)
    : state_(std::make_unique<State>(data, options, device)) {}

BatchFeed::~BatchFeed() = default;

const datasets::Loader& BatchFeed::loader() const { return state_->loader; }

void BatchFeed::start_epoch(std::int64_t epoch, std::int64_t first_batch) {
  state_->upcoming.reset();
  state_->loader.start_epoch(epoch, first_batch);
}

std::optional<BatchTensors> BatchFeed::next() {
  State& state = *state_;
  if (state.device.is_cpu()) {
    if (state.shared) state.loader.recycle(std::move(*state.shared));
    state.shared = state.loader.next();
    if (!state.shared) return std::nullopt;
    return to_tensors(*state.shared, state.shape, state.device);
  }
  if (!state.upcoming) prefetch();
  if (!state.upcoming) return std::nullopt;
  const c10::Stream now = state.streams->getStream(state.device);
  state.arrival->block(now);
  state.upcoming->images.record_stream(now);
  state.upcoming->targets.record_stream(now);
  return std::exchange(state.upcoming, std::nullopt);
}

void BatchFeed::prefetch() {
  State& state = *state_;
  if (state.device.is_cpu() || state.upcoming) return;
  std::optional<datasets::Batch> batch = state.loader.next();
  if (!batch) return;
  const c10::StreamGuard guard(*state.stream);
  state.upcoming = state.send(*batch);
  state.arrival.emplace(state.device.type());
  state.arrival->record(*state.stream);
  state.loader.recycle(std::move(*batch));
}

}  // namespace mcunet::supernet
