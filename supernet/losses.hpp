#pragma once

#include <ATen/core/Tensor.h>

namespace mcunet::supernet {

// Means over the batch. logits [n, classes], labels [n] of 64-bit integers.
at::Tensor classification_loss(const at::Tensor& logits, const at::Tensor& labels,
                               double label_smoothing);

// Cross-entropy with the teacher's probabilities; no gradient reaches the teacher.
at::Tensor distillation_loss(const at::Tensor& student_logits, const at::Tensor& teacher_logits);

}  // namespace mcunet::supernet
