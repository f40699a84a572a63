#include "mcunet/supernet/conv_batch_norm.hpp"

#include <gmock/gmock.h>

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

ConvBatchNormShape dense(std::int64_t in, std::int64_t out, std::int64_t kernel = 1,
                         std::int64_t stride = 1, Activation activation = Activation::kRelu6) {
  return {.in_channels = in,
          .out_channels = out,
          .kernel = kernel,
          .stride = stride,
          .activation = activation};
}

ConvBatchNormShape depthwise(std::int64_t channels, std::int64_t kernel, std::int64_t stride) {
  return {.in_channels = channels,
          .out_channels = channels,
          .kernel = kernel,
          .stride = stride,
          .depthwise = true};
}

ConvBatchNormShape on_a_line(ConvBatchNormShape shape) {
  shape.form = search::space::Form::kLine;
  return shape;
}

std::vector<Case> cases() {
  std::vector<Case> all = {{.shape = dense(3, 8, 3, 2)},
                           {.shape = dense(8, 40)},
                           {.shape = dense(40, 8, 1, 1, Activation::kNone)},
                           {.shape = dense(24, 24, 1, 1, Activation::kNone), .residual = true},
                           {.shape = dense(5, 7, 1, 1, Activation::kRelu)},
                           {.shape = dense(8, 48), .from_batch = false},
                           {.shape = depthwise(24, 5, 1), .from_batch = false}};
  for (const std::int64_t channels : {1, 5, 8, 16, 24, 40}) {
    for (const std::int64_t kernel : {3, 5, 7}) {
      for (const std::int64_t stride : {1, 2, 3}) {
        all.push_back({.shape = depthwise(channels, kernel, stride)});
      }
    }
  }
  for (const std::int64_t side : {1, 2, 3, 6, 16}) {
    all.push_back({.shape = depthwise(16, 7, 1), .height = side, .width = side});
    all.push_back({.shape = depthwise(16, 5, 2), .height = side, .width = side});
  }
  for (const std::int64_t width : {1, 2, 7, 33}) {
    for (const std::int64_t stride : {1, 2}) {
      all.push_back({.shape = on_a_line(depthwise(24, 5, stride)), .height = 1, .width = width});
      all.push_back({.shape = on_a_line(depthwise(16, 7, stride)), .height = 1, .width = width});
    }
    all.push_back({.shape = on_a_line(dense(3, 8, 3, 2)), .height = 1, .width = width});
  }
  return all;
}

struct Operands {
  at::Tensor input, residual;
  ConvBatchNormTensors tensors;
};

Operands make_operands(const Case& test) {
  at::manual_seed(17);
  const ConvBatchNormShape& shape = test.shape;
  const std::int64_t out = shape.out_channels;
  const auto options = at::TensorOptions().dtype(at::kDouble);
  Operands operands;
  operands.input = at::randn({test.images, shape.in_channels, test.height, test.width}, options);
  const std::int64_t border = 2 * (shape.kernel / 2) - shape.kernel;
  if (test.residual) {
    operands.residual = at::randn({test.images, out, (test.height + border) / shape.stride + 1,
                                   (test.width + border) / shape.stride + 1},
                                  options);
  }
  operands.tensors = {
      at::randn({out, shape.depthwise ? 1 : shape.in_channels, shape.kernel_rows(), shape.kernel},
                options),
      at::rand({out}, options) + 0.5, at::randn({out}, options) + 1, at::randn({out}, options),
      at::rand({out}, options) + 0.5};
  return operands;
}

Operands converted(const Operands& operands, at::ScalarType activations, at::ScalarType weights) {
  // A copy at each call: nothing is shared, gradients and running statistics included.
  const auto convert = [](const at::Tensor& tensor, at::ScalarType type, bool gradient) {
    return tensor.defined() ? tensor.to(type, false, true).detach().requires_grad_(gradient)
                            : tensor;
  };
  const ConvBatchNormTensors& t = operands.tensors;
  return {convert(operands.input, activations, true),
          convert(operands.residual, activations, true),
          {convert(t.weight, weights, true), convert(t.bn_weight, weights, true),
           convert(t.bn_bias, weights, true), convert(t.running_mean, weights, false),
           convert(t.running_var, weights, false)}};
}

double relative_difference(const at::Tensor& value, const at::Tensor& expected) {
  const double size = expected.abs().max().item<double>();
  return largest_difference(value, expected) / std::max(size, 1e-3);
}

