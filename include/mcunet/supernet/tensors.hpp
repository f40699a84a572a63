#pragma once

#include <ATen/core/Tensor.h>

#include "mcunet/datasets/loader.hpp"

namespace mcunet::supernet {

struct BatchTensors {
  at::Tensor images;  // [n, channels, height, width] in channels-last memory, 32-bit floats
  at::Tensor labels;  // [n], 64-bit integers
  std::vector<std::int64_t> indices = {};  // [n], in the dataset
};

// A batch as tensors. On a CPU they share the batch's memory, which must outlive them. Throws Error
// if the batch does not hold examples of this shape.
BatchTensors to_tensors(datasets::Batch& batch, const datasets::InputShape& shape,
                        const at::Device& device);

// The same, with the memory of the batch moved into the tensors.
BatchTensors to_tensors(datasets::Batch&& batch, const datasets::InputShape& shape,
                        const at::Device& device);

// Inputs [n, channels, rows, columns] interpolated to so many columns, and rows where they have
// several: a series has one.
at::Tensor at_resolution(const at::Tensor& inputs, int resolution);

}  // namespace mcunet::supernet
