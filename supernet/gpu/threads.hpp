#pragma once

#include <c10/macros/Macros.h>

#include <cmath>
#include <cstdint>

#include "gpu/kernels.hpp"

#define MCUNET_PRAGMA(text) _Pragma(#text)
#ifdef __CUDACC__
#define MCUNET_UNROLL(times) MCUNET_PRAGMA(unroll times)
#else
#define MCUNET_UNROLL(times)
#endif

// What each thread of a kernel does, for GPUs and, to test it, for CPUs. Threads know nothing of each other.
namespace mcunet::supernet::gpu {

struct Floats {
  float values[kVectorWidth];

  C10_HOST_DEVICE float& operator[](int i) { return values[i]; }
  C10_HOST_DEVICE float operator[](int i) const { return values[i]; }
};

// What one access to memory moves.
template <typename T>
struct alignas(kVectorWidth * sizeof(T)) Packed {
  T values[kVectorWidth];
};

template <typename T>
C10_HOST_DEVICE Floats load_vector(const T* from) {
  const Packed<T> packed = *reinterpret_cast<const Packed<T>*>(from);
  Floats floats;
  MCUNET_UNROLL()
  for (int i = 0; i < kVectorWidth; ++i) floats[i] = static_cast<float>(packed.values[i]);
  return floats;
}

template <typename T>
C10_HOST_DEVICE void store_vector(const Floats& floats, T* to) {
  Packed<T> packed;
  MCUNET_UNROLL()
  for (int i = 0; i < kVectorWidth; ++i) packed.values[i] = static_cast<T>(floats[i]);
  *reinterpret_cast<Packed<T>*>(to) = packed;
}

C10_HOST_DEVICE inline void multiply_add(const Floats& a, const Floats& b, Floats& sum) {
  MCUNET_UNROLL()
  for (int i = 0; i < kVectorWidth; ++i) sum[i] += a[i] * b[i];
}

// Columns that a thread of a depthwise kernel computes, so that neighbours share what is loaded.
constexpr int kColumns = 4;

constexpr int floor_divide(int a, int b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }

// A thread's place: neighbours in channels are neighbours in memory.
struct Place {
  int channel;
  int column;  // the first of kColumns
  int row;
  int image;

  C10_HOST_DEVICE Place(std::int64_t thread, std::int64_t channels, std::int64_t columns,
                        std::int64_t rows) {
    auto rest = static_cast<std::uint32_t>(thread);
    const auto next = [&rest](std::int64_t count) {
      const auto divisor = static_cast<std::uint32_t>(count);
      const std::uint32_t index = rest % divisor;
      rest /= divisor;
      return static_cast<int>(index);
    };
    channel = next(channels / kVectorWidth) * kVectorWidth;
    column = next((columns + kColumns - 1) / kColumns) * kColumns;
    row = next(rows);
    image = static_cast<int>(rest);
  }
};

inline std::int64_t places(std::int64_t images, std::int64_t channels, std::int64_t columns,
                           std::int64_t rows) {
  return images * rows * ((columns + kColumns - 1) / kColumns) * (channels / kVectorWidth);
}

// Loads `Count` neighbouring columns of a row of pixels; those beyond its ends are zeros.
template <int Count, typename T>
C10_HOST_DEVICE void load_columns(const T* row, int first, int width, std::int64_t channels,
                                  Floats (&columns)[Count]) {
  MCUNET_UNROLL()
  for (int i = 0; i < Count; ++i) {
    const int column = first + i;
    if (column >= 0 && column < width) {
      columns[i] = load_vector(row + column * channels);
    } else {
      columns[i] = Floats{};
    }
  }
}

template <typename T, int Kernel, int Stride>
struct Depthwise {
  DepthwiseShape shape;
  const T* input;
  const float* taps;
  T* output;

  std::int64_t threads() const {
    return places(shape.images, shape.channels, shape.output_width, shape.output_height);
  }

