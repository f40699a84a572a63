// Convolutions: sum of (input - zero point) * weight over the taps inside the input, plus bias,
// times input scale * weight scale / output scale, plus the output's zero point, clamped.
#include <cstring>

#include "mcunet/engine/arithmetic/layer_parameters.hpp"
#include "mcunet/engine/graph/weights.hpp"
#include "reference/reference_kernels.hpp"

namespace mcunet::engine {
namespace {

std::int32_t value_at(const Constant& constant, std::size_t index) {
  std::int32_t value = 0;
  std::memcpy(&value, constant.data.data() + index * sizeof(value), sizeof(value));
  return value;
}

// From an accumulator to an output value, per output channel.
class Requantizer {
 public:
  explicit Requantizer(const KernelCall& call)
      : zero_point_(call.output_quantization().zero_point), range_(call.output_range()) {
    const OpDetails& details = call.details();
    const Constant* bias = call.op.has_bias ? &call.graph.constants[details.bias] : nullptr;
    const std::int32_t channels = call.output_shape().channels;
    for (std::int32_t c = 0; c < channels; ++c) {
      multipliers_.push_back(convolution_multiplier(call.graph, call.op, c));
      biases_.push_back(bias == nullptr ? 0 : static_cast<std::uint32_t>(value_at(*bias, c)));
    }
  }

  std::int8_t operator()(std::uint32_t accumulator, std::int32_t channel) const {
    const auto sum = static_cast<std::int32_t>(accumulator + biases_[channel]);
    const std::int64_t value = std::int64_t{multiply(sum, multipliers_[channel])} + zero_point_;
    return static_cast<std::int8_t>(range_.clamp(static_cast<std::int32_t>(value)));
  }

 private:
  std::int32_t zero_point_;
  ValueRange range_;
  std::vector<QuantizedMultiplier> multipliers_;
  std::vector<std::uint32_t> biases_;
};

// Calls visit(tap, index) for the taps of an output position that lie inside the input, with the index
// of the input's first channel there.
template <typename Visit>
void for_each_tap(const KernelCall& call, std::int32_t out_y, std::int32_t out_x,
                  const Visit& visit) {
  const Window& w = call.op.window;
  const Shape& input = call.input_shape();
  for (std::int32_t ky = 0; ky < w.kernel_height; ++ky) {
    const auto y = std::int64_t{out_y} * w.stride_height - w.padding.top + ky * w.dilation_height;
    if (y < 0 || y >= input.height) continue;
    for (std::int32_t kx = 0; kx < w.kernel_width; ++kx) {
      const auto x = std::int64_t{out_x} * w.stride_width - w.padding.left + kx * w.dilation_width;
      if (x < 0 || x >= input.width) continue;
      visit(std::size_t(ky) * w.kernel_width + kx,
            offset(input, static_cast<std::int32_t>(y), static_cast<std::int32_t>(x), 0));
    }
  }
}

// Of a transposed convolution: calls visit(tap, index) for the outputs inside the map that the kernel
// covers at an input position, with the index of their first channel.
template <typename Visit>
void for_each_covered(const KernelCall& call, std::int32_t y, std::int32_t x, const Visit& visit) {
  const Window& w = call.op.window;
  const Shape& out = call.output_shape();
  for (std::int32_t ky = 0; ky < w.kernel_height; ++ky) {
    const std::int32_t out_y = y * w.stride_height - w.padding.top + ky;
    if (out_y < 0 || out_y >= out.height) continue;
    for (std::int32_t kx = 0; kx < w.kernel_width; ++kx) {
      const std::int32_t out_x = x * w.stride_width - w.padding.left + kx;
      if (out_x < 0 || out_x >= out.width) continue;
      visit(std::size_t(ky) * w.kernel_width + kx, offset(out, out_y, out_x, 0));
    }
  }
}

// The sum of products of `count` inputs, less their zero point, and weights; wraps at 32 bits.
std::uint32_t dot(const std::int8_t* input, const std::int8_t* weights, std::size_t count,
                  std::int32_t zero_point) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    sum += static_cast<std::uint32_t>((input[i] - zero_point) * weights[i]);
  }
  return sum;
}

