#include "mcunet/supernet/tensors.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/upsample_bilinear2d.h>

#include <memory>

#include "mcunet/core/error.hpp"

namespace mcunet::supernet {
namespace {

at::Tensor channels_last_view(datasets::Batch& batch, const datasets::InputShape& shape,
                              const std::function<void(void*)>& release) {
  const bool has_pixels = !batch.pixels.empty();
  const std::size_t values = has_pixels ? batch.pixels.size() : batch.inputs.size();
  const std::int64_t expected = batch.examples() * shape.elements();
  if (static_cast<std::int64_t>(values) != expected) {
    throw Error("batch of {} examples: must hold {} values of {}x{}x{}, holds {}", batch.examples(),
                expected, shape.height, shape.width, shape.channels, values);
  }
  void* const memory = has_pixels ? static_cast<void*>(batch.pixels.data())
                                  : static_cast<void*>(batch.inputs.data());
  return at::from_blob(memory, {batch.examples(), shape.height, shape.width, shape.channels},
                       release, has_pixels ? at::kByte : at::kFloat)
      .permute({0, 3, 1, 2});
}

// Of the examples' values, each of which is a T.
template <typename T, typename Element>
at::Tensor tensor_of(std::span<const datasets::Target> targets, at::ScalarType type) {
  const at::Tensor tensor = at::empty({std::ssize(targets)}, type);
  Element* to = tensor.data_ptr<Element>();
  for (const datasets::Target& target : targets) *to++ = std::get<T>(target);
  return tensor;
}

at::Tensor tensor_of_objects(std::span<const datasets::Target> targets) {
  std::vector<float> rows;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    for (const datasets::BoxedObject& object : std::get<datasets::Objects>(targets[i])) {
      const datasets::Box& box = object.box;
      rows.insert(rows.end(),
                  {static_cast<float>(i), static_cast<float>(object.label),
                   static_cast<float>(object.kind), box.left, box.top, box.right, box.bottom});
    }
  }
  return at::from_blob(rows.data(), {std::ssize(rows) / 7, 7}, at::kFloat).clone();
}

}  // namespace

at::Tensor targets_of(std::span<const datasets::Target> targets) {
  if (targets.empty()) return at::empty({0}, at::kLong);
  if (std::holds_alternative<datasets::Objects>(targets[0])) return tensor_of_objects(targets);
  if (std::holds_alternative<float>(targets[0]))
    return tensor_of<float, float>(targets, at::kFloat);
  return tensor_of<std::int32_t, std::int64_t>(targets, at::kLong);
}

BatchTensors to_tensors(datasets::Batch& batch, const datasets::InputShape& shape,
                        const at::Device& device) {
  return {channels_last_view(batch, shape, [](void*) {}).to(device),
          targets_of(batch.targets).to(device), batch.indices};
}

BatchTensors to_tensors(datasets::Batch&& batch, const datasets::InputShape& shape,
                        const at::Device& device) {
  const auto owner = std::make_shared<datasets::Batch>(std::move(batch));
  return {channels_last_view(*owner, shape, [owner](void*) {}).to(device),
          targets_of(owner->targets).to(device), owner->indices};
}

at::Tensor at_resolution(const at::Tensor& inputs, int resolution) {
  if (inputs.size(3) == resolution) return inputs;
  const std::int64_t rows = inputs.size(2) == 1 ? 1 : resolution;
  return at::upsample_bilinear2d(inputs, {rows, resolution}, /*align_corners=*/false);
}

}  // namespace mcunet::supernet
