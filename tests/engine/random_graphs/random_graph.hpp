#pragma once

#include <array>
#include <random>
#include <span>
#include <vector>

#include "mcunet/engine/graph/graph.hpp"
#include "mcunet/engine/graph/operator_table.hpp"
#include "mcunet/engine/graph/shape_inference.hpp"

// How the graphs of random_graphs.hpp are made: what all families of operators draw from, here; what
// is particular to one, in its file.
namespace mcunet::engine {

// Numbers that golden outputs depend on: the standard fixes this generator for good.
class Numbers {
 public:
  Numbers(std::uint64_t seed, std::uint64_t stream) : generator_(seed * 4096 + stream) {}

  std::uint64_t operator()() { return generator_(); }
  // In [0, count).
  std::uint32_t index(std::uint32_t count) {
    return static_cast<std::uint32_t>((generator_() >> 32) * count >> 32);
  }
  double uniform() { return static_cast<double>(generator_() >> 11) * 0x1.0p-53; }

 private:
  std::mt19937_64 generator_;
};

// The values keep the streams of random numbers apart.
// kInt4: weights of four bits, in usual forms or, by the seed, rare ones or such of wide sums.
enum class Form { kUsual = 0, kRare = 500, kWideSums = 700, kInt4 = 900 };

// A graph of one operator. Each row of the table of operators has its function, build_<name>.
class RandomGraph {
 public:
  RandomGraph(OpKind kind, std::uint64_t seed, Form form)
      : random_(seed, static_cast<std::uint64_t>(kind) + static_cast<std::uint64_t>(form)),
        is_rare_(form == Form::kRare || (form == Form::kInt4 && seed % 4 == 1)),
        has_wide_sums_(form == Form::kWideSums || (form == Form::kInt4 && seed % 4 == 2)) {
    op_.kind = kind;
    if (form == Form::kInt4) op_.weight_bits = 4;
    op_.has_bias = false;
  }

  Graph build() {
    static constexpr std::array<void (RandomGraph::*)(), kOpKinds> kBuilders = {
#define OPERATOR(kind, stem, ...) &RandomGraph::build_##stem,
#include "mcunet/engine/graph/operators.inc"
    };
    (this->*kBuilders[static_cast<std::size_t>(op_.kind)])();
    graph_.outputs = {static_cast<TensorId>(graph_.tensors.size()) - 1};
    for (TensorId state : graph_.state_inputs()) graph_.outputs.push_back(state);
    return std::move(graph_);
  }

 private:
#define OPERATOR(kind, stem, ...) void build_##stem();
#include "mcunet/engine/graph/operators.inc"

  std::int32_t between(std::int32_t least, std::int32_t most) {
    return least +
           static_cast<std::int32_t>(random_.index(static_cast<std::uint32_t>(most - least + 1)));
  }
  bool chance(std::int32_t one_in) { return between(1, one_in) == 1; }
  double factor(double least, double most) { return least + (most - least) * random_.uniform(); }

  Shape random_shape() { return {between(1, 9), between(1, 9), between(1, 11)}; }

  Quantization random_quantization(double scale = 0.02) {
    const std::int32_t zero_point = chance(3) ? -128 : between(-128, 127);
    return {static_cast<float>(scale * factor(0.25, 4)), zero_point};
  }

  void set_info(TensorId id, const char* name, const Quantization& quantization,
                std::int32_t rank = 4) {
    TensorInfo& info = edit_info(graph_, id);
    info.name = name;
    info.quantization = quantization;
    info.rank = rank;
  }

  TensorId new_input(const Shape& shape, const Quantization& quantization) {
    const TensorId id = add_input(graph_, shape);
    set_info(id, "input", quantization);
    return id;
  }

  void finish(std::span<const TensorId> inputs, const Shape& output, Quantization q,
              std::int32_t rank = 4) {
    set_info(append_op(graph_, op_, inputs, {output, DataType::kInt8}), "output", q, rank);
  }

  const Quantization& quantization_of(TensorId id) { return graph_.info_of(id).quantization; }

  void choose_activation() {
    constexpr std::array kChoices = {Activation::kNone, Activation::kNone, Activation::kRelu,
                                     Activation::kRelu6, Activation::kReluN1To1};
    op_.activation = kChoices[random_.index(kChoices.size())];
  }

  std::vector<std::byte> random_bytes(std::int64_t count) {
    std::vector<std::byte> bytes(static_cast<std::size_t>(count));
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random_() >> 56);
    return bytes;
  }

  void choose_window(const Shape& input) {
    Window& w = op_.window;
    w.kernel_height = static_cast<std::int16_t>(between(1, 5));
    w.kernel_width = static_cast<std::int16_t>(between(1, 5));
    w.stride_height = w.stride_width = static_cast<std::int16_t>(between(1, 3));
    const bool fits = w.extent_height() <= input.height && w.extent_width() <= input.width;
    if (!fits || chance(2)) w.padding = same_padding(w, input);
  }

  // Of what moves values.
  TensorId moved_input() {
    const Shape shape = random_shape();
    return new_input(shape, random_quantization());
  }

  Shape infer_of(TensorId input, std::int32_t output_channels = 0) {
    Graph probe = graph_;
    return probe.tensors[append_op(probe, op_, {input}, output_channels)].shape;
  }

  // convolution.cpp
  ConstantId add_weights(std::vector<std::int32_t> dims, std::int32_t axis);
  ConstantId add_bias(std::int32_t channels, double spread);
  Quantization add_parameters(std::vector<std::int32_t> dims, std::int32_t axis, std::int32_t taps,
                              TensorId input);
  void widen_sums(std::int32_t axis, TensorId input, const Quantization& output);
  static void clear_weights(Constant& weights, std::int32_t axis, std::int32_t channel);
  void choose_specialised_window(const Shape& input);
  void build_convolution();
  void build_matrix();
  void build_matrix_rows();

  // recurrent.cpp
  ConstantId add_gate(const char* name, std::int32_t cells, std::int32_t values, double scale);
  TensorId add_state(const char* name, std::int32_t cells, DataType type,
                     const Quantization& quantization);

  // pooling.cpp
  void build_pool();
  Quantization reduced_quantization(TensorId input);
  void build_any_reduction(TensorId input, OpDetails& details);
  void build_reduction();

  // elementwise.cpp
  Shape broadcasting(const Shape& shape);
  ConstantId add_operand(const Shape& shape, const Quantization& quantization);
  void build_binary();

  // activations.cpp
  void build_conversion();
  void build_unary();
  void build_real_function();

  // layout.cpp
  void build_joined();
  void build_resize();

  Numbers random_;
  bool is_rare_;
  bool has_wide_sums_;
  Graph graph_;
  Op op_;
};

}  // namespace mcunet::engine
