#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>

#include <limits>

#include "gpu/kernel_table.hpp"

namespace mcunet::supernet::gpu {
namespace {

constexpr int kThreadsPerBlock = 256;

template <typename Kernel>
__global__ void __launch_bounds__(kThreadsPerBlock)
    each_thread(const Kernel kernel, std::int64_t threads) {
  const std::int64_t thread = std::int64_t{blockIdx.x} * kThreadsPerBlock + threadIdx.x;
  if (thread < threads) kernel(thread);
}

struct OnGpu {
  template <typename Kernel>
  static void run(const Kernel& kernel) {
    const std::int64_t threads = kernel.threads();
    if (threads == 0) return;
    TORCH_CHECK(threads <= std::numeric_limits<std::uint32_t>::max(), "a batch is too large");
    const auto blocks = static_cast<unsigned>((threads + kThreadsPerBlock - 1) / kThreadsPerBlock);
    each_thread<<<blocks, kThreadsPerBlock, 0, c10::cuda::getCurrentCUDAStream()>>>(kernel,
                                                                                    threads);
    C10_CUDA_KERNEL_LAUNCH_CHECK();
  }
};

}  // namespace

std::string problem_of(int gpu) {
  constexpr int kLeast = 8;
  int major = 0;
  C10_CUDA_CHECK(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, gpu));
  if (major >= kLeast) return "";
  return "its compute capability is " + std::to_string(major) + ".x, and the kernels are for " +
         std::to_string(kLeast) + ".0 and later";
}

const Kernels* kernels_on_gpu() {
  static constexpr Kernels kKernels = KernelTable<OnGpu>::all();
  return &kKernels;
}

}  // namespace mcunet::supernet::gpu
