// An LSTM: gates are sums over the input and over the hidden state, each brought to 16 bits by its own scale, added
// and passed through a function; cells and the hidden state follow, element by element.
#include <algorithm>
#include <cstring>
#include <limits>

#include "mcunet/engine/arithmetic/layer_parameters.hpp"
#include "mcunet/engine/graph/operator_table.hpp"
#include "reference/reference_kernels.hpp"

namespace mcunet::engine {
namespace {

std::int32_t to_int16(std::int32_t value) {
  return std::clamp<std::int32_t>(value, std::numeric_limits<std::int16_t>::min(),
                                  std::numeric_limits<std::int16_t>::max());
}

std::int32_t product(std::int32_t a, std::int32_t b, const QuantizedMultiplier& by) {
  return multiply(a * b, by);
}

class Lstm {
 public:
  explicit Lstm(const KernelCall& call)
      : graph_(call.graph),
        gates_(call.details().gates),
        by_(lstm_parameters(call.graph, call.op)),
        input_(call.input_quantization()),
        hidden_quantization_(call.input_quantization(1)),
        hidden_(call.states[0].size()),
        cells_(hidden_.size()) {
    std::memcpy(hidden_.data(), call.states[0].data(), call.states[0].size());
    std::memcpy(cells_.data(), call.states[1].data(), call.states[1].size());
  }

  // Of a vector of features; returns the hidden state.
  const std::vector<std::int8_t>& step(std::span<const std::int8_t> features) {
    std::vector<std::int8_t> next(hidden_.size());
    for (std::size_t cell = 0; cell < cells_.size(); ++cell) {
      const auto gate = [&](std::size_t which) { return sum(which, cell, features); };
      const std::int32_t in = table_logistic(gate(0));
      const std::int32_t forget = table_logistic(gate(1));
      const std::int32_t value = table_tanh(gate(2), /*exponent=*/-12);
      const std::int32_t out = table_logistic(gate(3));
      const std::int32_t kept = to_int16(product(forget, cells_[cell], by_.forgotten()));
      const std::int32_t added = to_int16(product(in, value, by_.added()));
      cells_[cell] = static_cast<std::int16_t>(by_.cells.clamp(to_int16(kept + added)));
      const std::int32_t seen = table_tanh(cells_[cell], by_.cell_exponent);
      const std::int64_t hidden =
          std::int64_t{product(seen, out, by_.hidden)} + hidden_quantization_.zero_point;
      next[cell] = static_cast<std::int8_t>(
          value_range(DataType::kInt8).clamp(static_cast<std::int32_t>(hidden)));
    }
    hidden_ = std::move(next);
    return hidden_;
  }

  void keep(const KernelCall& call) const {
    std::memcpy(call.states[0].data(), hidden_.data(), call.states[0].size());
    std::memcpy(call.states[1].data(), cells_.data(), call.states[1].size());
  }

 private:
  // Before its function.
  std::int16_t sum(std::size_t gate, std::size_t cell,
                   std::span<const std::int8_t> features) const {
    std::int32_t bias = 0;
    std::memcpy(&bias, graph_.constants[gates_.bias[gate]].data.data() + cell * sizeof(bias),
                sizeof(bias));
    const std::int32_t seen =
        dot(gates_.input[gate], cell, features, input_.zero_point, bias, by_.input[gate]);
    const std::int32_t remembered = dot(gates_.recurrent[gate], cell, hidden_,
                                        hidden_quantization_.zero_point, 0, by_.recurrent[gate]);
    return static_cast<std::int16_t>(to_int16(seen + remembered));
  }

  // Wraps at 32 bits.
  std::int32_t dot(ConstantId weights, std::size_t cell, std::span<const std::int8_t> values,
                   std::int32_t zero_point, std::int32_t bias,
                   const QuantizedMultiplier& by) const {
    const std::byte* row = graph_.constants[weights].data.data() + cell * values.size();
    auto accumulator = static_cast<std::uint32_t>(bias);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::int32_t weight = static_cast<std::int8_t>(row[i]);
      accumulator += static_cast<std::uint32_t>((values[i] - zero_point) * weight);
    }
    return to_int16(multiply(static_cast<std::int32_t>(accumulator), by));
  }

  const Graph& graph_;
  const GateConstants& gates_;
  LstmParameters by_;
  Quantization input_;
  Quantization hidden_quantization_;
  std::vector<std::int8_t> hidden_;
  std::vector<std::int16_t> cells_;
};

}  // namespace

void run_unidirectional_sequence_lstm(const KernelCall& call) {
  const auto features = static_cast<std::size_t>(call.input_shape().channels);
  const auto cells = static_cast<std::size_t>(call.output_shape().channels);
  Lstm lstm(call);
  for (std::size_t step = 0; step < call.input().size() / features; ++step) {
    const auto& hidden = lstm.step(call.input().subspan(step * features, features));
    std::copy(hidden.begin(), hidden.end(),
              call.int8_output().begin() + static_cast<std::ptrdiff_t>(step * cells));
  }
  lstm.keep(call);
}

}  // namespace mcunet::engine
