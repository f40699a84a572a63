#include "mcunet/engine/tflite/reader.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/engine/graph/graph_validator.hpp"
#include "schema_generated.h"
#include "tflite/operators.hpp"
#include "tflite/tensors.hpp"

namespace mcunet::engine {
namespace {

constexpr std::uint32_t kVersion = 3;
constexpr std::size_t kAlignment = 16;

const tflite::Model& verify(std::span<const std::byte> contents) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(contents.data());
  // The root's offset and the identifier behind it.
  if (contents.size() < 8 || !tflite::ModelBufferHasIdentifier(bytes)) {
    throw Error("is not a TensorFlow Lite model");
  }
  flatbuffers::Verifier verifier(bytes, contents.size());
  if (!tflite::VerifyModelBuffer(verifier)) throw Error("the file is damaged");
  const tflite::Model& model = *tflite::GetModel(bytes);
  if (model.version() != kVersion) throw Error("version {} is not supported", model.version());
  if (model.subgraphs() == nullptr || model.subgraphs()->size() == 0) {
    throw Error("the model has no graph");
  }
  return model;
}

// Old writers know the one-byte code only; codes above 126 do not fit it.
tflite::BuiltinOperator builtin_code(const tflite::OperatorCode& code) {
  const auto deprecated = static_cast<tflite::BuiltinOperator>(code.deprecated_builtin_code());
  return std::max(deprecated, code.builtin_code());
}

const tflite::OperatorCode& operator_code(const tflite::Model& model,
                                          const tflite::Operator& source, std::size_t index) {
  const auto* codes = model.operator_codes();
  if (codes == nullptr || source.opcode_index() >= codes->size()) {
    throw Error("operator {}: there is no operator code {}", index, source.opcode_index());
  }
  return *codes->Get(source.opcode_index());
}

std::string describe(const tflite::OperatorCode& code) {
  const tflite::BuiltinOperator builtin = builtin_code(code);
  if (builtin == tflite::BuiltinOperator_CUSTOM && code.custom_code() != nullptr) {
    return fmt::format("CUSTOM {}", code.custom_code()->string_view().substr(0, 100));
  }
  const std::string name = tflite::EnumNameBuiltinOperator(builtin);
  return name.empty() ? fmt::format("operator code {}", static_cast<int>(builtin)) : name;
}

std::string describe_output(const TfliteTensors& tensors, const tflite::Operator& source) {
  if (source.outputs() == nullptr || source.outputs()->size() == 0) return "no output";
  try {
    return tensors.describe(source.outputs()->Get(0));
  } catch (const Error& error) {
    return error.what();
  }
}

void read_operators(const tflite::Model& model, const tflite::SubGraph& subgraph,
                    TfliteTensors& tensors, TfliteOperators& operators, Graph& graph) {
  if (subgraph.operators() == nullptr) return;
  for (const tflite::Operator* source : *subgraph.operators()) {
    const std::size_t index = graph.ops.size();
    const tflite::OperatorCode& code = operator_code(model, *source, index);
    try {
      operators.read(*source, builtin_code(code));
    } catch (const Error& error) {
      throw Error("operator {} ({}), producing {}: {}", index, describe(code),
                  describe_output(tensors, *source), error.what());
    }
    validate_op(graph, static_cast<OpId>(index));
  }
}

Graph read_graph(std::span<const std::byte> contents) {
  const tflite::Model& model = verify(contents);
  const tflite::SubGraph& subgraph = *model.subgraphs()->Get(0);
  const std::size_t tensor_count = subgraph.tensors() == nullptr ? 0 : subgraph.tensors()->size();
  Graph graph;
  TfliteTensors tensors(model, subgraph, contents.size());
  TfliteOperators operators(tensors, tensor_count, graph);
  if (subgraph.inputs() == nullptr || subgraph.outputs() == nullptr ||
      subgraph.inputs()->size() == 0 || subgraph.outputs()->size() == 0) {
    throw Error("the model has no inputs or no outputs");
  }
  for (std::int32_t index : *subgraph.inputs()) operators.add_graph_input(index);
  read_operators(model, subgraph, tensors, operators, graph);
  for (std::int32_t index : *subgraph.outputs()) operators.add_graph_output(index);
  validate_graph(graph);
  return graph;
}

}  // namespace

Graph read_tflite(std::span<const std::byte> contents, std::string_view name) {
  try {
    // Numbers in the file are aligned relative to its begin.
    if (reinterpret_cast<std::uintptr_t>(contents.data()) % kAlignment == 0) {
      return read_graph(contents);
    }
    return read_graph(std::vector(contents.begin(), contents.end()));
  } catch (const Error& error) {
    throw Error("{}: {}", name, error.what());
  }
}

Graph read_tflite(const std::filesystem::path& file) {
  const std::string contents = read_file(file);
  return read_tflite(std::as_bytes(std::span(contents)), file.string());
}

}  // namespace mcunet::engine
