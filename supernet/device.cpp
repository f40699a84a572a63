#include "mcunet/supernet/device.hpp"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>

#include <charconv>
#include <optional>

#include "mcunet/core/error.hpp"
#include "mcunet/core/rank_place.hpp"

namespace mcunet::supernet {
namespace {

int count_cuda_devices() {
  return at::globalContext().hasCUDA() ? at::detail::getCUDAHooks().getNumGPUs() : 0;
}

// The INDEX of "cuda:INDEX"; 0 for "cuda".
std::optional<int> parse_cuda(const std::string& name) {
  if (name == "cuda") return 0;
  if (!name.starts_with("cuda:")) return std::nullopt;
  int index = 0;
  const char* last = name.data() + name.size();
  const auto result = std::from_chars(name.data() + 5, last, index);
  if (result.ec != std::errc{} || result.ptr != last || index < 0) return std::nullopt;
  return index;
}

}  // namespace

c10::Device select_device(const std::string& name) {
  const int devices = count_cuda_devices();
  if (name == "auto") {
    if (devices == 0) return {c10::kCPU};
    // A scheduler may show each rank its own GPU only, which is then the first.
    return select_device(fmt::format("cuda:{}", rank_place().local_rank % devices));
  }
  if (name == "cpu") return {c10::kCPU};
  const std::optional<int> index = parse_cuda(name);
  if (!index) throw Error("device: must be cpu, cuda, cuda:INDEX or auto, is {}", name);
  if (*index >= devices) {
    throw Error("device: {} is not there: libtorch finds {} CUDA devices", name, devices);
  }
  return {c10::kCUDA, static_cast<c10::DeviceIndex>(*index)};
}

}  // namespace mcunet::supernet
