#include "mcunet/supernet/evaluation.hpp"

#include <gmock/gmock.h>

#include "mcunet/core/error.hpp"
#include "mcunet/supernet/tensors.hpp"
#include "supernet/small_space.hpp"
#include "supernet/stock_operators.hpp"

namespace mcunet::supernet {
namespace {

constexpr int kSide = 24;

std::vector<datasets::Batch> make_batches() {
  at::manual_seed(9);
  std::vector<datasets::Batch> batches;
  for (const std::int64_t examples : {8, 8, 3}) {
    datasets::Batch batch;
    const at::Tensor values = at::randn({examples, kSide, kSide, 3}) * (1.0 + 0.3 * examples);
    batch.inputs.assign(values.data_ptr<float>(), values.data_ptr<float>() + values.numel());
    for (std::int64_t i = 0; i < examples; ++i)
      batch.targets.push_back(static_cast<std::int32_t>(i % 7));
    batches.push_back(batch);
  }
  return batches;
}

BatchTensors tensors_of(datasets::Batch batch) {
  return to_tensors(std::move(batch), {kSide, kSide, 3}, at::kCPU);
}

BatchSource source_of(const std::vector<datasets::Batch>& batches) {
  return [&batches, next = std::size_t{0}]() mutable -> std::optional<BatchTensors> {
    if (next == batches.size()) return std::nullopt;
    return tensors_of(batches[next++]);
  };
}

FixedNetwork make_network() {
  Supernet supernet(small_space());
  return supernet->extract(smallest(supernet->space()));
}

at::Tensor images_of(const datasets::Batch& batch) { return tensors_of(batch).images; }

// The statistics of the stem, as written down in the paper: the mean over all examples of the
// batches' means and biased variances.
TEST(Evaluation, RecalibratesToTheMeanOfTheBatches) {
  const std::vector<datasets::Batch> batches = make_batches();
  FixedNetwork network = make_network();
  const ConvBatchNorm unit = network->units()[0];
  at::Tensor mean = at::zeros({8}, at::kDouble);
  at::Tensor variance = at::zeros({8}, at::kDouble);
  for (const datasets::Batch& batch : batches) {
    const at::Tensor hidden =
        at::conv2d(images_of(batch), unit->weight.detach(), {}, 2, 1).to(at::kDouble);
    const auto moments = at::var_mean(hidden, {0, 2, 3}, /*unbiased=*/false);
    const double share = static_cast<double>(batch.examples()) / 19;
    variance += std::get<0>(moments) * share;
    mean += std::get<1>(moments) * share;
  }
  recalibrate_batch_norm(network, source_of(batches));
  EXPECT_LT(largest_difference(unit->running_mean, mean), 1e-5);
  EXPECT_LT(largest_difference(unit->running_var / variance, at::ones({8})), 1e-4);
}

// All layers, with batch normalization and recalibration written out in libtorch's operators.
TEST(Evaluation, RecalibratesEveryLayer) {
  const std::vector<datasets::Batch> batches = make_batches();
  FixedNetwork network = make_network();
  const std::vector<ConvBatchNorm> units = network->units();
  std::vector<at::Tensor> means;
  std::vector<at::Tensor> variances;
  const at::NoGradGuard no_grad;
  for (const datasets::Batch& batch : batches) {
    std::size_t index = 0;
    const auto run = [&](const ConvBatchNorm& unit, const at::Tensor& input) {
      const at::Tensor hidden =
          at::conv2d(input, unit->weight, {}, unit->shape().stride, unit->shape().kernel / 2, 1,
                     unit->shape().depthwise ? unit->weight.size(0) : 1);
      const auto moments = at::var_mean(hidden, {0, 2, 3}, /*unbiased=*/false, /*keepdim=*/true);
      const double share = static_cast<double>(batch.examples()) / 19;
      if (means.size() <= index) {
        means.push_back(at::zeros_like(unit->bn_bias));
        variances.push_back(at::zeros_like(unit->bn_bias));
      }
      variances[index] += std::get<0>(moments).flatten() * share;
      means[index++] += std::get<1>(moments).flatten() * share;
      const at::Tensor normalized = (hidden - std::get<1>(moments)) *
                                        at::rsqrt(std::get<0>(moments) + 1e-5) *
                                        unit->bn_weight.view({1, -1, 1, 1}) +
                                    unit->bn_bias.view({1, -1, 1, 1});
      return unit->shape().activation == engine::Activation::kNone ? normalized
                                                                   : normalized.clamp(0, 6);
    };
    const NetworkLayers& layers = network->layers();
    at::Tensor features = run(layers.stem, images_of(batch));
    for (std::size_t i = 0; i < layers.blocks.size(); ++i) {
      const BlockLayers& block = layers.blocks[i];
      at::Tensor hidden = block.expand.is_empty() ? features : run(block.expand, features);
      hidden = run(block.project, run(block.depthwise, hidden));
      features = network->description().blocks[i].has_residual ? features + hidden : hidden;
    }
    run(layers.feature_mix, features);
  }
  recalibrate_batch_norm(network, source_of(batches));
  ASSERT_EQ(means.size(), units.size());
  for (std::size_t i = 0; i < units.size(); ++i) {
    EXPECT_LT(largest_difference(units[i]->running_mean, means[i]), 1e-3) << i;
    EXPECT_LT(largest_difference(units[i]->running_var / variances[i], at::ones_like(means[i])),
              1e-3)
        << i;
  }
}

TEST(Evaluation, LeavesTheSupernetUntouched) {
  const std::vector<datasets::Batch> batches = make_batches();
  Supernet supernet(small_space());
  std::vector<at::Tensor> before;
  for (const auto& item : supernet->named_buffers()) before.push_back(item.value().clone());
  FixedNetwork network = supernet->extract(smallest(supernet->space()));
  recalibrate_batch_norm(network, source_of(batches));
  evaluate(network, source_of(batches), Precision::kFloat32, [](const auto&, const auto&) {});
  std::size_t i = 0;
  for (const auto& item : supernet->named_buffers()) {
    EXPECT_TRUE(at::equal(item.value(), before[i++])) << item.key();
  }
  EXPECT_GT(i, 0U);
}

TEST(Evaluation, ShowsTheOutputsOfEveryBatch) {
  const std::vector<datasets::Batch> batches = make_batches();
  FixedNetwork network = make_network();
  recalibrate_batch_norm(network, source_of(batches));
  for (const Precision precision : {Precision::kFloat32, Precision::kBfloat16}) {
    network->eval();
    std::vector<at::Tensor> expected;
    for (const datasets::Batch& batch : batches) {
      const at::NoGradGuard no_grad;
      expected.push_back(network->forward(images_of(batch), {.precision = precision}));
    }
    network->train();
    std::size_t seen = 0;
    evaluate(network, source_of(batches), precision,
             [&](const at::Tensor& outputs, const BatchTensors& batch) {
               EXPECT_TRUE(at::equal(batch.targets, targets_of(batches[seen].targets)));
               EXPECT_TRUE(at::allclose(outputs, expected[seen++], 1e-4, 1e-5));
             });
    EXPECT_EQ(seen, batches.size());
    EXPECT_TRUE(network->is_training());
  }
}

TEST(Evaluation, NeedsExamplesToRecalibrate) {
  FixedNetwork network = make_network();
  EXPECT_THROW(recalibrate_batch_norm(network, [] { return std::nullopt; }), Error);
}

}  // namespace
}  // namespace mcunet::supernet
