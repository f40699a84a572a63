#pragma once

#include <cstdint>

// The inner loops of training on a CPU that are bound by memory, over NHWC data of 32-bit or 16-bit
// floats: fewer passes than one operator after the other makes. Each works on a part, so that the
// caller divides the work over threads. Compiled once per instruction set, without any other header
// of the project, so that no function of a wider set is linked into the rest of the program.
namespace mcunet::supernet::cpu {

struct Bfloat16 {
  std::uint16_t bits;
};

// x -> clamp(x * scale + shift, low, high), per channel: batch normalization and an activation.
struct ScaleShiftClamp {
  const float* scale;
  const float* shift;
  float low;
  float high;
};

// The gradient at the input of batch normalization from the one at the output of the activation:
// scale * masked(gradient) + slope * x + offset, per channel.
struct NormGradient {
  ScaleShiftClamp forward;
  const float* slope;
  const float* offset;
};

// Channels-last rows of pixels: element (row, channel) is at row * channels + channel. The kernels
// over rows take channel counts with row_group(channels) * channels <= kMaxGroupWidth.
constexpr std::int64_t kVectorWidth = 16;
constexpr std::int64_t kMaxGroupWidth = 8192;
constexpr std::int64_t kMaxKernel = 15;

// Rows that are handled as one so that vectors are full.
std::int64_t row_group(std::int64_t channels);

struct DepthwiseShape {
  std::int64_t channels;
  std::int64_t height, width;                // of the input
  std::int64_t output_height, output_width;  // (width + 2 * (kernel / 2) - kernel) / stride + 1
  std::int64_t kernel_rows, kernel;          // rows and columns
  std::int64_t stride;
  // Of the weights, in elements: from one channel, row and column to the next.
  std::int64_t channel_step, row_step, column_step;

  std::int64_t taps() const { return kernel_rows * kernel; }
};

template <typename T>
struct DepthwiseBackward {
  const T* input;
  const T* output;           // of the convolution, before batch normalization
  const T* output_gradient;  // at the output of the activation
  const float* weights;
  T* input_gradient;  // null: not wanted
};

template <typename T>
struct Kernels {
  // Adds the sums of x and of its squares to sum[channels] and square_sum[channels].
  void (*add_moments)(const T* x, std::int64_t rows, std::int64_t channels, double* sum,
                      double* square_sum);

  // out = clamp(x * scale + shift) + residual, if not null. out may be x.
  void (*normalize)(const T* x, const T* residual, T* out, std::int64_t rows, std::int64_t channels,
                    const ScaleShiftClamp& norm);

  // With g the gradient where the activation is not clamped, adds the sums of g and of
  // g * (x - centre).
  void (*add_gradient_sums)(const T* gradient, const T* x, std::int64_t rows, std::int64_t channels,
                            const ScaleShiftClamp& norm, const float* centre, double* sum,
                            double* product_sum);

  void (*norm_gradient)(const T* gradient, const T* x, T* out, std::int64_t rows,
                        std::int64_t channels, const NormGradient& norm);

  // One image, kVectorWidth channels (or those left) from first_channel on. scratch holds
  // depthwise_scratch(shape) floats. Adds moments of the output unless sum is null.
  void (*depthwise)(const DepthwiseShape& shape, std::int64_t first_channel, const T* input,
                    const float* weights, T* output, double* sum, double* square_sum,
                    float* scratch);

  // The same channels of one image, backwards through batch normalization and convolution.
  // weight_gradient[taps][channels] is added to, unless null.
  void (*depthwise_backward)(const DepthwiseShape& shape, std::int64_t first_channel,
                             const DepthwiseBackward<T>& tensors, const NormGradient& norm,
                             float* weight_gradient, float* scratch);
};

std::int64_t depthwise_scratch(const DepthwiseShape& shape);

// For the instruction set of this machine.
template <typename T>
const Kernels<T>& kernels();

namespace baseline {
extern const Kernels<float> kFloat32;
extern const Kernels<Bfloat16> kBfloat16;
}  // namespace baseline
namespace avx2 {
extern const Kernels<float> kFloat32;
extern const Kernels<Bfloat16> kBfloat16;
}  // namespace avx2
namespace avx512 {
extern const Kernels<float> kFloat32;
extern const Kernels<Bfloat16> kBfloat16;
}  // namespace avx512

}  // namespace mcunet::supernet::cpu
