#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "mcunet/engine/graph/graph.hpp"
#include "schema_generated.h"
#include "tflite/shape_folding.hpp"

// The tensors of a `.tflite` file in the engine's terms. All accessors check what they return and
// throw Error that names the tensor.
namespace mcunet::engine {

// {height, width, channels}, where height counts all dimensions before the last two.
Shape view_of(std::span<const std::int32_t> dims);

class TfliteTensors {
 public:
  // `file_bytes` bounds what may be copied out of the file, whose tables can share their contents.
  TfliteTensors(const tflite::Model& model, const tflite::SubGraph& subgraph,
                std::size_t file_bytes);

  std::string describe(std::int32_t index) const;
  // Whether the file holds its contents.
  bool is_constant(std::int32_t index) const;

  // Up to six dimensions, positive, of at most kMaxTensorBytes together.
  std::vector<std::int32_t> dims(std::int32_t index) const;
  // Whether the file leaves some of them open, and set_dims() has not settled them: they follow
  // from the operator that produces the tensor.
  bool has_open_dims(std::int32_t index) const;
  void set_dims(std::int32_t index, std::vector<std::int32_t> dims);
  // Whether it is one map: at most four dimensions, with a batch of 1.
  bool is_map(std::int32_t index) const;
  // Throws Error unless it is.
  void require_map(std::int32_t index) const;

  // Its shape is the view_of() its dimensions.
  Tensor activation(std::int32_t index) const;
  // The same of a variable, which one operator keeps.
  Tensor variable(std::int32_t index) const;
  TensorInfo info(std::int32_t index);
  Constant constant(std::int32_t index);

  // Integers that are known before the network runs: int32 or int64, held by the file or folded.
  bool has_integers(std::int32_t index) const;
  IntegerTensor integers(std::int32_t index) const;
  // Axes, shapes, paddings: two per dimension at most.
  std::vector<std::int32_t> short_integers(std::int32_t index) const;
  void set_integers(std::int32_t index, IntegerTensor value);

  // Counts bytes copied out of the file; throws Error when they become too many.
  void charge(std::size_t bytes);
  // `dims` for the tensor; throws Error if they are empty, too many or too large.
  std::vector<std::int32_t> checked_dims(std::int32_t index, std::vector<std::int32_t> dims) const;

 private:
  const tflite::Tensor& at(std::int32_t index) const;
  DataType type(std::int32_t index) const;
  std::string type_name(std::int32_t index) const;
  std::string name(std::int32_t index) const;
  const flatbuffers::Vector<std::uint8_t>* contents(std::int32_t index) const;
  std::int32_t zero_point(std::int32_t index) const;  // of a tensor with scales
  const flatbuffers::Vector<float>* scales(std::int32_t index) const;

  const tflite::Model& model_;
  const tflite::SubGraph& subgraph_;
  std::size_t bytes_left_;
  std::map<std::int32_t, std::vector<std::int32_t>> dims_;  // that the file leaves open
  std::map<std::int32_t, IntegerTensor> integers_;          // folded
};

}  // namespace mcunet::engine
