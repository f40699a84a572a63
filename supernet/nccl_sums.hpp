#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>

namespace c10d {
class Store;
}

// Sums over ranks of tensors on GPUs, by libtorch's NCCL. Apart from the rest, as its header needs those of CUDA,
// with which this is built where they are found (cmake/Libtorch.cmake).
namespace mcunet::supernet {

bool has_nccl();

// Tells GPUs of a machine apart, whatever each process calls its own. Empty if has_nccl() is not.
std::string place_of_gpu(const at::Device& device);

// Starts a sum over all ranks, each with a GPU of its own, and gives what makes later work on this one wait for it:
// the caller itself does not wait.
using StartSum = std::function<std::function<void()>(const at::Tensor& tensor)>;

// Of all ranks, which meet at the store. Requires has_nccl().
StartSum start_nccl(const c10::intrusive_ptr<c10d::Store>& store, int rank, int ranks,
                    double timeout_seconds);

}  // namespace mcunet::supernet