  C10_HOST_DEVICE void operator()(std::int64_t thread) const {
    const Place at(thread, shape.channels, shape.output_width, shape.output_height);
    const std::int64_t channels = shape.channels;
    Floats sums[kColumns] = {};
    for (int k = 0; k < shape.kernel_rows; ++k) {
      const int row = static_cast<int>(at.row * Stride - shape.kernel_rows / 2 + k);
      if (row < 0 || row >= shape.height) continue;
      Floats x[(kColumns - 1) * Stride + Kernel];
      load_columns(input + (at.image * shape.height + row) * shape.width * channels + at.channel,
                   at.column * Stride - Kernel / 2, static_cast<int>(shape.width), channels, x);
      MCUNET_UNROLL()
      for (int tap = 0; tap < Kernel; ++tap) {
        const Floats weight = load_vector(taps + (k * Kernel + tap) * channels + at.channel);
        MCUNET_UNROLL()
        for (int i = 0; i < kColumns; ++i) multiply_add(x[i * Stride + tap], weight, sums[i]);
      }
    }
    T* out =
        output +
        ((at.image * shape.output_height + at.row) * shape.output_width + at.column) * channels +
        at.channel;
    MCUNET_UNROLL()
    for (int i = 0; i < kColumns; ++i) {
      if (at.column + i < shape.output_width) store_vector(sums[i], out + i * channels);
    }
  }
};

template <typename T, int Kernel, int Stride>
struct DepthwiseInputGradient {
  DepthwiseShape shape;
  const T* gradient;
  const float* taps;
  T* input_gradient;

  // The outputs that kColumns inputs take part in, counted from column / Stride on.
  static constexpr int kFirst = floor_divide(Kernel / 2 - (Kernel - 1), Stride);
  static constexpr int kLast = floor_divide(kColumns - 1 + Kernel / 2, Stride);

  std::int64_t threads() const {
    return places(shape.images, shape.channels, shape.width, shape.height);
  }

  C10_HOST_DEVICE void operator()(std::int64_t thread) const {
    const Place at(thread, shape.channels, shape.width, shape.height);
    const std::int64_t channels = shape.channels;
    Floats sums[kColumns] = {};
    for (int k = 0; k < shape.kernel_rows; ++k) {
      const int above = static_cast<int>(at.row + shape.kernel_rows / 2 - k);
      const int row = above / Stride;
      if (above < 0 || above % Stride != 0 || row >= shape.output_height) continue;
      Floats g[kLast - kFirst + 1];
      load_columns(gradient +
                       (at.image * shape.output_height + row) * shape.output_width * channels +
                       at.channel,
                   at.column / Stride + kFirst, static_cast<int>(shape.output_width), channels, g);
      MCUNET_UNROLL()
      for (int tap = 0; tap < Kernel; ++tap) {
        const Floats weight = load_vector(taps + (k * Kernel + tap) * channels + at.channel);
        MCUNET_UNROLL()
        for (int i = 0; i < kColumns; ++i) {
          const int left = i + Kernel / 2 - tap;
          if ((left + Kernel * Stride) % Stride != 0) continue;
          multiply_add(g[(left + Kernel * Stride) / Stride - Kernel - kFirst], weight, sums[i]);
        }
      }
    }
    T* out = input_gradient +
             ((at.image * shape.height + at.row) * shape.width + at.column) * channels + at.channel;
    MCUNET_UNROLL()
    for (int i = 0; i < kColumns; ++i) {
      if (at.column + i < shape.width) store_vector(sums[i], out + i * channels);
    }
  }
};

// A thread takes one row of the taps, over every so many rows of the output.
template <typename T, int Kernel, int Stride>
struct DepthwiseWeightGradient {
  DepthwiseShape shape;
  const T* input;
  const T* gradient;
  float* sums;
  std::int64_t parts;

  std::int64_t threads() const {
    return parts * shape.kernel_rows * (shape.channels / kVectorWidth);
  }

