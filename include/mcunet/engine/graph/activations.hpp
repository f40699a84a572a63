#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mcunet/engine/graph/graph.hpp"

// Activations of four bits, which TFLite has not: which tensors may be int4, and how their values lie in
// memory.
//
// Values are -8 … 7, and a nibble holds the value + 8. Every pixel begins a word of its own. A word is
// eight channels: byte i of it holds channel i in its low and channel 4 + i in its high nibble, so that
// AND with a constant makes pairs for dual multiply-accumulates of it. Nibbles without a channel are 0.
namespace mcunet::engine {

// The values of an activation, one per byte in NHWC order: of int4 unpacked, of others as they are.
std::vector<std::byte> unpack_activation(const Tensor& tensor, std::span<const std::byte> bytes);

// The opposite: from one value per byte.
TensorBytes pack_activation(const Tensor& tensor, std::span<const std::byte> values);

// Why an operator, though its row in the table lets it, has no form for activations of int4: "is dilated". Empty if it
// has one.
std::string int4_objection(const Graph& graph, const Op& op);

// Of a network once it is quantized: 8 or 4 each.
struct BitWidths {
  int weights = 8;
  int activations = 8;

  bool operator==(const BitWidths&) const = default;
};

// Gives weights (weights.hpp) and activations of a graph of shapes their bits.
void set_bit_widths(Graph& graph, const BitWidths& widths);

// Gives activations so many bits, 8 or 4. Those of 4 bits are the feature maps between operators that take
// them: what enters and leaves the network stays int8, and so do vectors, which are small. Throws Error
// for other numbers of bits, and if the graph is quantized already.
void set_activation_bits(Graph& graph, int bits);

}  // namespace mcunet::engine
