#pragma once

#include <ATen/core/Tensor.h>

#include <mutex>
#include <utility>

namespace mcunet::supernet {

// A constant that is asked for where others are: it is sent to a GPU once, as that waits for it. Several threads may
// ask.
class SentOnce {
 public:
  explicit SentOnce(at::Tensor tensor) : tensor_(std::move(tensor)) {}

  bool is_defined() const { return tensor_.defined(); }

  at::Tensor on(const at::Device& device) const {
    if (!is_defined() || device.is_cpu()) return tensor_;
    std::call_once(sent_, [&] { on_gpu_ = tensor_.to(device); });
    return on_gpu_.to(device);
  }

 private:
  at::Tensor tensor_;
  mutable std::once_flag sent_;
  mutable at::Tensor on_gpu_;
};

}  // namespace mcunet::supernet
