#include "losses.hpp"

#include <ATen/Functions.h>

namespace mcunet::supernet {

at::Tensor classification_loss(const at::Tensor& logits, const at::Tensor& labels,
                               double label_smoothing, const at::Tensor& class_weights) {
  if (!class_weights.defined() || label_smoothing == 0) {
    return at::cross_entropy_loss(logits, labels, class_weights, at::Reduction::Mean,
                                  /*ignore_index=*/-100, label_smoothing);
  }
  // ATen would look for labels to ignore, for which it waits for a GPU.
  const at::Tensor losses = -at::log_softmax(logits, /*dim=*/1) * class_weights;
  const at::Tensor own = losses.gather(1, labels.unsqueeze(1)).sum();
  const double share = label_smoothing / static_cast<double>(logits.size(1));
  return ((1 - label_smoothing) * own + share * losses.sum()) /
         class_weights.index_select(0, labels).sum();
}

at::Tensor distillation_loss(const at::Tensor& student_logits, const at::Tensor& teacher_logits,
                             const at::Tensor& example_weights) {
  const at::Tensor targets = at::softmax(teacher_logits.detach(), /*dim=*/1);
  const at::Tensor losses = -(targets * at::log_softmax(student_logits, /*dim=*/1)).sum(1);
  if (!example_weights.defined()) return losses.mean();
  return (losses * example_weights).sum() / example_weights.sum();
}

at::Tensor balanced_class_weights(std::span<const std::int64_t> examples_of) {
  std::int64_t all = 0;
  std::int64_t classes = 0;
  for (const std::int64_t count : examples_of) {
    all += count;
    classes += count > 0 ? 1 : 0;
  }
  std::vector<float> weights;
  for (const std::int64_t count : examples_of) {
    weights.push_back(count == 0 ? 0
                                 : static_cast<float>(static_cast<double>(all) /
                                                      static_cast<double>(classes * count)));
  }
  return at::tensor(weights);
}

}  // namespace mcunet::supernet
