#pragma once

#include <ATen/core/Tensor.h>

#include <span>

#include "mcunet/datasets/loader.hpp"

namespace mcunet::supernet {

struct BatchTensors {
  at::Tensor images;   // [n, channels, height, width] in channels-last memory, 32-bit floats
  at::Tensor targets;  // see targets_of
  std::vector<std::int64_t> indices = {};  // [n], in the dataset
};

// What a network is to tell of n examples, all of one kind, on the CPU:
//   classes  [n], 64-bit integers
//   objects  [m, 7], 32-bit floats: the example, the class, the ObjectKind, left, top, right, bottom
//   values   [n], 32-bit floats
at::Tensor targets_of(std::span<const datasets::Target> targets);

// A batch as tensors; if it holds pixels, as 8-bit integers. On a CPU the images share the batch's memory, which
// must outlive them. Throws Error if the batch does not hold examples of this shape.
BatchTensors to_tensors(datasets::Batch& batch, const datasets::InputShape& shape,
                        const at::Device& device);

// The same, with the memory of the images moved into the tensor.
BatchTensors to_tensors(datasets::Batch&& batch, const datasets::InputShape& shape,
                        const at::Device& device);

// Inputs [n, channels, rows, columns] interpolated to so many columns, and rows where they have
// several: a series has one.
at::Tensor at_resolution(const at::Tensor& inputs, int resolution);

}  // namespace mcunet::supernet
