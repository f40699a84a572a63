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
#include "mixed_widths.hpp"
#include "task.hpp"

namespace at {
class Tensor;
}

namespace mcunet::pipeline {

struct FloatGraph;

struct MethodScore {
  engine::RangeMethod method = engine::RangeMethod::kMinMax;
  Score score;  // on the held-out split
};

// {"method": …} and the score's keys.
nlohmann::ordered_json to_json(const MethodScore& score);

struct QuantizedNetwork {
  engine::Graph graph;
  std::vector<engine::RealRange> ranges;  // per tensor, as quantize_graph takes them
  engine::RangeMethod method = engine::RangeMethod::kMinMax;
  std::vector<MethodScore> compared;  // what the choice rests on; empty if there was none
  std::optional<MixedWidths> mixed;   // by the policy kMixed
};

// A trained network with the widths that the options give it: the bits that its blocks state for their
// weights, else those of the job, 8 in the first and the last layer if these are kept. Not yet those of the
// policy kMixed.
FloatGraph at_widths(FloatGraph network, const QuantizationOptions& options);

// The same with the widths of what was quantized.
FloatGraph at_widths_of(const engine::Graph& quantized, FloatGraph network);

// A trained network by ranges per tensor, at the widths that it has.
engine::Graph quantize_by(const FloatGraph& network, std::span<const engine::RealRange> ranges);

// Calibrates on `training`, chooses widths, if the policy has a choice, by the loss on `held_out`, and then
// the ranges by the score there. `seed` picks the images. Throws Error if no image can be read.
QuantizedNetwork quantize(const Task& task, const FloatGraph& network,
                          const datasets::Dataset& training, const datasets::Dataset& held_out,
                          const QuantizationOptions& options, std::uint64_t seed);

// The input of an int8 graph for an example as the dataset gives it.
std::vector<std::int8_t> quantize_example(const engine::Graph& graph,
                                          std::span<const float> values);

// What the reference executor tells of the first `limit` examples in a seeded order (all of them if
// absent), on all cores.
Assessment evaluate_int8(const Task& task, const engine::Graph& graph,
                         const datasets::Dataset& dataset, std::uint64_t seed,
                         std::optional<std::int64_t> limit = std::nullopt);

// By outputs on the CPU for images [n, channels, height, width], over examples that are
// chosen alike.
Assessment evaluate_outputs(const Task& task,
                            const std::function<at::Tensor(const at::Tensor& images)>& outputs_of,
                            const datasets::Dataset& dataset, std::uint64_t seed,
                            std::optional<std::int64_t> limit = std::nullopt);

// The same examples by libtorch in float.
Assessment evaluate_float(const Task& task, const FloatGraph& network,
                          const datasets::Dataset& dataset, std::uint64_t seed,
                          std::optional<std::int64_t> limit = std::nullopt);

// Appends what outputs as of run_network, 32-bit floats on the CPU, say of examples of a dataset.
void append_answers(const Task& task, const at::Tensor& outputs,
                    std::span<const std::int64_t> examples, const datasets::Dataset& dataset,
                    std::vector<Answer>& answers);

}  // namespace mcunet::pipeline
