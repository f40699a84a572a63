#pragma once

#include <cstdint>
#include <span>
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
  // The constant's dimensions; of gates, which have several, none.
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

// Of an operator with weights, from its shapes; it may have no constants yet. Every cell of an LSTM counts as four
// outputs, its gates, that take in the features and all cells.
WeightLayout weight_layout(const Graph& graph, const Op& op);

// Whether an operator's weights may be int4: those of a transposed convolution are int8, as TFLite's.
bool takes_int4_weights(const Op& op);

// Gives the weights of all operators so many bits, 8 or 4; those that do not take 4 keep 8. Of a graph of
// shapes: throws Error if it has weights already, or for other numbers of bits.
void set_weight_bits(Graph& graph, int bits);

// Gives the first and the last operator with weights 8 bits. Of a graph of shapes.
void keep_first_and_last(Graph& graph);

// The shapes of a graph whose weights are there: to be planned at another width, not to be run.
Graph without_weights(Graph graph);

// The type of an operator's weights, by its bits.
DataType weight_type(const Op& op);

// The largest magnitude of weights as they are quantized, symmetrically: 127, or 7 in 4 bits.
int max_weight(int bits);
int max_weight(const Op& op);

// Weights one per byte, from a constant of int8 or int4, and back: int4 from -8 … 7.
std::vector<std::int8_t> weight_values(const Constant& weights);
std::vector<std::byte> weight_bytes(std::span<const std::int8_t> values, DataType type);

// The weights of a quantized operator.
class Weights {
 public:
  Weights(const Graph& graph, const Op& op);

  const WeightLayout& layout() const { return layout_; }
  std::int32_t at(std::int32_t output, std::int64_t element) const;

 private:
  WeightLayout layout_;
  const Constant& constant_;
};

// The bias of a quantized operator, per output channel; zeros where it has none.
std::vector<std::int32_t> biases_of(const Graph& graph, const Op& op);

}  // namespace mcunet::engine
