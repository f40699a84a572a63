#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

namespace mcunet::supernet {

// Means over the batch, weighted if there are weights. logits [n, classes], labels [n] of 64-bit
// integers, class_weights [classes].
at::Tensor classification_loss(const at::Tensor& logits, const at::Tensor& labels,
                               double label_smoothing, const at::Tensor& class_weights = {});

// Cross-entropy with the teacher's probabilities; no gradient reaches the teacher. example_weights [n].
at::Tensor distillation_loss(const at::Tensor& student_logits, const at::Tensor& teacher_logits,
                             const at::Tensor& example_weights = {});

// Weights by which classes with so many examples count alike: examples / (classes * the class's), of
// the classes that have any; 0 for the others. 32-bit floats.
at::Tensor balanced_class_weights(std::span<const std::int64_t> examples_of);

}  // namespace mcunet::supernet
