#pragma once

#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/graph.hpp"
#include "schema_generated.h"
#include "tflite/permutation.hpp"
#include "tflite/slice_ranges.hpp"
#include "tflite/tensors.hpp"

namespace mcunet::engine {

// The file asks for an operator that the engine does not know in any form.
class UnknownOperator : public Error {
 public:
  using Error::Error;
};

// A number of a window or a border: throws Error if `what` is negative or beyond 16 bits.
std::int16_t narrow(std::int64_t value, const char* what);

// Appends the operators of a `.tflite` file to a graph, one after another.
class TfliteOperators {
 public:
  TfliteOperators(const tflite::Model& model, TfliteTensors& tensors, std::size_t tensor_count,
                  Graph& graph)
      : model_(model),
        tensors_(tensors),
        graph_(graph),
        activations_(tensor_count, kNoId),
        constants_(tensor_count, kNoId) {}

  void add_graph_input(std::int32_t index);
  void add_graph_output(std::int32_t index);
  // What resource variables keep from one inference to the next, after all other inputs and outputs.
  void add_states();

  // Tensors in place of the outputs of an operator that cannot be read, as the file describes them:
  // what uses them can be looked at, but the graph cannot be run.
  void add_placeholders(const tflite::Operator& source);
  // Whether it reads something of which not even the shape or the integers are known, for want of
  // an operator before it.
  bool follows_unknown(const tflite::Operator& source) const;

  // Throws UnknownOperator, or Error if the engine does not know this form of the operator; both
  // without its name and index. Operators on shapes alone add nothing to the graph; others may add several.
  void read(const tflite::Operator& source, tflite::BuiltinOperator code);

 private:
  TensorId activation(std::int32_t index) const;
  ConstantId constant(std::int32_t index);
  // The file's index; in place of parts the map that they are of.
  std::int32_t input(std::uint32_t position) const;
  std::uint32_t input_count() const;
  bool has_input(std::uint32_t position) const;
  void require_inputs(std::uint32_t least, std::uint32_t most) const;
  std::int32_t output() const;
  // Of the axis that `axis` stands for: 0 for height to 2 for channels; -1 for the batch.
  int resolve_axis(std::int32_t axis) const;

  // One function per operator of the table; op_ has its kind by then.
#define OPERATOR(kind, stem, ...) void read_##stem();
#include "mcunet/engine/graph/operators.inc"

  void read_binary(tflite::ActivationFunction activation);
  void read_unary();
  void read_reduction();
  TensorId transposed(TensorId matrices);
  template <typename Options>
  void read_resize(const Options& options);

  // window_operators.cpp
  void read_pool();
  void read_padv2();
  std::array<std::int32_t, 8> paddings() const;  // of input 0, in input 1
  void append_pad();
  TensorId mirrored(TensorId tensor, const Padding& padding, bool repeats_edges);
  void set_weights(ConstantId weights);  // and the bias
  ConstantId add_ungrouped(std::int32_t input_channels);
  void set_kernel(std::int32_t height, std::int32_t width);
  template <typename Options>
  void set_window(const Options& o);  // of a convolution whose kernel is set
  void append_convolution();
  void require_images_apart() const;  // after the strides are set
  // After the kernel and the dilation are set.
  void set_strides(tflite::Padding padding, std::int32_t height, std::int32_t width);
  // Of a window that slides over a tensor of shape `under`.
  void set_strides(tflite::Padding padding, std::int32_t height, std::int32_t width,
                   const Shape& under);

  // parts_operators.cpp
  void read_space_to_batch_nd();
  void read_batch_to_space_nd();
  bool takes_parts(tflite::BuiltinOperator code);

  // layout_operators.cpp
  void read_expand_dims();
  void read_squeeze();
  void read_identity();
  void read_pack();
  void read_unpack();
  void read_tile();
  void read_reverse();
  void retell_scale(TensorId reversed);
  void read_slice();
  void read_split();
  void read_split_v();
  void read_depth_to_space();
  void read_space_to_depth();
  TensorId exchanged(TensorId tensor, const Shape& view);  // its first two axes

