#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "classification.hpp"
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
  TopOne top1;  // on the held-out split
};

// {"method": …} and TopOne's keys.
nlohmann::ordered_json to_json(const MethodAccuracy& accuracy);

struct QuantizedNetwork {
  engine::Graph graph;
  std::vector<engine::RealRange> ranges;  // per tensor, as quantize_graph takes them
  engine::RangeMethod method = engine::RangeMethod::kMinMax;
  std::vector<MethodAccuracy> compared;  // what the choice rests on; empty if there was none
};

// Calibrates on `training` and chooses the ranges by the accuracy on `held_out`. `seed` picks the
// images. Throws Error if no image can be read.
QuantizedNetwork quantize(const FloatGraph& network, const datasets::Dataset& training,
                          const datasets::Dataset& held_out, const QuantizationOptions& options,
                          std::uint64_t seed);

// The input of an int8 graph for an example as the dataset gives it.
std::vector<std::int8_t> quantize_example(const engine::Graph& graph,
                                          std::span<const float> values);

// What the reference executor predicts for the first `limit` examples in a seeded order (all of them if
// absent), on all cores.
Classification evaluate_int8(const engine::Graph& graph, const datasets::Dataset& dataset,
                             std::uint64_t seed, std::optional<std::int64_t> limit = std::nullopt);

// By logits [n, classes] on the CPU for images [n, channels, height, width], over examples that are
// chosen alike.
Classification evaluate_logits(const std::function<at::Tensor(const at::Tensor& images)>& logits,
                               const datasets::Dataset& dataset, std::uint64_t seed,
                               std::optional<std::int64_t> limit = std::nullopt);

// The same examples by libtorch in float.
Classification evaluate_float(const FloatGraph& network, const datasets::Dataset& dataset,
                              std::uint64_t seed, std::optional<std::int64_t> limit = std::nullopt);

// Appends what logits [n, classes], 32-bit floats on the CPU, predict for examples of a dataset.
void append_predictions(const at::Tensor& logits, std::span<const std::int64_t> examples,
                        const datasets::Dataset& dataset, std::vector<Prediction>& predictions);

}  // namespace mcunet::pipeline
