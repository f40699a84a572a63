#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <string>

namespace c10d {
class Store;
}

namespace mcunet::supernet {

// Sums over ranks of tensors on GPUs, one for each rank, by libtorch's NCCL. Apart from the rest, as its header
// needs those of CUDA, with which this is built where they are found (cmake/Libtorch.cmake).
class NcclSums {
 public:
  // Why there are none, or nothing.
  static std::string problem();

  // Tells the GPUs of a machine apart, whatever each process calls its own. Requires that there is no problem.
  static std::string place_of(const at::Device& gpu);

  // Of all ranks, which meet at the store. Requires that there is no problem.
  NcclSums(const c10::intrusive_ptr<c10d::Store>& store, int rank, int ranks,
           double timeout_seconds);
  ~NcclSums();

  NcclSums(const NcclSums&) = delete;
  NcclSums& operator=(const NcclSums&) = delete;

  // Of all. What it gives makes later work on this rank's GPU wait for the sum; the caller does not wait.
  std::function<void()> start(const at::Tensor& tensor);

  void shut_down();  // of all, when nothing is left to sum
  void abort();      // by one, whatever the others do

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mcunet::supernet
