#include "mcunet/supernet/tensors.hpp"

#include <gmock/gmock.h>
#include <torch/nn/module.h>

#include <numeric>

#include "mcunet/core/error.hpp"

namespace mcunet::supernet {
namespace {

datasets::Batch make_batch() {
  datasets::Batch batch;
  batch.inputs.resize(2 * 3 * 3 * 2);
  std::iota(batch.inputs.begin(), batch.inputs.end(), 0.0F);
  batch.labels = {4, 2};
  return batch;
}

TEST(Tensors, AreViewsOfTheBatch) {
  datasets::Batch batch = make_batch();
  const BatchTensors tensors = to_tensors(batch, {3, 3, 2}, at::kCPU);
  EXPECT_EQ(tensors.images.sizes(), (std::vector<std::int64_t>{2, 2, 3, 3}));
  EXPECT_TRUE(tensors.images.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_EQ(tensors.images.data_ptr<float>(), batch.inputs.data());
  // Example 1, channel 1, row 2, column 0.
  EXPECT_EQ(tensors.images[1][1][2][0].item<float>(), 18 + 2 * 6 + 1);
  EXPECT_EQ(tensors.labels[0].item<std::int64_t>(), 4);
}

TEST(Tensors, KeepTheMemoryOfAMovedBatch) {
  datasets::Batch batch = make_batch();
  const float* memory = batch.inputs.data();
  const BatchTensors tensors = to_tensors(std::move(batch), {3, 3, 2}, at::kCPU);
  EXPECT_EQ(tensors.images.data_ptr<float>(), memory);
  EXPECT_EQ(tensors.labels[1].item<std::int64_t>(), 2);
}

TEST(Tensors, RefuseAnotherShape) {
  datasets::Batch batch = make_batch();
  EXPECT_THROW(to_tensors(batch, {3, 4, 2}, at::kCPU), Error);
  EXPECT_THROW(to_tensors(std::move(batch), {3, 4, 2}, at::kCPU), Error);
}

}  // namespace
}  // namespace mcunet::supernet
