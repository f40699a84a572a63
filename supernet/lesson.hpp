#pragma once

#include <cstdint>
#include <vector>

#include "gradient_buckets.hpp"
#include "marks.hpp"
#include "mcunet/supernet/tensors.hpp"
#include "mcunet/supernet/trainer.hpp"
#include "sgd.hpp"

namespace mcunet::supernet {

// A batch of a step.
struct StepBatch {
  BatchTensors tensors;
  std::int64_t step = 0;
  int number = 0;          // among those of the step, of all ranks
  bool is_last = false;    // of this rank's
  double loss_factor = 1;  // of the losses that gradients are of, not of those that are told
};

// How the sub-networks of a step learn from one of its batches. What it is made of must outlive it.
class Lesson {
 public:
  Lesson(const TrainerOptions& options, const TrainerContext& context, Supernet& supernet,
         Sgd& optimizer, GradientBuckets& buckets);

  // Adds the gradients of each sub-network's loss to those that the parameters have, in an order that depends on
  // the sub-networks alone; in a group of ranks the costliest comes last. If asked to, all but the first learn the
  // first one's outputs. The first alone moves the running statistics of batch norm. On a CPU, by several threads, the sub-networks learn side by side: their sums do not
  // depend on who is ready first.
  Marks give(const StepBatch& batch, const std::vector<Learner>& learners, bool distils);

 private:
  struct Work;  // of one sub-network

  bool can_be_side_by_side() const;
  std::size_t last_of(const std::vector<std::size_t>& by_cost, const StepBatch& batch,
                      bool distils) const;
  at::Tensor forward(const StepBatch& batch, const search::space::Subnet& subnet,
                     std::size_t place);
  at::Tensor loss_of(const Work& work, const Work& first, const StepBatch& batch,
                     const at::Tensor& given, bool distils) const;

  const TrainerOptions& options_;
  const TrainerContext& context_;
  Supernet& supernet_;
  Sgd& optimizer_;
  GradientBuckets& buckets_;
};

}  // namespace mcunet::supernet
