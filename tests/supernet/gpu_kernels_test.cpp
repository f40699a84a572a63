// What a GPU's threads do, one after the other on a CPU, and, where there is one, on a GPU.
#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "gpu/kernels.hpp"
#include "mcunet/supernet/device.hpp"
#include "passes.hpp"
#include "supernet/stock_operators.hpp"

namespace mcunet::supernet {
namespace {

using engine::Activation;

struct Case {
  ConvBatchNormShape shape;
  std::int64_t images = 3;
  std::int64_t height = 9;
  std::int64_t width = 11;
  bool residual = false;
  bool from_batch = true;
};

ConvBatchNormShape depthwise(std::int64_t channels, std::int64_t kernel, std::int64_t stride,
                             search::space::Form form = search::space::Form::kSquare) {
  return {.in_channels = channels,
          .out_channels = channels,
          .form = form,
          .kernel = kernel,
          .stride = stride,
          .depthwise = true};
}

std::vector<Case> cases() {
  std::vector<Case> all = {
      {.shape = {.in_channels = 3, .out_channels = 8, .kernel = 3, .stride = 2}},
      {.shape = {.in_channels = 8, .out_channels = 12, .activation = Activation::kNone},
       .residual = true},
      {.shape = {.in_channels = 8, .out_channels = 20, .activation = Activation::kRelu},
       .from_batch = false},
      {.shape = depthwise(8, 5, 2), .residual = true, .from_batch = false}};
  for (const std::int64_t kernel : {3, 5, 7}) {
    for (const std::int64_t stride : {1, 2}) {
      for (const std::int64_t width : {1, 2, 4, 5, 8, 13}) {
        all.push_back({.shape = depthwise(8, kernel, stride), .height = 6, .width = width});
      }
      all.push_back({.shape = depthwise(4, kernel, stride, search::space::Form::kLine),
                     .height = 1,
                     .width = 33});
    }
  }
  return all;
}

double relative_difference(const at::Tensor& value, const at::Tensor& expected) {
  return largest_difference(value, expected) / std::max(expected.abs().max().item<double>(), 1e-3);
}

at::Tensor narrowed(const at::Tensor& tensor, at::ScalarType type, const at::Device& device) {
  if (!tensor.defined()) return tensor;
  const at::Tensor narrow = tensor.detach().to(device, type);
  return narrow.dim() == 4 ? narrow.contiguous(at::MemoryFormat::ChannelsLast) : narrow;
}

// Beside libtorch's operators in 64-bit floats and their gradients.
void expect_like_stock(const Case& test, at::ScalarType type, double tolerance,
                       const at::Device& device = at::kCPU) {
  const ConvBatchNormShape& shape = test.shape;
  SCOPED_TRACE(fmt::format("{} channels, kernel {}, stride {}, depthwise {}, {}x{}",
                           shape.out_channels, shape.kernel, shape.stride, shape.depthwise,
                           test.height, test.width));
  at::manual_seed(5);
  const auto rounded = [&](at::Tensor tensor, at::ScalarType to) {
    return tensor.to(to).to(at::kDouble).set_requires_grad(true);
  };
  const std::int64_t out = shape.out_channels;
  const at::Tensor input =
      rounded(at::randn({test.images, shape.in_channels, test.height, test.width}) + 0.5, type);
  const ConvBatchNormTensors stock = {
      rounded(at::randn({out, shape.depthwise ? 1 : shape.in_channels, shape.kernel_rows(),
                         shape.kernel}),
              at::kFloat),
      rounded(at::rand({out}) + 0.5, at::kFloat), rounded(at::randn({out}) + 1, at::kFloat),
      at::randn({out}).to(at::kDouble), at::rand({out}).to(at::kDouble) + 0.5};
  const ConvBatchNormTensors own = {
      narrowed(stock.weight, at::kFloat, at::kCPU).contiguous().to(device),
      narrowed(stock.bn_weight, at::kFloat, device), narrowed(stock.bn_bias, at::kFloat, device),
      narrowed(stock.running_mean, at::kFloat, device),
      narrowed(stock.running_var, at::kFloat, device)};
  const NormStatistics statistics{.from_batch = test.from_batch};
  at::Tensor residual;
  if (test.residual) {
    const at::Tensor like = stock_conv_batch_norm(input.detach(), {}, stock, shape,
                                                  {.from_batch = true, .momentum = 0});
    residual = rounded(at::randn(like.sizes()), type);
  }
  const at::Tensor expected = stock_conv_batch_norm(input, residual, stock, shape, statistics);
  const ForwardPass pass =
      gpu::run_forward(narrowed(input, type, device), narrowed(residual, type, device), own, shape,
                       statistics, /*keep_hidden=*/true);
  EXPECT_EQ(pass.output.scalar_type(), type);
  EXPECT_LT(relative_difference(pass.output.cpu(), expected.detach()), tolerance);
  EXPECT_LT(largest_difference(own.running_mean.cpu(), stock.running_mean), tolerance);
  EXPECT_LT(largest_difference(own.running_var.cpu(), stock.running_var), 10 * tolerance);
  const ForwardPass without =
      gpu::run_forward(narrowed(input, type, device), narrowed(residual, type, device), own, shape,
                       {.from_batch = false}, false);
  EXPECT_EQ(without.output.data_ptr(), without.hidden.data_ptr());

  const at::Tensor gradient = rounded(at::randn(expected.sizes()), type);
  expected.backward(gradient.detach());
  const BackwardPass back = gpu::run_backward({.gradient = narrowed(gradient, type, device),
                                               .input = narrowed(input, type, device),
                                               .weight = own.weight,
                                               .hidden = pass.hidden,
                                               .coefficients = pass.coefficients,
                                               .stride = shape.stride,
                                               .depthwise = shape.depthwise,
                                               .activation = shape.activation,
                                               .from_batch = test.from_batch,
                                               .wants_input = true,
                                               .wants_weight = true});
  EXPECT_LT(relative_difference(back.convolution.input.cpu(), input.grad()), tolerance);
  EXPECT_LT(relative_difference(back.convolution.weight.cpu(), stock.weight.grad()), tolerance);
  EXPECT_LT(relative_difference(back.bn_weight.cpu(), stock.bn_weight.grad()), tolerance);
  EXPECT_LT(relative_difference(back.bn_bias.cpu(), stock.bn_bias.grad()), tolerance);
}

TEST(GpuKernels, EqualLibtorchsOperatorsForwardAndBackward) {
  for (const Case& test : cases()) expect_like_stock(test, at::kFloat, 2e-4);
}

TEST(GpuKernels, DoOnAGpu) {
  const at::Device device = select_device("auto");
  if (device.is_cpu()) GTEST_SKIP() << "libtorch finds no GPU";
  ASSERT_TRUE(gpu::kernels_on_gpu());
  at::globalContext().setAllowTF32CuDNN(false);
  for (Case test : cases()) {
    expect_like_stock(test, at::kFloat, 2e-4, device);
    test.shape.activation = Activation::kNone;
    expect_like_stock(test, at::kBFloat16, 0.06, device);
    expect_like_stock(test, at::kHalf, 0.02, device);
  }
}

// Half of a gradient is decided on rounded values, where the activation clamps: none here.
TEST(GpuKernels, AreNearInSixteenBits) {
  for (Case test : cases()) {
    if (!test.shape.depthwise) continue;  // libtorch's, of which a CPU has not all
    test.shape.activation = Activation::kNone;
    expect_like_stock(test, at::kBFloat16, 0.06);
    expect_like_stock(test, at::kHalf, 0.02);
  }
}

TEST(GpuKernels, SumUpInPartsThatDependOnTheShapeAlone) {
  EXPECT_EQ(gpu::row_parts({80, 8}), 10);
  EXPECT_EQ(gpu::row_parts({1, 8}), 1);
  EXPECT_LE(gpu::row_parts({10'000'000, 16}) * 16, 1 << 20);
}

}  // namespace
}  // namespace mcunet::supernet
