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
  batch.targets = {4, 2};
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
  EXPECT_EQ(tensors.targets[0].item<std::int64_t>(), 4);
}

TEST(Tensors, KeepTheMemoryOfAMovedBatch) {
  datasets::Batch batch = make_batch();
  const float* memory = batch.inputs.data();
  const BatchTensors tensors = to_tensors(std::move(batch), {3, 3, 2}, at::kCPU);
  EXPECT_EQ(tensors.images.data_ptr<float>(), memory);
  EXPECT_EQ(tensors.targets[1].item<std::int64_t>(), 2);
}

TEST(Tensors, HoldTheObjectsOfAllExamples) {
  const datasets::BoxedObject cat{{0.25F, 0, 0.5F, 1}, 3};
  const datasets::BoxedObject dog{{0, 0.5F, 0.75F, 1}, 1, datasets::ObjectKind::kDifficult};
  const std::vector<datasets::Target> targets = {datasets::Objects{}, datasets::Objects{cat, dog}};
  const at::Tensor rows = targets_of(targets);
  const std::vector<float> expected = {1, 3, 0, 0.25F, 0, 0.5F, 1, 1, 1, 1, 0, 0.5F, 0.75F, 1};
  ASSERT_EQ(rows.sizes(), (std::vector<std::int64_t>{2, 7}));
  EXPECT_EQ(std::vector<float>(rows.data_ptr<float>(), rows.data_ptr<float>() + 14), expected);
}

TEST(Tensors, HoldValues) {
  const at::Tensor values = targets_of(std::vector<datasets::Target>{0.5F, -2.0F});
  EXPECT_EQ(values.scalar_type(), at::kFloat);
  EXPECT_EQ(values[1].item<float>(), -2);
}

TEST(Tensors, RefuseAnotherShape) {
  datasets::Batch batch = make_batch();
  EXPECT_THROW(to_tensors(batch, {3, 4, 2}, at::kCPU), Error);
  EXPECT_THROW(to_tensors(std::move(batch), {3, 4, 2}, at::kCPU), Error);
}

}  // namespace
}  // namespace mcunet::supernet
