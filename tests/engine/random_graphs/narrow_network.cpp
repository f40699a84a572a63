// Random networks with activations of four bits.
#include "mcunet/core/random.hpp"
#include "mcunet/engine/graph/activations.hpp"
#include "mcunet/engine/graph/shape_inference.hpp"
#include "mcunet/engine/quantization/random_weights.hpp"
#include "random_graphs.hpp"
#include "random_graphs/random_graph.hpp"

namespace mcunet::engine {
namespace {

class NarrowNetwork {
 public:
  explicit NarrowNetwork(std::uint64_t seed) : random_(seed, 2000) {}

  Graph build() {
    TensorId map = add_input(graph_, {between(5, 14), between(5, 14), between(1, 4)});
    map = convolution(map, between(1, 5), between(1, 2), channels());
    if (chance()) map = pool(map);
    map = depthwise(map);
    map = convolution(map, 1, 1, channels());
    if (chance()) map = append_op(graph_, {.kind = OpKind::kRelu, .has_bias = false}, {map});
    map = residual(map);
    map = convolution(map, between(1, 3), between(1, 2), channels());
    map = chance() ? mean(map) : global_pool(map);
    graph_.outputs = {append_op(graph_, {.kind = OpKind::kFullyConnected}, {map}, between(1, 9))};
    set_bit_widths(graph_, {.weights = chance() ? 8 : 4, .activations = 4});
    RandomStream random(random_());
    return with_random_weights(graph_, random);
  }

 private:
  std::int32_t between(std::int32_t least, std::int32_t most) {
    return least +
           static_cast<std::int32_t>(random_.index(static_cast<std::uint32_t>(most - least + 1)));
  }
  bool chance() { return random_.index(2) == 0; }
  std::int32_t channels() { return chance() ? 8 * between(1, 4) : between(1, 27); }
  const Shape& shape_of(TensorId id) const { return graph_.tensors[id].shape; }

  Activation activation() {
    constexpr Activation kChoices[] = {Activation::kNone, Activation::kRelu, Activation::kRelu6};
    return kChoices[random_.index(3)];
  }

  TensorId convolution(TensorId input, std::int32_t kernel, std::int32_t stride, std::int32_t to) {
    Op op{.kind = OpKind::kConv2d, .activation = activation()};
    op.window.kernel_height = static_cast<std::int16_t>(kernel);
    op.window.kernel_width = static_cast<std::int16_t>(kernel == 1 ? 1 : between(1, kernel));
    op.window.stride_height = op.window.stride_width = static_cast<std::int16_t>(stride);
    op.window.padding = same_padding(op.window, shape_of(input));
    return append_op(graph_, op, {input}, to);
  }

  TensorId depthwise(TensorId input) {
    Op op{.kind = OpKind::kDepthwiseConv2d, .activation = activation()};
    op.window = centred_window(1 + 2 * between(1, 3), between(1, 2));
    if (chance()) op.window.padding = same_padding(op.window, shape_of(input));
    return append_op(graph_, op, {input}, shape_of(input).channels);
  }

  // An expansion, a depthwise convolution and a projection beside what it began with.
  TensorId residual(TensorId input) {
    TensorId map = convolution(input, 1, 1, channels());
    Op op{.kind = OpKind::kDepthwiseConv2d, .activation = activation()};
    op.window = centred_window(3, 1);
    map = append_op(graph_, op, {map}, shape_of(map).channels);
    map = convolution(map, 1, 1, shape_of(input).channels);
    constexpr OpKind kKinds[] = {OpKind::kAdd, OpKind::kSub, OpKind::kMul};
    return append_op(graph_, {.kind = kKinds[random_.index(3)], .has_bias = false}, {input, map});
  }

  TensorId pool(TensorId input) {
    Op op{.kind = chance() ? OpKind::kMaxPool2d : OpKind::kAveragePool2d, .has_bias = false};
    op.window.kernel_height = op.window.kernel_width = static_cast<std::int16_t>(between(1, 3));
    op.window.stride_height = op.window.stride_width = static_cast<std::int16_t>(between(1, 2));
    op.window.padding = same_padding(op.window, shape_of(input));
    return append_op(graph_, op, {input});
  }

  TensorId mean(TensorId input) {
    Op op{.kind = OpKind::kMean, .has_bias = false};
    edit_details(graph_, op).reduced = {true, true, false};
    return append_op(graph_, op, {input});
  }

  TensorId global_pool(TensorId input) {
    Op op{.kind = OpKind::kAveragePool2d, .has_bias = false};
    op.window.kernel_height = static_cast<std::int16_t>(shape_of(input).height);
    op.window.kernel_width = static_cast<std::int16_t>(shape_of(input).width);
    return append_op(graph_, op, {input});
  }

  Numbers random_;
  Graph graph_;
};

}  // namespace

Graph random_narrow_network(std::uint64_t seed) { return NarrowNetwork(seed).build(); }

}  // namespace mcunet::engine
