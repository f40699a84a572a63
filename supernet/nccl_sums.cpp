#include "nccl_sums.hpp"

#include "mcunet/core/error.hpp"

#ifdef MCUNET_HAS_NCCL
#define USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#else
#include <torch/csrc/distributed/c10d/Store.hpp>
#endif

namespace mcunet::supernet {

#ifdef MCUNET_HAS_NCCL

bool has_nccl() { return true; }

std::string place_of_gpu(const at::Device& device) {
  const cudaDeviceProp& gpu = *at::cuda::getDeviceProperties(device.index());
  return fmt::format("{:04x}:{:02x}:{:02x}", gpu.pciDomainID, gpu.pciBusID, gpu.pciDeviceID);
}

StartSum start_nccl(const c10::intrusive_ptr<c10d::Store>& store, int rank, int ranks,
                    double timeout_seconds) {
  using Nccl = c10d::ProcessGroupNCCL;
  const auto options = Nccl::Options::create();
  options->timeout = std::chrono::milliseconds(static_cast<std::int64_t>(timeout_seconds * 1000));
  const auto nccl = c10::make_intrusive<Nccl>(c10::make_intrusive<c10d::PrefixStore>("nccl", store),
                                              rank, ranks, options);
  return [nccl](const at::Tensor& tensor) -> std::function<void()> {
    std::vector<at::Tensor> tensors = {tensor};
    return [work = nccl->allreduce(tensors)] { work->wait(); };
  };
}

#else

bool has_nccl() { return false; }

std::string place_of_gpu(const at::Device&) { return ""; }

StartSum start_nccl(const c10::intrusive_ptr<c10d::Store>&, int, int, double) {
  throw Error("this build has no NCCL");
}

#endif

}  // namespace mcunet::supernet
