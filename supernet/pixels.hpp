#pragma once

#include <ATen/core/Tensor.h>

#include <span>

#include "mcunet/datasets/dataset.hpp"

namespace mcunet::supernet {

// What colour jitter does to n examples: [3, n, 4], 32-bit floats on the CPU: of each step in turn, whether it
// changes brightness, contrast or saturation, one of which is 1, and its factor. Undefined if nothing is changed.
at::Tensor jitter_table(std::span<const datasets::ColourJitter> jitters);

// Pixels [n, height, width, channels] of 8 bits as what Dataset::load makes of them, to the rounding of 32-bit
// floats, in the same layout; on any device. `values` [256] is what a pixel stands for, `jitters` a jitter_table.
at::Tensor inputs_of_pixels(const at::Tensor& pixels, const at::Tensor& values,
                            const at::Tensor& jitters);

}  // namespace mcunet::supernet
