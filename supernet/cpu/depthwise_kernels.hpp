#pragma once

#include "cpu/vectors.hpp"

// Depthwise convolution of one image and up to 16 channels.
//   1. Copy the channels of the image, as 32-bit floats, into a scratch image with a border of
//      zeros; backwards, batch normalization and activation are undone on the way.
//   2. Slide over it: a tile of neighbouring outputs stays in registers while the taps go by. The
//      gradient at the input is the same slide, over the taps that reach a pixel, for each position
//      of a pixel within the stride.
// Cost: output pixels * taps multiply-adds, one read and one write of the data.
namespace mcunet::supernet::cpu::MCUNET_KERNEL_SET {

// Rows above and below, columns to the left and right.
struct Border {
  std::int64_t rows;
  std::int64_t columns;
};

// Pixels of WIDTH channels with a border on all sides.
struct ScratchImage {
  float* values;
  std::int64_t columns;
  Border border;

  // Of the first pixel of a row.
  float* row(std::int64_t y, int width) const {
    return values + ((y + border.rows) * columns + border.columns) * width;
  }
};

// Where a tap reads, relative to the tile's first pixel, and its weights.
struct Taps {
  std::int64_t count = 0;
  std::int64_t offset[kMaxKernel * kMaxKernel];
  const float* weights[kMaxKernel * kMaxKernel];
};

// pixel(index) gives the vector of one pixel of a height x width image. Returns where the memory
// behind the scratch image begins as well.
template <int WIDTH, typename Pixel>
std::pair<ScratchImage, float*> fill_scratch(float* values, std::int64_t height, std::int64_t width,
                                             const Border& border, Pixel pixel) {
  using V = Vector<WIDTH>;
  const ScratchImage image{values, width + 2 * border.columns, border};
  const std::int64_t floats = (height + 2 * border.rows) * image.columns * WIDTH;
  std::memset(values, 0, static_cast<std::size_t>(floats) * sizeof(float));
  for (std::int64_t y = 0; y < height; ++y) {
    float* row = image.row(y, WIDTH);
    for (std::int64_t x = 0; x < width; ++x) V::store(row + x * WIDTH, pixel(y * width + x));
  }
  return {image, values + floats};
}

// Sums of TILE outputs whose inputs are `step` floats apart.
template <int WIDTH, int TILE>
inline void slide(const Taps& taps, const float* source, std::int64_t step,
                  typename Vector<WIDTH>::Floats* sums) {
  using V = Vector<WIDTH>;
  typename V::Floats tile[TILE] = {};
  for (std::int64_t i = 0; i < taps.count; ++i) {
    const auto weight = V::load(taps.weights[i]);
    const float* at = source + taps.offset[i];
#pragma GCC unroll 8
    for (int t = 0; t < TILE; ++t) tile[t] += weight * V::load(at + t * step);
  }
#pragma GCC unroll 8
  for (int t = 0; t < TILE; ++t) sums[t] = tile[t];
}

// Calls emit(index, sum) for `count` outputs in a row.
template <int WIDTH, typename Emit>
void slide_row(const Taps& taps, const float* source, std::int64_t step, std::int64_t count,
               Emit emit) {
  typename Vector<WIDTH>::Floats sums[8];
  std::int64_t done = 0;
  while (done < count) {
    const std::int64_t left = count - done;
    const float* from = source + done * step;
    std::int64_t tile = 1;
    if (left >= 8) {
      slide<WIDTH, 8>(taps, from, step, sums), tile = 8;
    } else if (left >= 6) {
      slide<WIDTH, 6>(taps, from, step, sums), tile = 6;
    } else if (left >= 4) {
      slide<WIDTH, 4>(taps, from, step, sums), tile = 4;
    } else if (left == 3) {
      slide<WIDTH, 3>(taps, from, step, sums), tile = 3;
    } else {
      slide<WIDTH, 1>(taps, from, step, sums);
    }
    for (std::int64_t t = 0; t < tile; ++t) emit(done + t, sums[t]);
    done += tile;
  }
}

// The weights of WIDTH channels as [taps][WIDTH].
template <int WIDTH>
void gather_weights(const DepthwiseShape& shape, std::int64_t first_channel, const float* weights,
                    float* gathered) {
  for (std::int64_t y = 0; y < shape.kernel_rows; ++y) {
    for (std::int64_t x = 0; x < shape.kernel; ++x) {
      for (int c = 0; c < WIDTH; ++c) {
        gathered[(y * shape.kernel + x) * WIDTH + c] =
            weights[(first_channel + c) * shape.channel_step + y * shape.row_step +
                    x * shape.column_step];
      }
    }
  }
}

template <int WIDTH, typename T>
ScratchImage fill_input(const DepthwiseShape& shape, const T* input, float* scratch) {
  const Border border{shape.kernel_rows / 2, shape.kernel / 2};
  const auto pixel = [&](std::int64_t index) {
    return Vector<WIDTH>::load(input + index * shape.channels);
  };
  return fill_scratch<WIDTH>(scratch, shape.height, shape.width, border, pixel).first;
}

template <int WIDTH, typename T>
void depthwise_channels(const DepthwiseShape& shape, std::int64_t first, const T* input,
                        const float* weights, T* output, double* sum, double* square_sum,
                        float* scratch) {
  using V = Vector<WIDTH>;
  float* gathered = scratch;
  gather_weights<WIDTH>(shape, first, weights, gathered);
  const ScratchImage image =
      fill_input<WIDTH>(shape, input + first, scratch + shape.taps() * WIDTH);
  Taps taps;
  for (std::int64_t y = 0; y < shape.kernel_rows; ++y) {
    for (std::int64_t x = 0; x < shape.kernel; ++x) {
      taps.weights[taps.count] = gathered + taps.count * WIDTH;
      taps.offset[taps.count++] = (y * image.columns + x) * WIDTH;
    }
  }
  typename V::Floats centre = {};
  typename V::Floats sums = {};
  typename V::Floats squares = {};
  for (std::int64_t y = 0; y < shape.output_height; ++y) {
    T* row = output + y * shape.output_width * shape.channels + first;
    slide_row<WIDTH>(taps, image.values + y * shape.stride * image.columns * WIDTH,
                     shape.stride * WIDTH, shape.output_width,
                     [&](std::int64_t x, typename V::Floats value) {
                       V::store(row + x * shape.channels, value);
                       if (x == 0 && y == 0) centre = value;
                       const auto near = value - centre;
                       sums += near;
                       squares += near * near;
                     });
  }
  if (sum == nullptr) return;
  const auto count = static_cast<double>(shape.output_height * shape.output_width);
  for (int c = 0; c < WIDTH; ++c) {
    const auto k = static_cast<double>(centre[c]);
    const auto near = static_cast<double>(sums[c]);
    sum[first + c] += near + count * k;
    square_sum[first + c] += static_cast<double>(squares[c]) + 2 * k * near + count * k * k;
  }
}

// Adds the products of the gradient with the inputs under TAPS neighbouring taps of one row.
template <int WIDTH, int TAPS>
void add_weight_gradient(const DepthwiseShape& shape, const ScratchImage& image,
                         const ScratchImage& gradient, std::int64_t tap_y, std::int64_t tap_x,
                         std::int64_t channels, float* weight_gradient) {
  using V = Vector<WIDTH>;
  typename V::Floats sums[TAPS] = {};
  const std::int64_t step = shape.stride * WIDTH;
  for (std::int64_t y = 0; y < shape.output_height; ++y) {
    const float* source =
        image.values + ((y * shape.stride + tap_y) * image.columns + tap_x) * WIDTH;
    const float* from = gradient.row(y, WIDTH);
    for (std::int64_t x = 0; x < shape.output_width; ++x) {
      const auto value = V::load(from + x * WIDTH);
#pragma GCC unroll 8
      for (int t = 0; t < TAPS; ++t) sums[t] += value * V::load(source + x * step + t * WIDTH);
    }
  }
  for (int t = 0; t < TAPS; ++t) {
    float* target = weight_gradient + (tap_y * shape.kernel + tap_x + t) * channels;
    V::store(target, V::load(target) + sums[t]);
  }
}

template <int WIDTH>
void add_weight_gradients(const DepthwiseShape& shape, const ScratchImage& image,
                          const ScratchImage& gradient, std::int64_t channels,
                          float* weight_gradient) {
  for (std::int64_t y = 0; y < shape.kernel_rows; ++y) {
    std::int64_t x = 0;
    const auto add = [&](auto taps) {
      constexpr int kTaps = decltype(taps)::value;
      for (; x + kTaps <= shape.kernel; x += kTaps) {
        add_weight_gradient<WIDTH, kTaps>(shape, image, gradient, y, x, channels, weight_gradient);
      }
    };
    add(std::integral_constant<int, 7>{});
    add(std::integral_constant<int, 5>{});
    add(std::integral_constant<int, 3>{});
    add(std::integral_constant<int, 1>{});
  }
}

// The pixels (y, x) with y = row_phase and x = column_phase modulo the stride see the same taps.
template <int WIDTH, typename T>
void slide_input_gradient(const DepthwiseShape& shape, const ScratchImage& gradient,
                          const float* weights, std::int64_t row_phase, std::int64_t column_phase,
                          T* input_gradient) {
  using V = Vector<WIDTH>;
  const Border padding{shape.kernel_rows / 2, shape.kernel / 2};
  const std::int64_t stride = shape.stride;
  Taps taps;
  for (std::int64_t y = (row_phase + padding.rows) % stride; y < shape.kernel_rows; y += stride) {
    for (std::int64_t x = (column_phase + padding.columns) % stride; x < shape.kernel;
         x += stride) {
      taps.weights[taps.count] = weights + (y * shape.kernel + x) * WIDTH;
      taps.offset[taps.count++] = ((row_phase + padding.rows - y) / stride * gradient.columns +
                                   (column_phase + padding.columns - x) / stride) *
                                  WIDTH;
    }
  }
  const std::int64_t columns = (shape.width - column_phase + stride - 1) / stride;
  for (std::int64_t y = row_phase; y < shape.height; y += stride) {
    const float* source = gradient.row(y / stride, WIDTH);
    T* row = input_gradient + (y * shape.width + column_phase) * shape.channels;
    slide_row<WIDTH>(taps, source, WIDTH, columns, [&](std::int64_t x, typename V::Floats value) {
      V::store(row + x * stride * shape.channels, value);
    });
  }
}

template <int WIDTH, typename T>
void depthwise_backward_channels(const DepthwiseShape& shape, std::int64_t first,
                                 const DepthwiseBackward<T>& tensors, const NormGradient& norm,
                                 float* weight_gradient, float* scratch) {
  using V = Vector<WIDTH>;
  float* gathered = scratch;
  gather_weights<WIDTH>(shape, first, tensors.weights, gathered);
  scratch += shape.taps() * WIDTH;
  const auto scale = V::load(norm.forward.scale + first);
  const auto shift = V::load(norm.forward.shift + first);
  const auto slope = V::load(norm.slope + first);
  const auto offset = V::load(norm.offset + first);
  const auto [gradient, behind] = fill_scratch<WIDTH>(
      scratch, shape.output_height, shape.output_width, Border{shape.kernel_rows, shape.kernel},
      [&](std::int64_t pixel) {
        const std::int64_t at = pixel * shape.channels + first;
        const auto value = V::load(tensors.output + at);
        const auto masked = V::masked(V::load(tensors.output_gradient + at), value * scale + shift,
                                      norm.forward.low, norm.forward.high);
        return masked * scale + value * slope + offset;
      });
  if (weight_gradient != nullptr) {
    const ScratchImage image = fill_input<WIDTH>(shape, tensors.input + first, behind);
    add_weight_gradients<WIDTH>(shape, image, gradient, shape.channels, weight_gradient + first);
  }
  if (tensors.input_gradient == nullptr) return;
  for (std::int64_t y = 0; y < shape.stride && y < shape.height; ++y) {
    for (std::int64_t x = 0; x < shape.stride && x < shape.width; ++x) {
      slide_input_gradient<WIDTH>(shape, gradient, gathered, y, x, tensors.input_gradient + first);
    }
  }
}

// Splits up to 16 channels into vectors; calls run(width, first channel).
template <typename Run>
void for_each_width(const DepthwiseShape& shape, std::int64_t first, Run run) {
  const std::int64_t end =
      first + kVectorWidth < shape.channels ? first + kVectorWidth : shape.channels;
  for (; first + 16 <= end; first += 16) run(std::integral_constant<int, 16>{}, first);
  for (; first + 8 <= end; first += 8) run(std::integral_constant<int, 8>{}, first);
  for (; first < end; ++first) run(std::integral_constant<int, 1>{}, first);
}

template <typename T>
void depthwise(const DepthwiseShape& shape, std::int64_t first_channel, const T* input,
               const float* weights, T* output, double* sum, double* square_sum, float* scratch) {
  for_each_width(shape, first_channel, [&](auto width, std::int64_t first) {
    depthwise_channels<decltype(width)::value>(shape, first, input, weights, output, sum,
                                               square_sum, scratch);
  });
}

template <typename T>
void depthwise_backward(const DepthwiseShape& shape, std::int64_t first_channel,
                        const DepthwiseBackward<T>& tensors, const NormGradient& norm,
                        float* weight_gradient, float* scratch) {
  for_each_width(shape, first_channel, [&](auto width, std::int64_t first) {
    depthwise_backward_channels<decltype(width)::value>(shape, first, tensors, norm,
                                                        weight_gradient, scratch);
  });
}

}  // namespace mcunet::supernet::cpu::MCUNET_KERNEL_SET
