#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mcunet/engine/graph/graph.hpp"
#include "schema_generated.h"

// The tensors of a `.tflite` file in the engine's terms. All accessors check what they return and
// throw Error that names the tensor.
namespace mcunet::engine {

class TfliteTensors {
 public:
  // `file_bytes` bounds what may be copied out of the file, whose tables can share their contents.
  TfliteTensors(const tflite::Model& model, const tflite::SubGraph& subgraph,
                std::size_t file_bytes);

  std::string describe(std::int32_t index) const;
  // Whether the file holds its contents.
  bool is_constant(std::int32_t index) const;
  // Up to four dimensions, positive, of at most kMaxTensorBytes together.
  std::vector<std::int32_t> dims(std::int32_t index) const;

  Tensor activation(std::int32_t index) const;
  TensorInfo info(std::int32_t index);
  Constant constant(std::int32_t index);
  // The contents of a constant int32 tensor.
  std::vector<std::int32_t> integers(std::int32_t index) const;

  // Counts bytes copied out of the file; throws Error when they become too many.
  void charge(std::size_t bytes);

 private:
  const tflite::Tensor& at(std::int32_t index) const;
  DataType type(std::int32_t index) const;
  std::string name(std::int32_t index) const;
  const flatbuffers::Vector<std::uint8_t>* contents(std::int32_t index) const;
  std::int32_t zero_point(std::int32_t index) const;  // of a tensor with scales
  const flatbuffers::Vector<float>* scales(std::int32_t index) const;

  const tflite::Model& model_;
  const tflite::SubGraph& subgraph_;
  std::size_t bytes_left_;
};

}  // namespace mcunet::engine
