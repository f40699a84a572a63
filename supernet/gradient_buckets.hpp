#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "mcunet/supernet/process_group.hpp"

namespace mcunet::supernet {

// Adds up the gradients of all ranks while the backward pass still runs: the gradients of parameters that
// follow each other lie in one flat tensor, a bucket, and a bucket is on its way as soon as no more is
// added to any of them. The buckets are those of all parameters, the last first, whatever a sub-network
// reaches, so that all ranks send the same. A group of one rank has no buckets, and nothing is done.
//
// The last bucket cannot hide behind the backward pass, so a small network has small ones; but each costs as many
// messages as there are ranks.
class GradientBuckets {
 public:
  // Gives the parameters gradients of zeros. The group must outlive this. Absent, a bucket has an eighth of all
  // bytes, and at most a MiB.
  GradientBuckets(std::span<const at::Tensor> parameters, ProcessGroup& group,
                  std::optional<std::int64_t> bucket_bytes = std::nullopt);
  ~GradientBuckets();

  GradientBuckets(const GradientBuckets&) = delete;
  GradientBuckets& operator=(const GradientBuckets&) = delete;

  // To be called before the last backward pass of a step, which begins at `loss`.
  void expect_last_pass(const at::Tensor& loss);

  // Starts what has not been, and waits until all gradients are sums of all ranks'.
  void finish();

  std::int64_t bytes() const;  // that a rank contributes to a step

 private:
  struct Bucket {
    at::Tensor flat;
    std::int64_t left = 0;  // parameters that the running backward pass will still add to
    std::function<void()> wait;
  };
  struct Accumulators;

  void start_complete();

  ProcessGroup& group_;
  std::vector<Bucket> buckets_;
  std::size_t next_ = 0;  // the first bucket that is not on its way
  bool is_last_pass_ = false;
  std::unique_ptr<Accumulators> accumulators_;
};

}  // namespace mcunet::supernet
