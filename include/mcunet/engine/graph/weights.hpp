#pragma once

#include <cstdint>
#include <vector>

#include "mcunet/engine/graph/graph.hpp"
#include "mcunet/engine/graph/operator_table.hpp"

// How the weights of an operator lie in their constant, and what they take. Whoever reads, makes, packs
// or counts weights asks here.
namespace mcunet::engine {

// Every output channel has `places` × `inputs` weights: its places under the window (of a fully
// connected layer, the pixels of its input, or one where it takes each on its own), and the input channels that it reads at each.
struct WeightLayout {
  WeightOrder order = WeightOrder::kNone;
  std::int32_t outputs = 0;
  std::int32_t height = 1;  // of the window
  std::int32_t width = 1;
  std::int32_t places = 0;
  std::int32_t inputs = 0;

  std::int64_t per_output() const { return std::int64_t{places} * inputs; }
  std::int64_t elements() const { return per_output() * outputs; }
  // The constant's dimensions.
  std::vector<std::int32_t> dims() const;
  // The one of these that the output channels lie along, and their scales with them.
  std::int32_t channel_axis() const { return order == WeightOrder::kOutputLast ? 3 : 0; }
  // Where the weights of an output channel lie; `element` is place * inputs + input channel.
  std::size_t index(std::int32_t output, std::int64_t element) const {
    return static_cast<std::size_t>(order == WeightOrder::kOutputLast
                                        ? element * outputs + output
                                        : output * per_output() + element);
  }
};

// Of an operator with weights, from its shapes; it may have no constants yet.
WeightLayout weight_layout(const Graph& graph, const Op& op);

// Bits of one weight: of the constant's type; int8 for an operator that has none yet.
int weight_bits(const Graph& graph, const Op& op);

// The weights of a quantized operator.
class Weights {
 public:
  Weights(const Graph& graph, const Op& op);

  const WeightLayout& layout() const { return layout_; }
  const std::int8_t* data() const { return data_; }
  std::int32_t at(std::int32_t output, std::int64_t element) const {
    return data_[layout_.index(output, element)];
  }

 private:
  WeightLayout layout_;
  const std::int8_t* data_;
};

// The bias of a quantized operator, per output channel; zeros where it has none.
std::vector<std::int32_t> biases_of(const Graph& graph, const Op& op);

}  // namespace mcunet::engine
