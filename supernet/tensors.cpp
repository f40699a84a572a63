#include "mcunet/supernet/tensors.hpp"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/upsample_bilinear2d.h>

#include <memory>

#include "mcunet/core/error.hpp"

namespace mcunet::supernet {
namespace {

at::Tensor channels_last_view(float* values, const datasets::InputShape& shape,
                              std::int64_t examples, const std::function<void(void*)>& release) {
  const at::Tensor rows = at::from_blob(
      values, {examples, shape.height, shape.width, shape.channels}, release, at::kFloat);
  return rows.permute({0, 3, 1, 2});
}

void check_size(const datasets::Batch& batch, const datasets::InputShape& shape) {
  const std::int64_t expected = batch.examples() * shape.elements();
  if (static_cast<std::int64_t>(batch.inputs.size()) == expected) return;
  throw Error("batch of {} examples: must hold {} values of {}x{}x{}, holds {}", batch.examples(),
              expected, shape.height, shape.width, shape.channels, batch.inputs.size());
}

}  // namespace

BatchTensors to_tensors(datasets::Batch& batch, const datasets::InputShape& shape,
                        const at::Device& device) {
  check_size(batch, shape);
  const auto keep = [](void*) {};
  const at::Tensor labels = at::from_blob(batch.labels.data(), {batch.examples()}, keep, at::kLong);
  return {channels_last_view(batch.inputs.data(), shape, batch.examples(), keep).to(device),
          labels.to(device), batch.indices};
}

BatchTensors to_tensors(datasets::Batch&& batch, const datasets::InputShape& shape,
                        const at::Device& device) {
  check_size(batch, shape);
  const auto owner = std::make_shared<datasets::Batch>(std::move(batch));
  const auto release = [owner](void*) {};
  const at::Tensor labels =
      at::from_blob(owner->labels.data(), {owner->examples()}, release, at::kLong);
  return {channels_last_view(owner->inputs.data(), shape, owner->examples(), release).to(device),
          labels.to(device), owner->indices};
}

at::Tensor at_resolution(const at::Tensor& inputs, int resolution) {
  if (inputs.size(3) == resolution) return inputs;
  const std::int64_t rows = inputs.size(2) == 1 ? 1 : resolution;
  return at::upsample_bilinear2d(inputs, {rows, resolution}, /*align_corners=*/false);
}

}  // namespace mcunet::supernet
