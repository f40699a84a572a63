#include "onnx_file.hpp"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <cstdint>
#include <vector>

#include "mcunet/core/error.hpp"
#include "mcunet/core/version.hpp"

namespace mcunet::pipeline {
namespace {

using engine::FloatParameters;
using engine::Op;
using engine::OpKind;

constexpr int kIrVersion = 7;
constexpr int kOpset = 13;
constexpr char kInput[] = "image";
constexpr char kOutput[] = "logits";

void set_integers(onnx::NodeProto& node, const char* name,
                  const std::vector<std::int64_t>& values) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INTS);
  for (const std::int64_t value : values) attribute.add_ints(value);
}

void set_integer(onnx::NodeProto& node, const char* name, std::int64_t value) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INT);
  attribute.set_i(value);
}

void describe(onnx::ValueInfoProto& value, const char* name,
              const std::vector<std::int64_t>& dims) {
  value.set_name(name);
  onnx::TypeProto::Tensor& type = *value.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  type.mutable_shape()->add_dim()->set_dim_param("N");
  for (const std::int64_t dim : dims) type.mutable_shape()->add_dim()->set_dim_value(dim);
}

// [outer, inner, channels] -> [outer, channels, inner], or with outer and channels in each other's
// place: TFLite's orders of weights to ONNX's.
std::vector<float> to_oihw(const std::vector<float>& ohwi, std::int64_t inner,
                           std::int64_t inputs) {
  std::vector<float> result(ohwi.size());
  const std::int64_t filter = inner * inputs;
  for (std::int64_t i = 0; i < std::int64_t(ohwi.size()); ++i) {
    const std::int64_t pixel = i % filter / inputs;
    result[i / filter * filter + i % inputs * inner + pixel] = ohwi[i];
  }
  return result;
}

class OnnxBuilder {
 public:
  OnnxBuilder(const FloatGraph& network, const std::string& name) : network_(network) {
    model_.set_ir_version(kIrVersion);
    model_.set_producer_name("mcunet");
    model_.set_producer_version(kVersion);
    model_.add_opset_import()->set_version(kOpset);
    graph().set_name(name);
    const engine::Graph& g = network.graph;
    const engine::Shape& image = g.tensors[g.inputs[0]].shape;
    describe(*graph().add_input(), kInput, {image.channels, image.height, image.width});
    describe(*graph().add_output(), kOutput, {g.tensors[g.outputs[0]].shape.channels});
  }

  std::string build() {
    for (std::size_t id = 0; id < network_.graph.ops.size(); ++id) add_op(id);
    return model_.SerializeAsString();
  }

 private:
  onnx::GraphProto& graph() { return *model_.mutable_graph(); }

  std::string name_of(engine::TensorId id) const {
    if (id == network_.graph.inputs[0]) return kInput;
    if (id == network_.graph.outputs[0]) return kOutput;
    return fmt::format("tensor{}", id);
  }

  onnx::NodeProto& add_node(const char* kind, const std::vector<std::string>& inputs,
                            const std::string& output) {
    onnx::NodeProto& node = *graph().add_node();
    node.set_op_type(kind);
    node.set_name(fmt::format("{}{}", kind, graph().node_size() - 1));
    for (const std::string& input : inputs) node.add_input(input);
    node.add_output(output);
    return node;
  }

  std::string add_constant(const std::string& name, const std::vector<std::int64_t>& dims,
                           const std::vector<float>& values) {
    onnx::TensorProto& tensor = *graph().add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    for (const std::int64_t dim : dims) tensor.add_dims(dim);
    tensor.set_raw_data(values.data(), values.size() * sizeof(float));  // little-endian
    return name;
  }

  // Shared by all nodes that clamp to the same value.
  std::string scalar(const char* name, float value) {
    for (const onnx::TensorProto& tensor : graph().initializer()) {
      if (tensor.name() == name) return name;
    }
    return add_constant(name, {}, {value});
  }

  void add_op(std::size_t id) {
    const Op& op = network_.graph.ops[id];
    const std::string output = name_of(op.output);
    const bool is_clamped = op.activation != engine::Activation::kNone;
    const std::string result = is_clamped ? output + "_linear" : output;
    add_linear_part(id, op, result);
    if (op.activation == engine::Activation::kRelu) add_node("Relu", {result}, output);
    if (op.activation == engine::Activation::kRelu6) {
      add_node("Clip", {result, scalar("zero", 0), scalar("six", 6)}, output);
    }
  }

  void add_linear_part(std::size_t id, const Op& op, const std::string& output) {
    const auto inputs = network_.graph.inputs_of(op);
    const std::string input = name_of(inputs[0]);
    switch (op.kind) {
      case OpKind::kConv2d:
      case OpKind::kDepthwiseConv2d:
        return add_convolution(id, op, input, output);
      case OpKind::kFullyConnected:
        return add_classifier(id, op, input, output);
      case OpKind::kAveragePool2d:
        add_node("GlobalAveragePool", {input}, output);
        return;
      case OpKind::kAdd:
        add_node("Add", {input, name_of(inputs[1])}, output);
        return;
      default:
        throw Error("ONNX: operator {} ({}) is not part of a trained network", id,
                    engine::name_of(op.kind));
    }
  }

  void add_convolution(std::size_t id, const Op& op, const std::string& input,
                       const std::string& output) {
    const engine::Window& window = op.window;
    const FloatParameters& floats = network_.parameters[id];
    const std::int64_t outputs = network_.graph.output_of(op).shape.channels;
    const bool is_depthwise = op.kind == OpKind::kDepthwiseConv2d;
    const std::int64_t inputs = network_.graph.input_of(op).shape.channels;
    const std::int64_t taps = std::int64_t{window.kernel_height} * window.kernel_width;
    // A depthwise convolution's [1, h, w, c] has the channels last as if they were inputs of one
    // filter, so that the same move gives [c, 1, h, w].
    const std::string weights = add_constant(
        output + "_weights",
        {outputs, is_depthwise ? 1 : inputs, window.kernel_height, window.kernel_width},
        to_oihw(floats.weights, taps, inputs));
    const std::string bias = add_constant(output + "_bias", {outputs}, floats.bias);
    onnx::NodeProto& node = add_node("Conv", {input, weights, bias}, output);
    set_integers(node, "kernel_shape", {window.kernel_height, window.kernel_width});
    set_integers(node, "strides", {window.stride_height, window.stride_width});
    const engine::Padding& padding = window.padding;
    set_integers(node, "pads", {padding.top, padding.left, padding.bottom, padding.right});
    set_integer(node, "group", is_depthwise ? inputs : 1);
  }

  void add_classifier(std::size_t id, const Op& op, const std::string& input,
                      const std::string& output) {
    const FloatParameters& floats = network_.parameters[id];
    const std::int64_t outputs = network_.graph.output_of(op).shape.channels;
    const engine::Shape& shape = network_.graph.input_of(op).shape;
    const std::string weights = add_constant(
        output + "_weights", {outputs, shape.elements()},
        to_oihw(floats.weights, std::int64_t{shape.height} * shape.width, shape.channels));
    const std::string bias = add_constant(output + "_bias", {outputs}, floats.bias);
    add_node("Flatten", {input}, output + "_features");
    onnx::NodeProto& node = add_node("Gemm", {output + "_features", weights, bias}, output);
    set_integer(node, "transB", 1);
  }

  const FloatGraph& network_;
  onnx::ModelProto model_;
};

}  // namespace

std::string to_onnx(const FloatGraph& network, const std::string& name) {
  return OnnxBuilder(network, name).build();
}

}  // namespace mcunet::pipeline
