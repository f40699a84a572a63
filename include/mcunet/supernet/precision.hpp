#pragma once

namespace mcunet::supernet {

// Of activations. Weights, statistics and sums are kept in 32-bit floats always.
enum class Precision {
  kFloat32,
  kBfloat16,
  kFloat16,  // on GPUs alone; losses are scaled (loss_scale.hpp)
};

}  // namespace mcunet::supernet
