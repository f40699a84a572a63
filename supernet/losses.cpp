#include "losses.hpp"

#include <ATen/Functions.h>

namespace mcunet::supernet {

at::Tensor classification_loss(const at::Tensor& logits, const at::Tensor& labels,
                               double label_smoothing) {
  return at::cross_entropy_loss(logits, labels, /*weight=*/{}, at::Reduction::Mean,
                                /*ignore_index=*/-100, label_smoothing);
}

at::Tensor distillation_loss(const at::Tensor& student_logits, const at::Tensor& teacher_logits) {
  const at::Tensor targets = at::softmax(teacher_logits.detach(), /*dim=*/1);
  return -(targets * at::log_softmax(student_logits, /*dim=*/1)).sum(1).mean();
}

}  // namespace mcunet::supernet
