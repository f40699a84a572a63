// Operators that move elements, or place them between others.
#include <algorithm>
#include <array>
#include <cstring>
#include <tuple>

#include "mcunet/engine/arithmetic/layer_parameters.hpp"
#include "mcunet/engine/graph/shape_inference.hpp"
#include "reference/reference_kernels.hpp"

namespace mcunet::engine {
namespace {

// The output's rows and columns are those of the input that are named.
void gather(const KernelCall& call, const std::vector<std::int32_t>& rows,
            const std::vector<std::int32_t>& columns) {
  const Shape& in = call.input_shape();
  const Shape& out = call.output_shape();
  for (std::int32_t y = 0; y < out.height; ++y) {
    for (std::int32_t x = 0; x < out.width; ++x) {
      for (std::int32_t c = 0; c < out.channels; ++c) {
        call.int8_output()[offset(out, y, x, c)] = call.input()[offset(in, rows[y], columns[x], c)];
      }
    }
  }
}

}  // namespace

void run_reshape(const KernelCall& call) {
  std::copy(call.inputs[0].begin(), call.inputs[0].end(), call.output.begin());
}

void run_pad(const KernelCall& call) {
  const auto output = call.int8_output();
  std::fill(output.begin(), output.end(), static_cast<std::int8_t>(border_of(call.graph, call.op)));
  const Shape& in = call.input_shape();
  const Padding& p = call.op.window.padding;
  for (std::int32_t y = 0; y < in.height; ++y) {
    for (std::int32_t x = 0; x < in.width; ++x) {
      const auto pixel = call.input().subspan(offset(in, y, x, 0), std::size_t(in.channels));
      const std::size_t to =
          offset(call.output_shape(), y + p.top, x + p.left, call.details().channels_before);
      std::copy(pixel.begin(), pixel.end(), output.begin() + static_cast<std::ptrdiff_t>(to));
    }
  }
}

void run_concatenation(const KernelCall& call) {
  const Axis axis = call.details().axis;
  Shape begin = {0, 0, 0};
  for (std::int32_t i = 0; i < call.op.input_count; ++i) {
    const Shape& in = call.input_shape(i);
    const auto input = call.input(i);
    for (std::int32_t y = 0; y < in.height; ++y) {
      for (std::int32_t x = 0; x < in.width; ++x) {
        for (std::int32_t c = 0; c < in.channels; ++c) {
          const std::size_t to =
              offset(call.output_shape(), y + begin.height, x + begin.width, c + begin.channels);
          call.int8_output()[to] = input[offset(in, y, x, c)];
        }
      }
    }
    along(begin, axis) += along(in, axis);
  }
}

void run_resize_nearest_neighbor(const KernelCall& call) {
  gather(call,
         nearest_neighbors(call.input_shape().height, call.output_shape().height, call.details()),
         nearest_neighbors(call.input_shape().width, call.output_shape().width, call.details()));
}

void run_mirror_pad(const KernelCall& call) {
  const Padding& p = call.op.window.padding;
  gather(call,
         mirrored(call.input_shape().height, p.top, call.output_shape().height, call.details()),
         mirrored(call.input_shape().width, p.left, call.output_shape().width, call.details()));
}

void run_transpose(const KernelCall& call) {
  const Shape& in = call.input_shape();
  const Shape& out = call.output_shape();
  const auto& permutation = call.details().permutation;
  const auto bytes = static_cast<std::size_t>(bytes_of_elements(1, call.input_type()));
  for (std::int32_t y = 0; y < out.height; ++y) {
    for (std::int32_t x = 0; x < out.width; ++x) {
      for (std::int32_t c = 0; c < out.channels; ++c) {
        std::array<std::int32_t, 3> from = {};
        from[permutation[0]] = y;
        from[permutation[1]] = x;
        from[permutation[2]] = c;
        std::memcpy(call.output.data() + offset(out, y, x, c) * bytes,
                    call.inputs[0].data() + offset(in, from[0], from[1], from[2]) * bytes, bytes);
      }
    }
  }
}

void run_strided_slice(const KernelCall& call) {
  const auto& [begin, stride, part] =
      std::tie(call.details().begin, call.details().stride, call.details().part);
  auto to = call.int8_output().begin();
  for (std::int32_t y = 0; y < part.height; ++y) {
    for (std::int32_t x = 0; x < part.width; ++x) {
      for (std::int32_t c = 0; c < part.channels; ++c) {
        *to++ = call.input()[offset(call.input_shape(), begin[0] + y * stride[0],
                                    begin[1] + x * stride[1], begin[2] + c * stride[2])];
      }
    }
  }
}

void run_resize_bilinear(const KernelCall& call) {
  constexpr std::int32_t kOne = 1 << 10;
  const Shape& in = call.input_shape();
  const Shape& out = call.output_shape();
  const auto input = call.input();
  const auto rows = interpolations(in.height, out.height, call.details());
  const auto columns = interpolations(in.width, out.width, call.details());
  for (std::int32_t y = 0; y < out.height; ++y) {
    for (std::int32_t x = 0; x < out.width; ++x) {
      for (std::int32_t c = 0; c < out.channels; ++c) {
        const auto along_row = [&](std::int32_t row) {
          return input[offset(in, row, columns[x].first, c)] * (kOne - columns[x].weight) +
                 input[offset(in, row, columns[x].second, c)] * columns[x].weight;
        };
        const std::int32_t sum = along_row(rows[y].first) * (kOne - rows[y].weight) +
                                 along_row(rows[y].second) * rows[y].weight;
        call.int8_output()[offset(out, y, x, c)] =
            static_cast<std::int8_t>(rounding_divide_by_power_of_two(sum, 20));
      }
    }
  }
}

}  // namespace mcunet::engine