  C10_HOST_DEVICE void operator()(std::int64_t thread) const {
    const std::int64_t channels = shape.channels;
    const auto vectors = static_cast<std::uint32_t>(channels / kVectorWidth);
    const auto index = static_cast<std::uint32_t>(thread);
    const std::int64_t channel = std::int64_t{index % vectors} * kVectorWidth;
    const auto tap_row =
        static_cast<int>(index / vectors % static_cast<std::uint32_t>(shape.kernel_rows));
    const std::int64_t part = index / vectors / static_cast<std::uint32_t>(shape.kernel_rows);
    Floats totals[Kernel] = {};
    const std::int64_t rows = shape.images * shape.output_height;
    for (std::int64_t r = part; r < rows; r += parts) {
      const auto image = static_cast<std::int64_t>(static_cast<std::uint32_t>(r) /
                                                   static_cast<std::uint32_t>(shape.output_height));
      const auto output_row = static_cast<int>(r - image * shape.output_height);
      const int row = static_cast<int>(output_row * Stride - shape.kernel_rows / 2 + tap_row);
      if (row < 0 || row >= shape.height) continue;
      const T* in = input + (image * shape.height + row) * shape.width * channels + channel;
      const T* out = gradient + r * shape.output_width * channels + channel;
      for (int column = 0; column < shape.output_width; column += kColumns) {
        Floats g[kColumns];
        load_columns(out, column, static_cast<int>(shape.output_width), channels, g);
        Floats x[(kColumns - 1) * Stride + Kernel];
        load_columns(in, column * Stride - Kernel / 2, static_cast<int>(shape.width), channels, x);
        MCUNET_UNROLL()
        for (int tap = 0; tap < Kernel; ++tap) {
          MCUNET_UNROLL()
          for (int i = 0; i < kColumns; ++i) multiply_add(x[i * Stride + tap], g[i], totals[tap]);
        }
      }
    }
    MCUNET_UNROLL()
    for (int tap = 0; tap < Kernel; ++tap) {
      store_vector(
          totals[tap],
          sums + ((part * shape.kernel_rows + tap_row) * Kernel + tap) * channels + channel);
    }
  }
};

// Two sums per channel over every so many rows of pixels; Values gives what a vector at some element adds to them.
template <typename Values>
struct RowSums {
  Pixels pixels;
  Values values;
  float* sums;
  std::int64_t parts;

  std::int64_t threads() const { return parts * (pixels.channels / kVectorWidth); }

  C10_HOST_DEVICE void operator()(std::int64_t thread) const {
    const auto vectors = static_cast<std::uint32_t>(pixels.channels / kVectorWidth);
    const auto index = static_cast<std::uint32_t>(thread);
    const std::int64_t channel = std::int64_t{index % vectors} * kVectorWidth;
    const std::int64_t part = index / vectors;
    const auto of_channel = values.of_channel(channel);
    Floats first{};
    Floats second{};
    MCUNET_UNROLL(4)
    for (std::int64_t row = part; row < pixels.rows; row += parts) {
      of_channel.add(row * pixels.channels + channel, first, second);
    }
    store_vector(first, sums + part * pixels.channels + channel);
    store_vector(second, sums + (parts + part) * pixels.channels + channel);
  }
};

// Moments about the first pixel lose no digits if the deviation is small beside the mean.
template <typename T>
struct Moments {
  const T* x;

  struct OfChannel {
    const T* x;
    Floats centre;

    C10_HOST_DEVICE void add(std::int64_t at, Floats& sum, Floats& square_sum) const {
      const Floats value = load_vector(x + at);
      MCUNET_UNROLL()
      for (int i = 0; i < kVectorWidth; ++i) {
        const float difference = value[i] - centre[i];
        sum[i] += difference;
        square_sum[i] += difference * difference;
      }
    }
  };

  C10_HOST_DEVICE OfChannel of_channel(std::int64_t channel) const {
    return {x, load_vector(x + channel)};
  }
};

C10_HOST_DEVICE inline bool is_within(float value, const ScaleShiftClamp& norm) {
  return value > norm.low && value < norm.high;
}

template <typename T>
struct GradientSums {
  const T* gradient;
  const T* x;
  ScaleShiftClamp norm;
  const float* mean;

  struct OfChannel {
    const GradientSums& all;
    Floats scale, shift, centre;

    C10_HOST_DEVICE void add(std::int64_t at, Floats& sum, Floats& product_sum) const {
      const Floats value = load_vector(all.x + at);
      const Floats g = load_vector(all.gradient + at);
      MCUNET_UNROLL()
      for (int i = 0; i < kVectorWidth; ++i) {
        const float masked = is_within(value[i] * scale[i] + shift[i], all.norm) ? g[i] : 0.0F;
        sum[i] += masked;
        product_sum[i] += masked * (value[i] - centre[i]);
      }
    }
  };

  C10_HOST_DEVICE OfChannel of_channel(std::int64_t channel) const {
    return {*this, load_vector(norm.scale + channel), load_vector(norm.shift + channel),
            load_vector(mean + channel)};
  }
};

// A thread for each channel.
template <typename T>
struct Coefficients {
  std::int64_t channels;
  Normalization norm;

  std::int64_t threads() const { return channels; }

