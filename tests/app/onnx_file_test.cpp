#include "pipeline/onnx_file.hpp"

#include <ATen/Functions.h>
#include <gmock/gmock.h>
#include <onnx/checker.h>

#include <cstdlib>
#include <map>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "trained_network.hpp"

namespace mcunet::pipeline {
namespace {

onnx::ModelProto parse(const std::string& bytes) {
  onnx::ModelProto model;
  EXPECT_TRUE(model.ParseFromString(bytes));
  return model;
}

std::vector<std::int64_t> integers(const onnx::NodeProto& node, const std::string& name) {
  for (const onnx::AttributeProto& attribute : node.attribute()) {
    if (attribute.name() != name) continue;
    if (attribute.type() == onnx::AttributeProto::INT) return {attribute.i()};
    return {attribute.ints().begin(), attribute.ints().end()};
  }
  ADD_FAILURE() << node.name() << " has no " << name;
  return {};
}

// The operators as ONNX specifies them.
at::Tensor run_node(const onnx::NodeProto& node, const std::vector<at::Tensor>& in) {
  const std::string& kind = node.op_type();
  if (kind == "Conv") {
    const auto pads = integers(node, "pads");  // top, left, bottom, right
    const at::Tensor padded = at::constant_pad_nd(in[0], {pads[1], pads[3], pads[0], pads[2]}, 0);
    return at::conv2d(padded, in[1], in[2], integers(node, "strides"), at::IntArrayRef{0, 0},
                      at::IntArrayRef{1, 1}, integers(node, "group")[0]);
  }
  if (kind == "Clip") return at::clamp(in[0], in[1].item(), in[2].item());
  if (kind == "Relu") return at::relu(in[0]);
  if (kind == "Add") return in[0] + in[1];
  if (kind == "GlobalAveragePool") return in[0].mean({2, 3}, /*keepdim=*/true);
  if (kind == "Flatten") return in[0].flatten(1);
  EXPECT_EQ(kind, "Gemm");
  EXPECT_EQ(integers(node, "transB")[0], 1);
  return at::matmul(in[0], in[1].t()) + in[2];
}

at::Tensor run(const onnx::ModelProto& model, const at::Tensor& images) {
  std::map<std::string, at::Tensor> tensors = {{"image", images}};
  for (const onnx::TensorProto& constant : model.graph().initializer()) {
    const std::vector<std::int64_t> dims(constant.dims().begin(), constant.dims().end());
    const std::string& raw = constant.raw_data();
    tensors[constant.name()] =
        at::from_blob(const_cast<char*>(raw.data()), dims, at::kFloat).clone();
  }
  for (const onnx::NodeProto& node : model.graph().node()) {
    std::vector<at::Tensor> inputs;
    for (const std::string& input : node.input()) inputs.push_back(tensors.at(input));
    tensors[node.output(0)] = run_node(node, inputs);
  }
  return tensors.at("logits");
}

TEST(OnnxFile, ComputesWhatTheNetworkDoes) {
  supernet::FixedNetwork network = trained_network(small_network());
  const onnx::ModelProto model = parse(to_onnx(lower(network), "small"));
  EXPECT_NO_THROW(onnx::checker::check_model(model));
  EXPECT_EQ(model.graph().name(), "small");
  const torch::NoGradGuard no_grad;
  const at::Tensor images = at::randn({5, 3, 32, 32});
  const at::Tensor expected = network->forward(images);
  const at::Tensor actual = run(model, images);
  ASSERT_EQ(actual.sizes(), expected.sizes());
  EXPECT_LT((actual - expected).abs().max().item<float>(),
            1e-4 * expected.abs().max().item<float>());
}

TEST(OnnxFile, RefusesOtherOperators) {
  FloatGraph network = lower(trained_network(small_network()));
  network.graph.ops[2].kind = engine::OpKind::kMaxPool2d;
  EXPECT_EQ(error_of([&] { to_onnx(network, "x"); }),
            "ONNX: operator 2 (max_pool_2d) is not part of a trained network");
}

// $MCUNET_PYTHON, else python3, with onnxruntime.
TEST(OnnxFileInPython, RunsInOnnxRuntime) {
  const char* chosen = std::getenv("MCUNET_PYTHON");
  const std::string python = chosen != nullptr ? chosen : "python3";
  if (std::system((python + " -c 'import onnxruntime, numpy' 2>/dev/null").c_str()) != 0) {
    GTEST_SKIP() << python << " has no onnxruntime: set MCUNET_PYTHON to one that has";
  }
  const TemporaryFolder folder;
  supernet::FixedNetwork network = trained_network(small_network());
  const torch::NoGradGuard no_grad;
  const at::Tensor images = at::randn({4, 3, 32, 32});
  const at::Tensor logits = network->forward(images).contiguous();
  const auto bytes = [](const at::Tensor& tensor) {
    return std::string(static_cast<const char*>(tensor.data_ptr()), tensor.nbytes());
  };
  folder.write("model.onnx", to_onnx(lower(network), "small"));
  folder.write("images", bytes(images));
  folder.write("logits", bytes(logits));
  folder.write("compare.py", R"(
import numpy, onnxruntime
model = onnxruntime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
images = numpy.fromfile("images", numpy.float32).reshape(4, 3, 32, 32)
expected = numpy.fromfile("logits", numpy.float32).reshape(4, -1)
found = model.run(["logits"], {"image": images})[0]
assert abs(found - expected).max() < 1e-4 * abs(expected).max(), abs(found - expected).max()
)");
  const std::string command = "cd " + folder.path().string() + " && " + python + " compare.py";
  EXPECT_EQ(std::system(command.c_str()), 0);
}

}  // namespace
}  // namespace mcunet::pipeline
