// Steps that keep state of their own: LSTMs.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cstring>

#include "codegen/step_writer.hpp"
#include "kernels/pack.h"
#include "mcunet/engine/arithmetic/layer_parameters.hpp"
#include "mcunet/engine/graph/operator_table.hpp"
#include "mcunet/engine/graph/weights.hpp"

namespace mcunet::engine {
namespace {

// The initializer of struct mcunet_factor. A factor of 0 takes the kernel's general way, that of no right shift.
std::string factor_text(const QuantizedMultiplier& by) {
  const auto doubled = static_cast<std::int32_t>(static_cast<std::uint32_t>(by.multiplier) << 1);
  return fmt::format("{{{}, {}}}", doubled, by.multiplier == 0 ? 0 : -by.shift);
}

std::string factors_member(const char* name, const std::array<QuantizedMultiplier, kGates>& by) {
  std::vector<std::string> texts;
  for (const QuantizedMultiplier& factor : by) texts.push_back(factor_text(factor));
  return member(name, fmt::format("{{{}}}", fmt::join(texts, ", ")));
}

std::string pack_gates(StepWriter& step, std::int32_t features, std::int32_t cells) {
  const Graph& graph = step.graph();
  const GateConstants& gates = step.details().gates;
  std::array<std::vector<std::int32_t>, kGates> biases;
  mcunet_lstm_weights layer{.features = features,
                            .cells = cells,
                            .input_zero_point = step.input_quantization().zero_point,
                            .hidden_zero_point = step.input_quantization(1).zero_point};
  const auto weights = [&](ConstantId id) {
    return reinterpret_cast<const std::int8_t*>(graph.constants[id].data.data());
  };
  for (std::size_t gate = 0; gate < kGates; ++gate) {
    layer.input[gate] = weights(gates.input[gate]);
    layer.recurrent[gate] = weights(gates.recurrent[gate]);
    biases[gate].resize(static_cast<std::size_t>(cells));
    const std::vector<std::byte>& bias = graph.constants[gates.bias[gate]].data;
    std::memcpy(biases[gate].data(), bias.data(), bias.size());
    layer.bias[gate] = biases[gate].data();
  }
  std::vector<unsigned char> packed(mcunet_packed_lstm_bytes(features, cells));
  mcunet_pack_lstm(&layer, packed.data());
  return step.add_array("weights", std::move(packed));
}

}  // namespace

void write_unidirectional_sequence_lstm(StepWriter& step) {
  const LstmParameters by = lstm_parameters(step.graph(), step.op());
  const std::int32_t features = step.input().channels;
  const std::int32_t cells = step.output().channels;
  const std::string weights = pack_gates(step, features, cells);
  step.layer("mcunet_lstm_layer",
             {member("steps", std::int64_t{step.input().height} * step.input().width),
              member("features", features), member("cells", cells),
              factors_member("input", by.input), factors_member("recurrent", by.recurrent),
              member("cell_exponent", by.cell_exponent), member("cell_min", by.cells.min),
              member("cell_max", by.cells.max), member("hidden_factor", factor_text(by.hidden)),
              member("hidden_zero_point", step.input_quantization(1).zero_point)});
  step.call({step.input_address(), step.output_address(), "&layer", weights, step.input_address(1),
             fmt::format("(int16_t*)(void*){}", step.input_address(2)), step.scratch_address()});
}

}  // namespace mcunet::engine
