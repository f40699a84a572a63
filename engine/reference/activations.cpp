// Operators that map one element to one, and softmax, and the conversions at the borders.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "mcunet/engine/arithmetic/layer_parameters.hpp"
#include "reference/reference_kernels.hpp"

namespace mcunet::engine {
namespace {

std::int8_t saturate(std::int64_t value) {
  return static_cast<std::int8_t>(std::clamp<std::int64_t>(value, -128, 127));
}

std::int16_t saturate_to_16(std::int64_t value) {
  return static_cast<std::int16_t>(std::clamp<std::int64_t>(value, -32768, 32767));
}

// A rounded value and the zero point; what is no number counts as 0.
std::int8_t quantized(float steps, std::int32_t zero_point) {
  constexpr float kFar = 1e6F;  // outside of any range
  return std::isnan(steps) ? saturate(zero_point)
                           : saturate(std::int64_t(std::clamp(steps, -kFar, kFar)) + zero_point);
}

template <typename Function>
void map(const KernelCall& call, const Function& function) {
  const auto input = call.input();
  for (std::size_t i = 0; i < input.size(); ++i) {
    call.int8_output()[i] = function(input[i] - call.input_quantization().zero_point);
  }
}

// A function of numbers in Q4.27 that has reached its least and its greatest value beyond them.
template <typename Function>
void map_saturating(const KernelCall& call, const Function& function) {
  constexpr int kIntegerBits = 4;
  const double real = double{call.input_quantization().scale} * (1 << (31 - kIntegerBits));
  const QuantizedMultiplier multiplier = quantize_multiplier(real);
  const std::int32_t radius = input_radius(kIntegerBits, multiplier.shift);
  map(call, [&](std::int32_t difference) -> std::int8_t {
    if (difference <= -radius) return -128;
    if (difference >= radius) return 127;
    return saturate(function(multiply(difference, multiplier)));
  });
}

// A multiplier of 16 bits, for hard swish.
std::int16_t upper_half(std::int32_t multiplier) {
  constexpr std::int32_t kHalf = 1 << 15;
  if (multiplier >= std::numeric_limits<std::int32_t>::max() - kHalf) return 32767;
  return static_cast<std::int16_t>((multiplier + kHalf) >> 16);
}

// (2 a b) / 2^16: rounded to the nearest, halves upwards.
std::int16_t rounding_high_multiply(std::int16_t a, std::int16_t b) {
  if (a == -32768 && b == -32768) return 32767;
  const std::int32_t product = std::int32_t{a} * b;
  const std::int32_t nudge = product >= 0 ? 1 << 14 : 1 - (1 << 14);
  return static_cast<std::int16_t>((product + nudge) / (1 << 15));
}

// The same, truncated.
std::int16_t truncating_high_multiply(std::int16_t a, std::int16_t b) {
  if (a == -32768 && b == -32768) return 32767;
  return static_cast<std::int16_t>(std::int32_t{a} * b / (1 << 15));
}

std::int16_t shift_left(std::int16_t value, int bits) {
  return saturate_to_16(std::int64_t{value} * (std::int64_t{1} << bits));
}

// Hard swish x * relu6(x + 3) / 6, with x in 128ths of the input's scale, in 16 bits.
class HardSwish {
 public:
  HardSwish(const Quantization& input, const Quantization& output)
      : zero_point_(output.zero_point) {
    constexpr float kGateScale = 3.0F / 32768.0F;  // the gate saturates at -3 and 3
    const float fine_scale = (1.0F / 128.0F) * input.scale;
    const QuantizedMultiplier to_output = quantize_multiplier(double{fine_scale / output.scale});
    const QuantizedMultiplier to_gate = quantize_multiplier(double{fine_scale / kGateScale});
    output_multiplier_ = upper_half(to_output.multiplier);
    output_shift_ = to_output.shift;
    gate_multiplier_ = upper_half(to_gate.multiplier);
    gate_shift_ = to_gate.shift;
  }

