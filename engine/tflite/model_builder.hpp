#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "mcunet/engine/graph/graph.hpp"
#include "schema_generated.h"

// The tables of a `.tflite` file under construction, in the format's terms.
namespace mcunet::engine {

class TfliteModelBuilder {
 public:
  TfliteModelBuilder();

  flatbuffers::FlatBufferBuilder& fbb() { return fbb_; }

  // Each returns the index of the tensor that it adds. `signature` has -1 for dimensions that are
  // left open.
  std::int32_t add_activation(const std::string& name, DataType type,
                              const std::vector<std::int32_t>& dims,
                              const Quantization& quantization,
                              const std::vector<std::int32_t>& signature = {});
  std::int32_t add_constant(const Constant& constant);
  std::int32_t add_integers(const std::string& name, const std::vector<std::int32_t>& values,
                            const std::vector<std::int32_t>& dims);

  // What an operator keeps between inferences.
  std::int32_t add_variable(const std::string& name, DataType type,
                            const std::vector<std::int32_t>& dims,
                            const Quantization& quantization);

  // Of a resource variable.
  std::int32_t add_handle(const std::string& name);

  void add_operator(tflite::BuiltinOperator code, int version,
                    const std::vector<std::int32_t>& inputs, std::int32_t output,
                    tflite::BuiltinOptions options_type, flatbuffers::Offset<void> options);
  void add_operator(tflite::BuiltinOperator code, int version,
                    const std::vector<std::int32_t>& inputs,
                    const std::vector<std::int32_t>& outputs, tflite::BuiltinOptions options_type,
                    flatbuffers::Offset<void> options,
                    const std::vector<std::int32_t>& intermediates = {});

  // What follows belongs to the next graph; the first is the one that runs.
  void end_graph(const std::vector<std::int32_t>& inputs, const std::vector<std::int32_t>& outputs);
  // Ends the last graph, and all.
  std::vector<std::byte> finish(const std::vector<std::int32_t>& inputs,
                                const std::vector<std::int32_t>& outputs);

 private:
  std::uint32_t add_buffer(std::span<const std::byte> data);
  flatbuffers::Offset<tflite::QuantizationParameters> quantization_of(const Quantization& q);
  std::int32_t add_tensor(flatbuffers::Offset<tflite::Tensor> tensor);

  flatbuffers::FlatBufferBuilder fbb_;
  std::vector<flatbuffers::Offset<tflite::Buffer>> buffers_;
  std::vector<flatbuffers::Offset<tflite::Tensor>> tensors_;
  std::vector<flatbuffers::Offset<tflite::Operator>> operators_;
  std::vector<flatbuffers::Offset<tflite::SubGraph>> subgraphs_;
  std::vector<flatbuffers::Offset<tflite::OperatorCode>> codes_;
  std::map<std::pair<tflite::BuiltinOperator, int>, std::uint32_t> code_indices_;
};

}  // namespace mcunet::engine
