#include "losses.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

namespace mcunet::supernet {
namespace {

// Probabilities 0.5, 0.25, 0.25 and 0.2, 0.6, 0.2.
at::Tensor logits() {
  return at::tensor({0.5, 0.25, 0.25, 0.2, 0.6, 0.2}, at::kDouble).reshape({2, 3}).log() + 3;
}

TEST(Losses, ClassificationIsMeanCrossEntropy) {
  const at::Tensor labels = at::tensor({0, 2}, at::kLong);
  EXPECT_NEAR(classification_loss(logits(), labels, 0).item<double>(),
              -(std::log(0.5) + std::log(0.2)) / 2, 1e-12);
}

TEST(Losses, LabelSmoothingMixesInTheUniformDistribution) {
  const at::Tensor labels = at::tensor({0, 2}, at::kLong);
  const double plain = -(std::log(0.5) + std::log(0.2)) / 2;
  const double uniform =
      -(std::log(0.5) + 2 * std::log(0.25) + 2 * std::log(0.2) + std::log(0.6)) / 6;
  EXPECT_NEAR(classification_loss(logits(), labels, 0.1).item<double>(),
              0.9 * plain + 0.1 * uniform, 1e-12);
}

TEST(Losses, DistillationIsCrossEntropyWithTheTeacher) {
  const at::Tensor teacher =
      at::tensor({0.7, 0.2, 0.1, 0.1, 0.1, 0.8}, at::kDouble).reshape({2, 3}).log();
  const double first = 0.7 * std::log(0.5) + 0.2 * std::log(0.25) + 0.1 * std::log(0.25);
  const double second = 0.1 * std::log(0.2) + 0.1 * std::log(0.6) + 0.8 * std::log(0.2);
  EXPECT_NEAR(distillation_loss(logits(), teacher).item<double>(), -(first + second) / 2, 1e-12);
}

// The first example counts three times the second: (3 a + b) / 4.
TEST(Losses, ClassesMayCountDifferently) {
  const at::Tensor labels = at::tensor({0, 2}, at::kLong);
  const at::Tensor weights = at::tensor({1.5, 9.0, 0.5}, at::kDouble);
  EXPECT_NEAR(classification_loss(logits(), labels, 0, weights).item<double>(),
              -(3 * std::log(0.5) + std::log(0.2)) / 4, 1e-12);
  const at::Tensor teacher =
      at::tensor({0.7, 0.2, 0.1, 0.1, 0.1, 0.8}, at::kDouble).reshape({2, 3}).log();
  const double first = 0.7 * std::log(0.5) + 0.2 * std::log(0.25) + 0.1 * std::log(0.25);
  const double second = 0.1 * std::log(0.2) + 0.1 * std::log(0.6) + 0.8 * std::log(0.2);
  EXPECT_NEAR(distillation_loss(logits(), teacher, weights.index_select(0, labels)).item<double>(),
              -(3 * first + second) / 4, 1e-12);
}

// By hand: 12 examples of 3 classes, a class without examples left out of account.
TEST(Losses, BalancedClassesCountAlike) {
  const std::vector<std::int64_t> counts = {6, 0, 4, 2};
  const at::Tensor weights = balanced_class_weights(counts);
  EXPECT_TRUE(at::allclose(weights, at::tensor({12.0F / 18, 0.0F, 12.0F / 12, 12.0F / 6})));
}

TEST(Losses, DistillationPullsTheStudentTowardsTheTeacherAlone) {
  at::Tensor student = logits().set_requires_grad(true);
  at::Tensor teacher = at::zeros({2, 3}, at::kDouble).set_requires_grad(true);
  distillation_loss(student, teacher).backward();
  EXPECT_FALSE(teacher.grad().defined());
  // The gradient of cross-entropy: (student's - teacher's probabilities) / n.
  const at::Tensor expected = (at::softmax(student.detach(), 1) - 1.0 / 3) / 2;
  EXPECT_TRUE(at::allclose(student.grad(), expected));
}

}  // namespace
}  // namespace mcunet::supernet