  std::int8_t operator()(std::int32_t difference) const {
    const auto fine = static_cast<std::int16_t>(difference * 128);
    const std::int16_t scaled = rounding_high_multiply(fine, output_multiplier_);
    const std::int16_t product = truncating_high_multiply(gate(fine), scaled);
    const std::int32_t value =
        rounding_divide_by_power_of_two(product, std::clamp(-output_shift_, 0, 31));
    // The sum wraps at 16 bits where the output's scale is far too small for the input's.
    return saturate(static_cast<std::int16_t>(value + zero_point_));
  }

 private:
  // relu6(x + 3) / 6 in Q0.15.
  std::int16_t gate(std::int16_t fine) const {
    std::int16_t value = fine;
    if (gate_shift_ > 0) value = shift_left(value, gate_shift_ - 1);
    value = rounding_high_multiply(value, gate_multiplier_);
    if (gate_shift_ > 0) value = shift_left(value, 1);
    if (gate_shift_ < 0) {
      value = static_cast<std::int16_t>(
          rounding_divide_by_power_of_two(value, std::min(-gate_shift_, 31)));
    }
    return static_cast<std::int16_t>((value + 32768) >> 1);
  }

  std::int32_t zero_point_;
  std::int16_t output_multiplier_;
  std::int16_t gate_multiplier_;
  int output_shift_;
  int gate_shift_;
};

// exp(difference * scale * beta) as Q0.31, by way of Q5.26.
std::int32_t exponential(std::int32_t difference, const SoftmaxParameters& parameters) {
  if (difference < parameters.least_difference) return 0;
  return exp_of_negative(multiply(difference, parameters.multiplier));
}

// Of the differences from the largest value, as Q12.19.
std::int32_t sum_of_exponentials(std::span<const std::int8_t> row, std::int32_t largest,
                                 const SoftmaxParameters& parameters) {
  std::int64_t sum = 0;
  for (std::int8_t value : row) {
    sum += rounding_divide_by_power_of_two(exponential(value - largest, parameters), 12);
  }
  return static_cast<std::int32_t>(sum);
}

// One row of a softmax, in fixed point.
class Softmax {
 public:
  Softmax(float input_scale, float beta) : parameters_(softmax_parameters(input_scale, beta)) {}

  void operator()(std::span<const std::int8_t> input, std::span<std::int8_t> output) const {
    const std::int32_t largest = *std::max_element(input.begin(), input.end());
    const Reciprocal inverse = reciprocal(sum_of_exponentials(input, largest, parameters_));
    for (std::size_t i = 0; i < input.size(); ++i) {
      const std::int32_t share =
          doubling_high_multiply(inverse.mantissa, exponential(input[i] - largest, parameters_));
      output[i] = saturate(in_256ths(share, inverse.exponent) - 128);
    }
  }

 private:
  // A share in Q0.31, still to be divided by 2^exponent; less than half of a 256th is nothing.
  static std::int32_t in_256ths(std::int32_t share, int exponent) {
    const int shift = exponent + 31 - 8;
    return shift > 31 ? 0 : rounding_divide_by_power_of_two(share, std::max(shift, 0));
  }

  SoftmaxParameters parameters_;
};

// One row of the logarithm of a softmax: the difference less the logarithm of the sum, both in Q5.26.
class LogSoftmax {
 public:
  explicit LogSoftmax(float input_scale) : parameters_(log_softmax_parameters(input_scale)) {}

  void operator()(std::span<const std::int8_t> input, std::span<std::int8_t> output) const {
    const SoftmaxParameters& by = parameters_.exponential;
    const std::int32_t largest = *std::max_element(input.begin(), input.end());
    const std::int32_t log_of_sum = log_of_at_least_one(sum_of_exponentials(input, largest, by));
    // Differences from here on would leave Q5.26.
    const auto lowest = static_cast<std::int32_t>(std::int64_t{log_of_sum} +
                                                  std::numeric_limits<std::int32_t>::min());
    const std::int32_t floor =
        std::max(by.least_difference - 1, multiply(lowest, parameters_.inverse));
    for (std::size_t i = 0; i < input.size(); ++i) {
      const std::int32_t difference = input[i] - largest;
      output[i] = difference <= floor ? std::int8_t{-128}
                                      : in_16ths(multiply(difference, by.multiplier) - log_of_sum);
    }
  }

 private:
  static std::int8_t in_16ths(std::int32_t value) {
    return saturate(std::int64_t{rounding_divide_by_power_of_two(value, 26 - 4)} + 127);
  }

