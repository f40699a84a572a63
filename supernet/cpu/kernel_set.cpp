// Compiled once per instruction set: MCUNET_KERNEL_SET is its namespace.
#include <type_traits>

#include "cpu/depthwise_kernels.hpp"
#include "cpu/norm_kernels.hpp"

namespace mcunet::supernet::cpu::MCUNET_KERNEL_SET {

template <typename T>
constexpr Kernels<T> kernel_table() {
  return {.add_moments = add_moments<T>,
          .normalize = normalize<T>,
          .add_gradient_sums = add_gradient_sums<T>,
          .norm_gradient = norm_gradient<T>,
          .depthwise = depthwise<T>,
          .depthwise_backward = depthwise_backward<T>};
}

const Kernels<float> kFloat32 = kernel_table<float>();
const Kernels<Bfloat16> kBfloat16 = kernel_table<Bfloat16>();

}  // namespace mcunet::supernet::cpu::MCUNET_KERNEL_SET
