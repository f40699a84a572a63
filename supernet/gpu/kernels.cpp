#include "gpu/kernels.hpp"

#include <algorithm>

#include "gpu/kernel_table.hpp"

namespace mcunet::supernet::gpu {
namespace {

// More than any GPU has at work at a time, and few enough that adding up their sums costs little.
constexpr std::int64_t kThreadsThatSum = 1 << 17;

std::int64_t parts_of(std::int64_t rows, std::int64_t threads_per_part) {
  return std::clamp<std::int64_t>(kThreadsThatSum / threads_per_part, 1,
                                  std::max<std::int64_t>(1, rows));
}

struct InTurn {
  template <typename Kernel>
  static void run(const Kernel& kernel) {
    for (std::int64_t thread = 0; thread < kernel.threads(); ++thread) kernel(thread);
  }
};

}  // namespace

bool can_take(const DepthwiseShape& shape) {
  const bool has_kernel = shape.kernel == 3 || shape.kernel == 5 || shape.kernel == 7;
  return has_kernel && (shape.stride == 1 || shape.stride == 2);
}

std::int64_t row_parts(const Pixels& pixels) {
  // Each should have some rows to add up.
  return parts_of((pixels.rows + 7) / 8, pixels.channels / kVectorWidth);
}

std::int64_t weight_gradient_parts(const DepthwiseShape& shape) {
  return parts_of(shape.images * shape.output_height,
                  shape.kernel_rows * (shape.channels / kVectorWidth));
}

const Kernels& kernels_in_turn() {
  static constexpr Kernels kKernels = KernelTable<InTurn>::all();
  return kKernels;
}

#ifndef MCUNET_HAS_GPU_KERNELS
const Kernels* kernels_on_gpu() { return nullptr; }

std::string problem_of(int) {
  return "this build has no kernels for GPUs, as CUDA's compiler was missing";
}
#endif

}  // namespace mcunet::supernet::gpu