  // recurrent_operators.cpp
  void read_gates();
  TensorId add_kept(std::uint32_t position);

  // state_operators.cpp
  void read_call_once();
  void read_var_handle();
  void read_read_variable();
  void read_assign_variable();
  struct Variable;
  Variable& variable();  // that input 0 names

  // Does an operator of integers that are known before the network runs.
  bool fold(tflite::BuiltinOperator code);

  OpDetails& details() { return edit_details(graph_, op_); }
  void set_activation(tflite::ActivationFunction activation);
  template <typename Options>
  const Options& options() const {
    const auto* options = source_->builtin_options_as<Options>();
    if (options == nullptr) throw Error("its options are missing");
    return *options;
  }
  void require_same_broadcast(std::int32_t first, std::int32_t second) const;
  // Adds the operator to the graph. Dimensions of the output that the file leaves open follow.
  void append(std::vector<TensorId> inputs);
  void append(std::vector<TensorId> inputs, std::int32_t output);
  void infer_open_dims(std::int32_t index);
  // The output's dimensions: sets them where the file leaves them open, else throws Error if it
  // says otherwise.
  void settle_dims(std::int32_t index, std::vector<std::int32_t> dims);

  // The values of input 0 under the dimensions `dims`, as the operator's only output.
  void append_reshape(std::vector<std::int32_t> dims);
  // `tensor` as {height, width, channels}: itself, or a reshape of it.
  TensorId viewed(TensorId tensor, const Shape& shape);
  // Joins `parts`, all of them {outer, n, inner}, along their width; together they are no larger
  // than a tensor may be.
  TensorId joined(const std::vector<TensorId>& parts);
  // An operator in between, of which the file knows nothing; its output is quantized as its input.
  TensorId append_between(Op op, const std::vector<TensorId>& inputs, const Shape& shape);
  void append_joined(const std::vector<TensorId>& parts);
  void append_view_transpose(TensorId source, const MapPermutation& permutation);

  // What `ranges` take of a tensor of the file, as an output of the operator.
  void append_part(std::int32_t source, const std::vector<SliceRange>& ranges, std::int32_t output);
  void require_outputs(std::int64_t parts) const;
  // All outputs: parts of these sizes along dimension `dim`, which they keep or drop.
  void append_parts(std::int32_t source, std::size_t dim, const std::vector<std::int32_t>& sizes,
                    bool drops);

  // SPACE_TO_BATCH_ND makes images of each n-th row and column of a map, for a convolution that goes through them with
  // its taps side by side, until BATCH_TO_SPACE_ND joins them: in the graph one convolution of the map with its taps
  // apart, and no parts.
  struct Parts {
    std::int32_t whole = -1;  // the file's index of the map
    std::int16_t block_height = 1;
    std::int16_t block_width = 1;
    Padding padding;
    const tflite::Operator* convolution = nullptr;  // that they went through
    tflite::BuiltinOperator code = {};              // which one it is
  };

  struct Variable {
    TensorId state =
        kNoId;  // what it holds when an inference begins, as an input; none: is not read before it is set
    TensorId value = kNoId;  // what it holds now
    TensorBytes initial;     // empty: zeros
  };

  const tflite::Model& model_;
  TfliteTensors& tensors_;
  Graph& graph_;
  std::vector<TensorId> activations_;  // by the file's index
  std::vector<ConstantId> constants_;
  std::map<std::int32_t, TensorId> negated_;  // what float tensors negate, by the file's index
  std::map<std::int32_t, Parts> parts_;       // likewise
  const Parts* joined_ = nullptr;             // while the convolution of parts is read
  std::int32_t joined_output_ = -1;
  std::map<std::int32_t, std::string> handles_;  // of variables, by the file's index
  std::map<std::string, Variable> variables_;
  std::map<std::int32_t, Variable> kept_;  // what single operators keep, by the file's index
  bool has_called_once_ = false;
  std::vector<Variable*> states_;   // in the order of their inputs
  std::set<std::int32_t> unknown_;  // outputs of operators that cannot be read
  const tflite::Operator* source_ = nullptr;
  Op op_;
};

}  // namespace mcunet::engine
