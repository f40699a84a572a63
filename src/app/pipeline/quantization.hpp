#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "experiment.hpp"
#include "mcunet/core/config.hpp"
#include "mcunet/datasets/dataset.hpp"
#include "mcunet/engine/quantization/activation_statistics.hpp"

namespace at {
class Tensor;
}

namespace mcunet::pipeline {

struct FloatGraph;

struct MethodAccuracy {
  engine::RangeMethod method = engine::RangeMethod::kMinMax;
  double top1 = 0;  // on the held-out split
};

struct QuantizedNetwork {
  engine::Graph graph;
  std::vector<engine::RealRange> ranges;  // per tensor, as quantize_graph takes them
  engine::RangeMethod method = engine::RangeMethod::kMinMax;
  std::vector<MethodAccuracy> compared;  // what the choice rests on; empty if there was none
};

// Top-1 in int8 on the held-out split: of a network quantized as it was, and of the same trained on
// with the rounding simulated.
struct QuantizationGain {
  double post_training_top1 = 0;
  double quantization_aware_top1 = 0;

  // Whether what was trained on is at least as good, and so what is exported.
  bool is_kept() const { return quantization_aware_top1 >= post_training_top1; }
};

// Calibrates on `training` and chooses the ranges by the accuracy on `held_out`. `seed` picks the
// images. Throws Error if no image can be read.
QuantizedNetwork quantize(const FloatGraph& network, const datasets::Dataset& training,
                          const datasets::Dataset& held_out, const QuantizationOptions& options,
                          std::uint64_t seed);

// The input of an int8 graph for an example as the dataset gives it.
std::vector<std::int8_t> quantize_example(const engine::Graph& graph,
                                          std::span<const float> values);

// Of a classifier over examples of a dataset.
struct TopOne {
  std::int64_t correct = 0;
  std::int64_t examples = 0;
  std::int64_t unreadable = 0;

  double share() const {
    return examples == 0 ? 0 : static_cast<double>(correct) / static_cast<double>(examples);
  }
};

// Top-1 by the reference executor over the first `limit` examples in a seeded order (all of them if
// absent), on all cores.
TopOne evaluate_int8(const engine::Graph& graph, const datasets::Dataset& dataset,
                     std::uint64_t seed, std::optional<std::int64_t> limit = std::nullopt);

// Top-1 by logits [n, classes] on the CPU for images [n, channels, height, width] over examples
// that are chosen alike.
TopOne evaluate_logits(const std::function<at::Tensor(const at::Tensor& images)>& logits,
                       const datasets::Dataset& dataset, std::uint64_t seed,
                       std::optional<std::int64_t> limit = std::nullopt);

// The same examples by libtorch in float.
TopOne evaluate_float(const FloatGraph& network, const datasets::Dataset& dataset,
                      std::uint64_t seed, std::optional<std::int64_t> limit = std::nullopt);

}  // namespace mcunet::pipeline