// One per byte.
std::vector<std::int8_t> weights_of(const KernelCall& call) {
  return weight_values(call.graph.constants[call.details().weights]);
}

// Every output value is the sum of products(channel, tap, index) over its taps, requantized.
template <typename Products>
void sum_windows(const KernelCall& call, const Products& products) {
  const Requantizer requantize(call);
  const Shape& out = call.output_shape();
  for (std::int32_t y = 0; y < out.height; ++y) {
    for (std::int32_t x = 0; x < out.width; ++x) {
      for (std::int32_t c = 0; c < out.channels; ++c) {
        std::uint32_t sum = 0;
        for_each_tap(call, y, x, [&](std::size_t tap, std::size_t index) {
          sum += products(std::size_t(c), tap, index);
        });
        call.int8_output()[offset(out, y, x, c)] = requantize(sum, c);
      }
    }
  }
}

}  // namespace

void run_conv_2d(const KernelCall& call) {
  const Window& w = call.op.window;
  const std::size_t taps = std::size_t(w.kernel_height) * w.kernel_width;
  const auto channels = static_cast<std::size_t>(call.input_shape().channels);
  const std::int32_t zero_point = call.input_quantization().zero_point;
  const auto input = call.input();
  const std::vector<std::int8_t> weights = weights_of(call);
  sum_windows(call, [&](std::size_t c, std::size_t tap, std::size_t index) {
    return dot(&input[index], &weights[(c * taps + tap) * channels], channels, zero_point);
  });
}

void run_depthwise_conv_2d(const KernelCall& call) {
  const auto channels = static_cast<std::size_t>(call.output_shape().channels);
  const std::size_t multiplier = channels / call.input_shape().channels;
  const std::int32_t zero_point = call.input_quantization().zero_point;
  const auto input = call.input();
  const std::vector<std::int8_t> weights = weights_of(call);
  sum_windows(call, [&](std::size_t c, std::size_t tap, std::size_t index) {
    return dot(&input[index + c / multiplier], &weights[tap * channels + c], 1, zero_point);
  });
}

// Every input pixel adds to the outputs that the kernel covers when it is laid there.
void run_transpose_conv(const KernelCall& call) {
  const Requantizer requantize(call);
  const Shape& in = call.input_shape();
  const Shape& out = call.output_shape();
  const Window& w = call.op.window;
  const std::int32_t zero_point = call.input_quantization().zero_point;
  const auto channels = static_cast<std::size_t>(in.channels);
  const auto input = call.input();
  const std::vector<std::int8_t> weights = weights_of(call);
  std::vector<std::uint32_t> sums(call.output.size());
  for (std::int32_t y = 0; y < in.height; ++y) {
    for (std::int32_t x = 0; x < in.width; ++x) {
      const std::int8_t* pixel = &input[offset(in, y, x, 0)];
      for_each_covered(call, y, x, [&](std::size_t tap, std::size_t to) {
        for (std::int32_t c = 0; c < out.channels; ++c) {
          const std::size_t of_channel = std::size_t(c) * w.kernel_height * w.kernel_width + tap;
          sums[to + c] += dot(pixel, &weights[of_channel * channels], channels, zero_point);
        }
      });
    }
  }
  for (std::size_t i = 0; i < sums.size(); ++i) {
    call.int8_output()[i] = requantize(sums[i], static_cast<std::int32_t>(i) % out.channels);
  }
}

void run_fully_connected(const KernelCall& call) {
  const Requantizer requantize(call);
  const auto input = call.input();
  const std::int32_t zero_point = call.input_quantization().zero_point;
  const std::int32_t outputs = call.output_shape().channels;
  const auto rows = static_cast<std::size_t>(rows_of(call.graph, call.op));
  const std::size_t features = input.size() / rows;
  const std::vector<std::int8_t> weights = weights_of(call);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::int32_t c = 0; c < outputs; ++c) {
      const std::uint32_t sum =
          dot(&input[row * features], &weights[std::size_t(c) * features], features, zero_point);
      call.int8_output()[row * outputs + c] = requantize(sum, c);
    }
  }
}

}  // namespace mcunet::engine
