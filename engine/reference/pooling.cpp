// Pools and reductions. A pool keeps the quantization of its input.
#include <algorithm>

#include "mcunet/engine/arithmetic/layer_parameters.hpp"
#include "reference/reference_kernels.hpp"

namespace mcunet::engine {
namespace {

// The part of an axis that a window covers.
struct Span {
  std::int32_t begin;
  std::int32_t end;
};

Span covered(std::int32_t output, std::int32_t stride, std::int32_t padding, std::int32_t kernel,
             std::int32_t size) {
  const std::int32_t first = output * stride - padding;
  return {std::max(first, 0), std::min(first + kernel, size)};
}

// Calls reduce(rows, columns, channel) for every output element.
template <typename Reduce>
void pool(const KernelCall& call, const Reduce& reduce) {
  const Window& w = call.op.window;
  const Shape& in = call.input_shape();
  const Shape& out = call.output_shape();
  const ValueRange range = call.output_range();
  for (std::int32_t y = 0; y < out.height; ++y) {
    const Span rows = covered(y, w.stride_height, w.padding.top, w.kernel_height, in.height);
    for (std::int32_t x = 0; x < out.width; ++x) {
      const Span columns = covered(x, w.stride_width, w.padding.left, w.kernel_width, in.width);
      for (std::int32_t c = 0; c < out.channels; ++c) {
        call.int8_output()[offset(out, y, x, c)] =
            static_cast<std::int8_t>(range.clamp(reduce(rows, columns, c)));
      }
    }
  }
}

// Halves away from zero.
std::int32_t rounded_quotient(std::int64_t sum, std::int64_t count) {
  return static_cast<std::int32_t>((sum > 0 ? sum + count / 2 : sum - count / 2) / count);
}

// Calls visit(output, input) with the index of every input element and of the output element that it
// is reduced to.
template <typename Visit>
void for_each_reduced(const KernelCall& call, const Visit& visit) {
  const auto& reduced = call.details().reduced;
  const Shape& in = call.input_shape();
  const Shape kept = {reduced[0] ? 1 : in.height, reduced[1] ? 1 : in.width,
                      reduced[2] ? 1 : in.channels};
  for (std::int32_t y = 0; y < in.height; ++y) {
    for (std::int32_t x = 0; x < in.width; ++x) {
      for (std::int32_t c = 0; c < in.channels; ++c) {
        visit(offset(kept, reduced[0] ? 0 : y, reduced[1] ? 0 : x, reduced[2] ? 0 : c),
              offset(in, y, x, c));
      }
    }
  }
}

// Of the sums of differences from the zero point, the `divisor`th part, also between equal quantizations.
void rescale_sums(const KernelCall& call, std::int64_t divisor) {
  const Quantization& from = call.input_quantization();
  const Quantization& to = call.output_quantization();
  const auto input = call.input();
  std::vector<std::int32_t> sums(call.output.size());
  for_each_reduced(call, [&](std::size_t out, std::size_t in) { sums[out] += input[in]; });
  const auto count = static_cast<std::int64_t>(input.size() / sums.size());
  const QuantizedMultiplier multiplier = mean_multiplier(from.scale, to.scale, divisor);
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const auto difference = static_cast<std::int32_t>(sums[i] - from.zero_point * count);
    const std::int64_t value = std::int64_t{multiply(difference, multiplier)} + to.zero_point;
    call.int8_output()[i] = static_cast<std::int8_t>(std::clamp<std::int64_t>(value, -128, 127));
  }
}

// Of all that are reduced to one, pick(a, b).
template <typename Pick>
void reduce_to_one(const KernelCall& call, std::int8_t first, const Pick& pick) {
  const auto input = call.input();
  const auto output = call.int8_output();
  std::fill(output.begin(), output.end(), first);
  for_each_reduced(
      call, [&](std::size_t out, std::size_t in) { output[out] = pick(output[out], input[in]); });
}

}  // namespace

void run_average_pool_2d(const KernelCall& call) {
  const auto input = call.input();
  pool(call, [&](const Span& rows, const Span& columns, std::int32_t c) {
    std::int64_t sum = 0;
    for (std::int32_t y = rows.begin; y < rows.end; ++y) {
      for (std::int32_t x = columns.begin; x < columns.end; ++x) {
        sum += input[offset(call.input_shape(), y, x, c)];
      }
    }
    const auto count =
        std::int64_t{rows.end - rows.begin} * std::int64_t{columns.end - columns.begin};
    return rounded_quotient(sum, count);
  });
}

void run_max_pool_2d(const KernelCall& call) {
  const auto input = call.input();
  pool(call, [&](const Span& rows, const Span& columns, std::int32_t c) {
    std::int32_t largest = value_range(call.input_type()).min;
    for (std::int32_t y = rows.begin; y < rows.end; ++y) {
      for (std::int32_t x = columns.begin; x < columns.end; ++x) {
        largest = std::max<std::int32_t>(largest, input[offset(call.input_shape(), y, x, c)]);
      }
    }
    return largest;
  });
}

void run_mean(const KernelCall& call) {
  rescale_sums(call, static_cast<std::int64_t>(call.input().size() / call.output.size()));
}

void run_sum(const KernelCall& call) { rescale_sums(call, 1); }

void run_reduce_max(const KernelCall& call) {
  reduce_to_one(call, -128, [](std::int8_t a, std::int8_t b) { return std::max(a, b); });
}

void run_reduce_min(const KernelCall& call) {
  reduce_to_one(call, 127, [](std::int8_t a, std::int8_t b) { return std::min(a, b); });
}

}  // namespace mcunet::engine
