#include "nccl_sums.hpp"

#include "mcunet/core/error.hpp"

#ifdef MCUNET_HAS_NCCL
#define USE_C10D_NCCL
#include <cstdlib>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#else
#include <torch/csrc/distributed/c10d/Store.hpp>
#endif

namespace mcunet::supernet {

#ifdef MCUNET_HAS_NCCL

namespace {

// The ranks watch each other themselves (process_group.cpp). What libtorch's watchdog does when it sees an error,
// it does minutes later, and in many lines. Set before its threads are there, unless the user has.
void leave_watching_to_us() {
  for (const char* name : {"TORCH_NCCL_ASYNC_ERROR_HANDLING", "TORCH_NCCL_DUMP_ON_TIMEOUT",
                           "TORCH_NCCL_ENABLE_MONITORING"}) {
    ::setenv(name, "0", /*overwrite=*/0);
  }
}

}  // namespace

struct NcclSums::State {
  c10::intrusive_ptr<c10d::ProcessGroupNCCL> group;
};

std::string NcclSums::problem() {
  // Its options are laid out by NCCL's header.
  const std::string built = fmt::format("{}.{}.", NCCL_MAJOR, NCCL_MINOR);
  const std::string there = c10d::getNcclVersion();
  if (there.starts_with(built)) return "";
  return fmt::format("this build has the headers of NCCL {}.{} and libtorch has NCCL {}",
                     NCCL_MAJOR, NCCL_MINOR, there);
}

std::string NcclSums::place_of(const at::Device& gpu) {
  const cudaDeviceProp& properties = *at::cuda::getDeviceProperties(gpu.index());
  return fmt::format("{:04x}:{:02x}:{:02x}", properties.pciDomainID, properties.pciBusID,
                     properties.pciDeviceID);
}

NcclSums::NcclSums(const c10::intrusive_ptr<c10d::Store>& store, int rank, int ranks,
                   double timeout_seconds) {
  using Nccl = c10d::ProcessGroupNCCL;
  leave_watching_to_us();
  const auto options = Nccl::Options::create();
  options->timeout = std::chrono::milliseconds(static_cast<std::int64_t>(timeout_seconds * 1000));
  state_.reset(new State{c10::make_intrusive<Nccl>(
      c10::make_intrusive<c10d::PrefixStore>("nccl", store), rank, ranks, options)});
}

std::function<void()> NcclSums::start(const at::Tensor& tensor) {
  std::vector<at::Tensor> tensors = {tensor};
  return [work = state_->group->allreduce(tensors)] { work->wait(); };
}

void NcclSums::shut_down() { state_->group->shutdown(); }
void NcclSums::abort() { state_->group->abort(); }

#else

struct NcclSums::State {};

std::string NcclSums::problem() { return "this build has no NCCL"; }
std::string NcclSums::place_of(const at::Device&) { throw Error("{}", problem()); }

NcclSums::NcclSums(const c10::intrusive_ptr<c10d::Store>&, int, int, double) {
  throw Error("{}", problem());
}

std::function<void()> NcclSums::start(const at::Tensor&) {
  return [] {};
}
void NcclSums::shut_down() {}
void NcclSums::abort() {}

#endif

NcclSums::~NcclSums() = default;

}  // namespace mcunet::supernet