  LogSoftmaxParameters parameters_;
};

// Calls compute(input, output) for every row along the channels.
template <typename Compute>
void for_each_row(const KernelCall& call, const Compute& compute) {
  const auto row = static_cast<std::size_t>(call.input_shape().channels);
  for (std::size_t i = 0; i < call.input().size(); i += row) {
    compute(call.input().subspan(i, row), call.int8_output().subspan(i, row));
  }
}

std::int32_t read_quantized(const KernelCall& call, std::size_t index) {
  const std::byte value = call.inputs[0][index];
  return call.input_type() == DataType::kUint8 ? std::to_integer<std::int32_t>(value)
                                               : std::to_integer<std::int8_t>(value);
}

// By `ratio` of the scales, within `range`.
void rescale(const KernelCall& call, double ratio, const ValueRange& range) {
  const QuantizedMultiplier multiplier = quantize_multiplier(ratio);
  const std::int32_t zero_point = call.output_quantization().zero_point;
  map(call, [&](std::int32_t difference) {
    const std::int64_t value = std::int64_t{multiply(difference, multiplier)} + zero_point;
    return static_cast<std::int8_t>(range.clamp(static_cast<std::int32_t>(value)));
  });
}

void rescale(const KernelCall& call, Activation activation) {
  const Quantization& output = call.output_quantization();
  rescale(call, double{call.input_quantization().scale} / double{output.scale},
          activation_range(activation, output, call.output_type()));
}

// Between -1 or 0 and 1. TFLite divides these scales in single precision.
void rescale_to_unit(const KernelCall& call, float least) {
  const Quantization& output = call.output_quantization();
  const ValueRange all = value_range(call.output_type());
  rescale(call, double{call.input_quantization().scale / output.scale},
          {quantize_value(least, output, all), quantize_value(1, output, all)});
}

// A function of real numbers in single precision, as TFLite fills its tables.
template <typename Function>
void map_real(const KernelCall& call, const Function& function) {
  const Quantization& output = call.output_quantization();
  const float inverse_scale = 1 / output.scale;
  map(call, [&](std::int32_t difference) {
    const float real = call.input_quantization().scale * static_cast<float>(difference);
    return quantized(std::round(function(real) * inverse_scale), output.zero_point);
  });
}

// Functions of the C library may differ in the last bit of a float; these do not.
float exp_of(float x) { return static_cast<float>(std::exp(double{x})); }
float log_of(float x) { return static_cast<float>(std::log(double{x})); }

float gelu(float x) {
  constexpr auto kMinusRootOfHalf = static_cast<float>(-0.70710678118654752440);
  return 0.5F * x * static_cast<float>(std::erfc(double{x * kMinusRootOfHalf}));
}

float approximate_gelu(float x) {
  constexpr auto kRootOfTwoByPi = static_cast<float>(0.79788456080286535588);
  const float argument = kRootOfTwoByPi * (x + 0.044715F * x * x * x);
  return 0.5F * x * (1.0F + static_cast<float>(std::tanh(double{argument})));
}

}  // namespace

void run_relu(const KernelCall& call) { rescale(call, Activation::kRelu); }
void run_relu6(const KernelCall& call) { rescale(call, Activation::kRelu6); }

void run_relu_n1_to_1(const KernelCall& call) { rescale_to_unit(call, -1); }
void run_relu_0_to_1(const KernelCall& call) { rescale_to_unit(call, 0); }

void run_gelu(const KernelCall& call) {
  map_real(call, call.details().is_approximate ? approximate_gelu : gelu);
}

void run_elu(const KernelCall& call) {
  map_real(call, [](float x) { return x < 0 ? exp_of(x) - 1.0F : x; });
}

void run_exp(const KernelCall& call) { map_real(call, exp_of); }

// Of what has no logarithm, the least output.
void run_log(const KernelCall& call) {
  const Quantization& output = call.output_quantization();
  const float least = static_cast<float>(-128 - output.zero_point) * output.scale;
  map_real(call, [least](float x) { return x <= 0 ? least : log_of(x); });
}

// Truncated. TFLite gives no root of what is negative; it counts as 0.
void run_sqrt(const KernelCall& call) {
  const Quantization& output = call.output_quantization();
  map(call, [&](std::int32_t difference) {
    const float real = call.input_quantization().scale * static_cast<float>(difference);
    return quantized(std::trunc(std::sqrt(std::max(real, 0.0F)) / output.scale), output.zero_point);
  });
}

// The same, and that of 0 is the greatest output. With 20 bits of headroom.
void run_rsqrt(const KernelCall& call) {
  constexpr int kHeadroom = 20;
  const Quantization& output = call.output_quantization();
  QuantizedMultiplier to_output = quantize_multiplier(
      1 / (std::sqrt(double{call.input_quantization().scale}) * double{output.scale}));
  to_output.shift -= kHeadroom;
  map(call, [&](std::int32_t difference) {
    if (difference <= 0) return std::int8_t{127};
    QuantizedMultiplier root = inverse_square_root(difference);
    root.shift += kHeadroom;
    return saturate(std::int64_t{multiply(multiply(1, root), to_output)} + output.zero_point);
  });
}

void run_abs(const KernelCall& call) {
  const Quantization& output = call.output_quantization();
  const QuantizedMultiplier multiplier =
      quantize_multiplier(double{call.input_quantization().scale} / double{output.scale});
  map(call, [&](std::int32_t difference) {
    return saturate(std::int64_t{multiply(std::abs(difference), multiplier)} + output.zero_point);
  });
}

// -128 stays.
void run_neg(const KernelCall& call) {
  for (std::size_t i = 0; i < call.output.size(); ++i) {
    call.int8_output()[i] = static_cast<std::int8_t>(-call.input()[i]);
  }
}

void run_logistic(const KernelCall& call) {
  map_saturating(call, [](std::int32_t x) {
    return rounding_divide_by_power_of_two(logistic(x), 31 - 8) - 128;
  });
}

void run_tanh(const KernelCall& call) {
  map_saturating(call,
                 [](std::int32_t x) { return rounding_divide_by_power_of_two(tanh(x), 31 - 7); });
}

void run_leaky_relu(const KernelCall& call) {
  const Quantization& output = call.output_quantization();
  const LeakyReluMultipliers by =
      leaky_relu_multipliers(call.input_quantization().scale, output.scale, call.details().alpha);
  map(call, [&](std::int32_t difference) {
    const QuantizedMultiplier& factor = difference >= 0 ? by.positive : by.negative;
    return saturate(std::int64_t{multiply(difference, factor)} + output.zero_point);
  });
}

void run_hard_swish(const KernelCall& call) {
  map(call, HardSwish(call.input_quantization(), call.output_quantization()));
}

void run_softmax(const KernelCall& call) {
  for_each_row(call, Softmax(call.input_quantization().scale, call.details().beta));
}

void run_log_softmax(const KernelCall& call) {
  for_each_row(call, LogSoftmax(call.input_quantization().scale));
}

void run_quantize(const KernelCall& call) {
  const Quantization& to = call.output_quantization();
  const ValueRange range = value_range(call.output_type());
  const bool is_float = call.input_type() == DataType::kFloat32;
  const auto multiplier =
      is_float ? QuantizedMultiplier{}
               : quantize_multiplier(double{call.input_quantization().scale} / double{to.scale});
  for (std::size_t i = 0; i < call.output.size(); ++i) {
    std::int32_t value = 0;
    if (is_float) {
      float real = 0;
      std::memcpy(&real, call.inputs[0].data() + i * sizeof(real), sizeof(real));
      value = quantize_value(real, to, range);
    } else {
      const std::int32_t difference =
          read_quantized(call, i) - call.input_quantization().zero_point;
      const std::int64_t sum = std::int64_t{multiply(difference, multiplier)} + to.zero_point;
      value = range.clamp(static_cast<std::int32_t>(sum));
    }
    call.output[i] = static_cast<std::byte>(value);
  }
}

void run_dequantize(const KernelCall& call) {
  const Quantization& from = call.input_quantization();
  for (std::size_t i = 0; i < call.inputs[0].size(); ++i) {
    const float real = from.scale * static_cast<float>(read_quantized(call, i) - from.zero_point);
    std::memcpy(call.output.data() + i * sizeof(real), &real, sizeof(real));
  }
}

}  // namespace mcunet::engine
