#pragma once

#include <vector>

#include "mcunet/engine/graph/graph.hpp"
#include "schema_generated.h"
#include "tflite/tensors.hpp"

namespace mcunet::engine {

// Appends the operators of a `.tflite` file to a graph, one after another.
class TfliteOperators {
 public:
  TfliteOperators(TfliteTensors& tensors, std::size_t tensor_count, Graph& graph)
      : tensors_(tensors),
        graph_(graph),
        activations_(tensor_count, kNoId),
        constants_(tensor_count, kNoId) {}

  void add_graph_input(std::int32_t index);
  void add_graph_output(std::int32_t index);

  // Throws Error, without the operator's name and index, if it is not one that the engine knows.
  void read(const tflite::Operator& source, tflite::BuiltinOperator code);

 private:
  TensorId activation(std::int32_t index) const;
  ConstantId constant(std::int32_t index);
  std::int32_t input(std::uint32_t position) const;  // the file's index
  std::uint32_t input_count() const;
  bool has_input(std::uint32_t position) const;
  void require_inputs(std::uint32_t least, std::uint32_t most) const;
  std::int32_t output() const;
  // Of the axis that `axis` stands for: 0 for height to 2 for channels; -1 for the batch.
  int resolve_axis(std::int32_t axis) const;

  // One function per operator; op_ has its kind by then.
#define OPERATOR(kind, stem, ...) void read_##stem();
#include "mcunet/engine/graph/operators.inc"

  void read_pool();
  void read_binary(tflite::ActivationFunction activation);
  void read_unary();

  OpDetails& details() { return edit_details(graph_, op_); }
  void set_weights();
  void set_kernel(std::int32_t height, std::int32_t width);
  // After the kernel and the dilation are set.
  void set_strides(tflite::Padding padding, std::int32_t height, std::int32_t width);
  void set_activation(tflite::ActivationFunction activation);
  template <typename Options>
  const Options& options() const;
  void append(std::vector<TensorId> inputs);

  TfliteTensors& tensors_;
  Graph& graph_;
  std::vector<TensorId> activations_;  // by the file's index
  std::vector<ConstantId> constants_;
  const tflite::Operator* source_ = nullptr;
  Op op_;
};

}  // namespace mcunet::engine
