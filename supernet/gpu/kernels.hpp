#pragma once

#include <cstdint>
#include <string>

#include "coefficients.hpp"

// The inner loops of training on a GPU that are bound by memory, over NHWC data of 32-bit or 16-bit floats: fewer
// passes than one operator after the other makes, and nothing that is chosen or compiled anew for each shape, of
// which a supernet has thousands.
namespace mcunet::supernet::gpu {

enum class Element { kFloat32, kBfloat16, kFloat16 };

// Channels that a thread takes together. Channel counts are multiples of it, and tensors begin at multiples of the
// bytes of so many elements.
constexpr int kVectorWidth = 4;

// x -> clamp(x * scale + shift, low, high), per channel: batch normalization and an activation.
struct ScaleShiftClamp {
  const float* scale;
  const float* shift;
  float low;
  float high;
};

// Rows of pixels: element (row, channel) is at row * channels + channel.
struct Pixels {
  std::int64_t rows;
  std::int64_t channels;
};

struct DepthwiseShape {
  std::int64_t images;
  std::int64_t channels;
  std::int64_t height, width;                // of the input
  std::int64_t output_height, output_width;  // (width + 2 * (kernel / 2) - kernel) / stride + 1
  std::int64_t kernel_rows, kernel;          // rows, odd, and columns
  std::int64_t stride;

  std::int64_t taps() const { return kernel_rows * kernel; }
};

// Whether there is a kernel: of 3, 5 or 7 columns, with strides of 1 or 2.
bool can_take(const DepthwiseShape& shape);

// How many partial sums the kernels below make, which the caller adds up.
std::int64_t row_parts(const Pixels& pixels);
std::int64_t weight_gradient_parts(const DepthwiseShape& shape);

// What batch normalization learns from sums over all rows, and what it computes with.
struct Normalization {
  const void* first_pixel;  // that the moments are about; null: the running statistics are taken
  const double* moments;    // [2, channels]: sums of x - first pixel, and of its squares
  std::int64_t rows;
  const float* weight;
  const float* bias;
  float* running_mean;
  float* running_var;
  float momentum;    // of the running statistics, which 0 leaves as they are
  float correction;  // of the variance that they move to
  float epsilon;
  float* coefficients;
};

// Backwards: scale * masked(gradient) + slope * x + offset, per channel, is the gradient at x.
struct NormalizationGradient {
  const double* sums;  // [2, channels]: those of add_gradient_sums
  std::int64_t rows;
  bool from_batch;  // else slope and offset are 0
  const float* coefficients;
  float* weight;
  float* bias;
  float* line;  // [2, channels]: slope and offset
};

// One machine's. Each enters a kernel into the current stream of the current GPU.
struct Kernels {
  // taps [taps][channels].
  void (*depthwise)(const DepthwiseShape& shape, Element element, const void* input,
                    const float* taps, void* output);
  void (*depthwise_input_gradient)(const DepthwiseShape& shape, Element element,
                                   const void* gradient, const float* taps, void* input_gradient);
  // sums [weight_gradient_parts][taps][channels].
  void (*depthwise_weight_gradient)(const DepthwiseShape& shape, Element element, const void* input,
                                    const void* gradient, float* sums);

  // sums [2][row_parts][channels]: of x less the first pixel, and of its squares.
  void (*add_moments)(const Pixels& pixels, Element element, const void* x, float* sums);
  void (*coefficients)(std::int64_t channels, Element element, const Normalization& normalization);
  // out = clamp(x * scale + shift) + residual, if not null. out may be x.
  void (*normalize)(const Pixels& pixels, Element element, const void* x, const void* residual,
                    void* out, const ScaleShiftClamp& norm);

  // With g the gradient where the activation is not clamped, sums [2][row_parts][channels] of g and of
  // g * (x - mean).
  void (*add_gradient_sums)(const Pixels& pixels, Element element, const void* gradient,
                            const void* x, const ScaleShiftClamp& norm, const float* mean,
                            float* sums);
  void (*coefficient_gradients)(std::int64_t channels, const NormalizationGradient& gradient);
  // out may be gradient.
  void (*norm_gradient)(const Pixels& pixels, Element element, const void* gradient, const void* x,
                        const ScaleShiftClamp& norm, const float* line, void* out);
};

// Null if this was built without a compiler for GPUs.
const Kernels* kernels_on_gpu();

// Why they do not run on the GPU of this number, or nothing.
std::string problem_of(int gpu);

// The same with a GPU's threads one after the other, by which they are tested where there is none.
const Kernels& kernels_in_turn();

}  // namespace mcunet::supernet::gpu
