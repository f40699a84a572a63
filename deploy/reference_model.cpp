#include "mcunet/deploy/reference_model.hpp"

#include <cstring>
#include <map>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/tflite/reader.hpp"

namespace mcunet::deploy {
namespace {

using engine::DataType;
using engine::Graph;
using engine::OpKind;
using engine::TensorId;

constexpr std::byte kSign{0x80};  // int8 and uint8 of one real number differ by 128

// The int8 tensor behind a float input.
TensorId quantized_input(const Graph& graph, TensorId input) {
  for (const engine::Op& op : graph.ops) {
    if (op.kind == OpKind::kQuantize && graph.inputs_of(op)[0] == input) return op.output;
  }
  throw Error("its float input goes into no QUANTIZE");
}

// The int8 or uint8 tensor before an output of float.
TensorId quantized_output(const Graph& graph, TensorId output) {
  if (graph.tensors[output].type != DataType::kFloat32) return output;
  for (const engine::Op& op : graph.ops) {
    if (op.output != output) continue;
    if (op.kind == OpKind::kDequantize) return graph.inputs_of(op)[0];
  }
  throw Error("one of its outputs has no int8 form");
}

}  // namespace

ReferenceModel::ReferenceModel(const std::filesystem::path& model_file, engine::Borders borders)
    : graph_(engine::read_tflite(model_file)), states_(graph_.states), borders_(borders) {}

engine::TensorBytes ReferenceModel::to_graph_input(TensorId tensor,
                                                   std::span<const std::int8_t> input) const {
  if (borders_ == engine::Borders::kInvoke) {
    const auto bytes = std::as_bytes(input);
    return {bytes.begin(), bytes.end()};
  }
  const DataType type = graph_.tensors[tensor].type;
  if (type == DataType::kInt8 || type == DataType::kUint8) {
    engine::TensorBytes bytes;
    for (const std::int8_t value : input) {
      const auto byte = static_cast<std::byte>(value);
      bytes.push_back(type == DataType::kUint8 ? byte ^ kSign : byte);
    }
    return bytes;
  }
  if (type != DataType::kFloat32) throw Error("its input has no int8 form");
  const engine::Quantization& q = graph_.info_of(quantized_input(graph_, tensor)).quantization;
  engine::TensorBytes bytes(input.size() * sizeof(float));
  for (std::size_t i = 0; i < input.size(); ++i) {
    const float real = q.scale * static_cast<float>(input[i] - q.zero_point);
    std::memcpy(bytes.data() + i * sizeof(real), &real, sizeof(real));
  }
  return bytes;
}

std::vector<std::vector<std::int8_t>> ReferenceModel::run(std::span<const std::int8_t> input) {
  std::map<TensorId, std::vector<std::int8_t>> wanted;
  std::vector<TensorId> order;
  for (const TensorId output : graph_.told_outputs()) {
    const bool is_own = borders_ == engine::Borders::kInvoke;
    order.push_back(is_own ? output : quantized_output(graph_, output));
    wanted[order.back()] = {};
  }
  // An input may be an output too.
  const auto keep = [&](TensorId tensor, std::span<const std::byte> bytes) {
    const auto found = wanted.find(tensor);
    if (found == wanted.end()) return;
    found->second.resize(bytes.size());
    std::memcpy(found->second.data(), bytes.data(), bytes.size());
  };
  const auto observe = [&](engine::OpId op, std::span<const std::byte> bytes) {
    keep(graph_.ops[op].output, bytes);
  };
  std::vector<engine::TensorBytes> inputs;
  for (const TensorId tensor : graph_.given_inputs()) {
    const engine::Tensor& border = graph_.tensors[tensor];
    const auto size = static_cast<std::size_t>(
        borders_ == engine::Borders::kInvoke ? border.bytes() : border.shape.elements());
    if (input.size() < size)
      throw Error("the input ends after {} bytes too few", size - input.size());
    inputs.push_back(to_graph_input(tensor, input.first(size)));
    keep(tensor, inputs.back());
    input = input.subspan(size);
  }
  if (!input.empty()) throw Error("the input has {} bytes too many", input.size());
  for (std::size_t i = 0; i < states_.size(); ++i) {
    keep(graph_.state_inputs()[i], states_[i]);
    inputs.push_back(std::move(states_[i]));
  }
  std::vector<engine::TensorBytes> given = engine::execute(graph_, inputs, observe);
  std::move(given.end() - static_cast<std::ptrdiff_t>(states_.size()), given.end(),
            states_.begin());
  std::vector<std::vector<std::int8_t>> outputs;
  outputs.reserve(order.size());
  for (const TensorId tensor : order) {
    outputs.push_back(wanted[tensor]);
    const bool is_retyped =
        borders_ == engine::Borders::kCaller && graph_.tensors[tensor].type == DataType::kUint8;
    if (!is_retyped) continue;
    for (std::int8_t& value : outputs.back()) value = static_cast<std::int8_t>(value ^ -128);
  }
  return outputs;
}

std::optional<std::filesystem::path> find_model_file(const std::filesystem::path& folder) {
  for (const char* name : {"model.tflite", "model.mcunet"}) {
    std::error_code ignored;
    if (std::filesystem::exists(folder / name, ignored)) return folder / name;
  }
  return std::nullopt;
}

}  // namespace mcunet::deploy