// Compares outputs, gradients and running statistics with libtorch's operators in 64-bit floats.
void expect_like_stock(const Case& test, at::ScalarType type, double tolerance) {
  const ConvBatchNormShape& shape = test.shape;
  SCOPED_TRACE(fmt::format("{} -> {} channels, kernel {}, stride {}, depthwise {}, {}x{}",
                           shape.in_channels, shape.out_channels, shape.kernel, shape.stride,
                           shape.depthwise, test.height, test.width));
  // Rounded first, so that only what the unit itself does differs.
  Operands rounded = converted(make_operands(test), type, at::kFloat);
  Operands own = converted(rounded, type, at::kFloat);
  Operands stock = converted(rounded, at::kDouble, at::kDouble);
  const NormStatistics statistics{.from_batch = test.from_batch};
  const at::Tensor output =
      conv_batch_norm(own.input, own.residual, own.tensors, shape, statistics);
  const at::Tensor expected =
      stock_conv_batch_norm(stock.input, stock.residual, stock.tensors, shape, statistics);
  ASSERT_EQ(output.sizes(), expected.sizes());
  EXPECT_EQ(output.scalar_type(), type);
  EXPECT_LT(relative_difference(output, expected), tolerance);
  const at::Tensor weights = at::randn(expected.sizes(), at::kDouble).to(type);
  output.backward(weights);
  expected.backward(weights.to(at::kDouble));
  EXPECT_LT(relative_difference(own.input.grad(), stock.input.grad()), tolerance);
  EXPECT_LT(relative_difference(own.tensors.weight.grad(), stock.tensors.weight.grad()), tolerance);
  EXPECT_LT(relative_difference(own.tensors.bn_weight.grad(), stock.tensors.bn_weight.grad()),
            tolerance);
  EXPECT_LT(relative_difference(own.tensors.bn_bias.grad(), stock.tensors.bn_bias.grad()),
            tolerance);
  if (test.residual) {
    EXPECT_LT(relative_difference(own.residual.grad(), stock.residual.grad()), tolerance);
  }
  EXPECT_LT(largest_difference(own.tensors.running_mean, stock.tensors.running_mean), tolerance);
  EXPECT_LT(largest_difference(own.tensors.running_var, stock.tensors.running_var), tolerance * 10);
}

TEST(ConvBatchNorm, EqualsLibtorchsOperatorsForwardAndBackward) {
  for (const Case& test : cases()) {
    // A batch whose statistics come from one pixel has no gradient to speak of.
    expect_like_stock(test, at::kFloat, 2e-4);
  }
}

TEST(ConvBatchNorm, IsNearInBfloat16) {
  for (const Case& test : {Case{.shape = depthwise(24, 5, 2), .height = 16, .width = 16},
                           Case{.shape = depthwise(16, 7, 1), .height = 12, .width = 12}}) {
    // Where the activation clamps is decided on rounded values: single gradients may differ.
    Operands rounded = converted(make_operands(test), at::kBFloat16, at::kFloat);
    const NormStatistics statistics{.from_batch = true};
    Operands wide = converted(rounded, at::kFloat, at::kFloat);
    const at::Tensor narrow_output =
        conv_batch_norm(rounded.input, {}, rounded.tensors, test.shape, statistics);
    const at::Tensor wide_output =
        conv_batch_norm(wide.input, {}, wide.tensors, test.shape, statistics);
    narrow_output.to(at::kFloat).square().sum().backward();
    wide_output.square().sum().backward();
    EXPECT_LT(relative_difference(narrow_output, wide_output), 0.02);
    EXPECT_LT(relative_difference(rounded.tensors.weight.grad(), wide.tensors.weight.grad()), 0.05);
    EXPECT_TRUE(at::isfinite(rounded.input.grad()).all().item<bool>());
  }
}

TEST(ConvBatchNorm, TakesAnyMemoryFormat) {
  const Case test{.shape = depthwise(24, 5, 2)};
  const Operands a = converted(make_operands(test), at::kFloat, at::kFloat);
  const at::Tensor rows = a.input.detach().contiguous(at::MemoryFormat::ChannelsLast);
  const at::NoGradGuard no_grad;
  const NormStatistics statistics{.from_batch = true, .momentum = 0};
  EXPECT_TRUE(at::equal(conv_batch_norm(a.input, {}, a.tensors, test.shape, statistics),
                        conv_batch_norm(rows, {}, a.tensors, test.shape, statistics)));
}

TEST(ConvBatchNorm, DoesNotDependOnTheNumberOfThreads) {
  const int threads = at::get_num_threads();
  std::vector<at::Tensor> outputs;
  std::vector<at::Tensor> gradients;
  for (const int count : {1, 2, 3}) {
    at::set_num_threads(count);
    const Case test{.shape = depthwise(40, 7, 1), .images = 19};
    const Operands a = converted(make_operands(test), at::kFloat, at::kFloat);
    outputs.push_back(conv_batch_norm(a.input, {}, a.tensors, test.shape, {.from_batch = true}));
    outputs.back().square().sum().backward();
    gradients.push_back(a.tensors.weight.grad());
  }
  at::set_num_threads(threads);
  for (std::size_t i = 1; i < outputs.size(); ++i) {
    EXPECT_TRUE(at::equal(outputs[i], outputs[0]));
    EXPECT_TRUE(at::equal(gradients[i], gradients[0]));
  }
}

TEST(ConvBatchNorm, MovesTowardsTheBiasedVarianceIfTold) {
  const Case test{.shape = dense(3, 8, 3, 2)};
  const Operands a = converted(make_operands(test), at::kFloat, at::kFloat);
  const at::NoGradGuard no_grad;
  conv_batch_norm(a.input, {}, a.tensors, test.shape,
                  {.from_batch = true, .momentum = 1, .biased_variance = true});
  const at::Tensor hidden = at::conv2d(a.input, a.tensors.weight, {}, 2, 1);
  EXPECT_LT(largest_difference(a.tensors.running_mean, hidden.mean({0, 2, 3})), 1e-4);
  const at::Tensor variance = std::get<0>(at::var_mean(hidden, {0, 2, 3}, false));
  EXPECT_LT(largest_difference(a.tensors.running_var, variance), 1e-3);
}

}  // namespace
}  // namespace mcunet::supernet
