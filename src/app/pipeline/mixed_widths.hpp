#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "mcunet/engine/graph/graph.hpp"
#include "mcunet/engine/planning/resources.hpp"

// Weights of 4 or 8 bits, layer by layer, as a limit of flash asks for (quantization.policy: mixed).
namespace mcunet::pipeline {

// An operator with weights.
struct LayerWidth {
  std::string layer;         // "conv_2d_3", as its weights are called in an exported network
  std::int64_t bytes_8 = 0;  // of its weights
  std::int64_t bytes_4 = 0;
  // By how much the loss on the held-out split grows with the weights of this layer alone in 4 bits; absent
  // where they have 8 whatever that brings.
  std::optional<double> loss;
  int bits = 8;  // chosen
};

struct MixedWidths {
  std::int64_t flash_limit_bytes = 0;
  std::int64_t flash_bytes = 0;    // an estimate, as of every plan
  std::vector<LayerWidth> layers;  // all with weights, in the graph's order

  bool fits() const { return flash_bytes <= flash_limit_bytes; }
};

// The loss on the held-out split with the weights of an operator of the graph in 4 bits, by its number;
// nothing: with none of them.
using LossWith = std::function<double(std::optional<std::size_t> op)>;

// Chooses for a graph of shapes the bits of those operators whose weights have 4 in it; the others keep
// theirs. All begin at 8; those that cost least loss per byte saved are narrowed, until the network fits on
// the core; and, dearest first, those that the flash left over has room for are widened again. Where nothing
// fits, all have 4. Weights of both widths take the kernels of both, which the flash of a network counts.
MixedWidths choose_widths(const engine::Graph& narrow, engine::CodeCore core,
                          std::int64_t flash_limit_bytes, const LossWith& loss_with);

// Gives the operators the bits that were chosen for them. Throws Error if they are another graph's.
void set_widths(const MixedWidths& widths, engine::Graph& graph);

nlohmann::ordered_json to_json(const MixedWidths& widths);
// Throws Error or a JSON exception for what to_json does not write.
MixedWidths mixed_widths_from_json(const nlohmann::ordered_json& json);

// A row per layer, beneath a header: layer, bytes at 8 and at 4 bits, loss, bits.
std::vector<std::vector<std::string>> table_of(const MixedWidths& widths);

// "8 of 21 layers have weights of 8 bits: 118.2 of 120.0 KiB of flash"
std::string describe(const MixedWidths& widths);

}  // namespace mcunet::pipeline