  C10_HOST_DEVICE void operator()(std::int64_t c) const {
    double mean = norm.running_mean[c];
    double variance = norm.running_var[c];
    if (norm.first_pixel != nullptr) {
      const auto count = static_cast<double>(norm.rows);
      const double difference = norm.moments[c] / count;
      mean = static_cast<double>(static_cast<float>(static_cast<const T*>(norm.first_pixel)[c])) +
             difference;
      variance = norm.moments[channels + c] / count - difference * difference;
      if (variance < 0) variance = 0;
      if (norm.momentum != 0) {
        norm.running_mean[c] = moved(norm.running_mean[c], mean);
        norm.running_var[c] = moved(norm.running_var[c], variance * norm.correction);
      }
    }
    const double inverse = 1 / std::sqrt(variance + norm.epsilon);
    const double scale = norm.weight[c] * inverse;
    float* const to = norm.coefficients + c;
    to[kScale * channels] = static_cast<float>(scale);
    to[kShift * channels] = static_cast<float>(norm.bias[c] - mean * scale);
    to[kMean * channels] = static_cast<float>(mean);
    to[kInverseDeviation * channels] = static_cast<float>(inverse);
  }

  C10_HOST_DEVICE float moved(double running, double value) const {
    return static_cast<float>((1 - double{norm.momentum}) * running + norm.momentum * value);
  }
};

struct CoefficientGradients {
  std::int64_t channels;
  NormalizationGradient norm;

  std::int64_t threads() const { return channels; }

  C10_HOST_DEVICE void operator()(std::int64_t c) const {
    const double inverse = norm.coefficients[kInverseDeviation * channels + c];
    const double scale = norm.coefficients[kScale * channels + c];
    const double mean = norm.coefficients[kMean * channels + c];
    const double sum = norm.sums[c];
    const double product = norm.sums[channels + c] * inverse;
    norm.bias[c] = static_cast<float>(sum);
    norm.weight[c] = static_cast<float>(product);
    const auto count = static_cast<double>(norm.rows);
    const double slope = norm.from_batch ? -scale * inverse * product / count : 0;
    const double offset = norm.from_batch ? -scale * sum / count - slope * mean : 0;
    norm.line[c] = static_cast<float>(slope);
    norm.line[channels + c] = static_cast<float>(offset);
  }
};

// A thread for each vector of the pixels.
template <typename T>
struct Normalize {
  Pixels pixels;
  const T* x;
  const T* residual;
  T* out;
  ScaleShiftClamp norm;

  std::int64_t threads() const { return pixels.rows * pixels.channels / kVectorWidth; }

  C10_HOST_DEVICE void operator()(std::int64_t thread) const {
    const std::int64_t channel = static_cast<std::uint32_t>(thread) %
                                 static_cast<std::uint32_t>(pixels.channels / kVectorWidth) *
                                 std::int64_t{kVectorWidth};
    const std::int64_t at = thread * kVectorWidth;
    const Floats scale = load_vector(norm.scale + channel);
    const Floats shift = load_vector(norm.shift + channel);
    Floats value = load_vector(x + at);
    Floats more{};
    if (residual != nullptr) more = load_vector(residual + at);
    MCUNET_UNROLL()
    for (int i = 0; i < kVectorWidth; ++i) {
      const float normalized = value[i] * scale[i] + shift[i];
      const float above = normalized < norm.low ? norm.low : normalized;
      value[i] = (above > norm.high ? norm.high : above) + more[i];
    }
    store_vector(value, out + at);
  }
};

template <typename T>
struct NormGradient {
  Pixels pixels;
  const T* gradient;
  const T* x;
  T* out;
  ScaleShiftClamp norm;
  const float* line;

  std::int64_t threads() const { return pixels.rows * pixels.channels / kVectorWidth; }

  C10_HOST_DEVICE void operator()(std::int64_t thread) const {
    const std::int64_t channel = static_cast<std::uint32_t>(thread) %
                                 static_cast<std::uint32_t>(pixels.channels / kVectorWidth) *
                                 std::int64_t{kVectorWidth};
    const std::int64_t at = thread * kVectorWidth;
    const Floats scale = load_vector(norm.scale + channel);
    const Floats shift = load_vector(norm.shift + channel);
    const Floats slope = load_vector(line + channel);
    const Floats offset = load_vector(line + pixels.channels + channel);
    const Floats value = load_vector(x + at);
    Floats g = load_vector(gradient + at);
    MCUNET_UNROLL()
    for (int i = 0; i < kVectorWidth; ++i) {
      const bool passes = is_within(value[i] * scale[i] + shift[i], norm);
      g[i] = (passes ? scale[i] * g[i] : 0.0F) + slope[i] * value[i] + offset[i];
    }
    store_vector(g, out + at);
  }
};

}  // namespace mcunet::supernet::gpu
