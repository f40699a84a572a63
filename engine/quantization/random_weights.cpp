#include "mcunet/engine/quantization/random_weights.hpp"

#include <cmath>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/quantization/quantizer.hpp"

namespace mcunet::engine {
namespace {

// About three standard deviations of a layer's sums; ReLU6 cuts off the same.
constexpr float kRange = 6;

std::vector<float> uniform_values(std::int64_t count, double bound, RandomStream& random) {
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    values.push_back(static_cast<float>((2 * random.uniform() - 1) * bound));
  }
  return values;
}

// Without a clamp no two tensors have the same range: kernels have faster ways for some equal
// scales, and slower ones for others, that trained networks do not meet.
RealRange range_after(const Op& op, RandomStream& random) {
  const auto reach = static_cast<float>(kRange * (0.75 + 0.5 * random.uniform()));
  switch (op.activation) {
    case Activation::kRelu:
    case Activation::kRelu6:
      return {0, kRange};
    case Activation::kReluN1To1:
      return {-1, 1};
    case Activation::kNone:
      break;
  }
  return op.kind == OpKind::kAdd ? RealRange{-1.5F * reach, 1.5F * reach}
                                 : RealRange{-reach, reach};
}

}  // namespace

Graph with_random_weights(const Graph& graph, RandomStream& random) {
  if (!graph.constants.empty()) throw Error("the graph has weights already");
  std::vector<FloatParameters> parameters(graph.ops.size());
  std::vector<RealRange> ranges(graph.tensors.size(), {-kRange, kRange});
  for (std::size_t i = 0; i < graph.ops.size(); ++i) {
    const Op& op = graph.ops[i];
    ranges[op.output] = range_after(op, random);
    const std::int64_t weights = cost_of(graph, op).weights;
    if (weights == 0) continue;
    const std::int32_t channels = graph.output_of(op).shape.channels;
    const double taps = static_cast<double>(weights) / channels;
    parameters[i].weights = uniform_values(weights, 1 / std::sqrt(taps), random);
    parameters[i].bias = uniform_values(channels, 0.5, random);
  }
  return quantize_graph(graph, parameters, ranges);
}

}  // namespace mcunet::engine
