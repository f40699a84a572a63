#include "mcunet/supernet/objective.hpp"

#include <ATen/Functions.h>

#include "losses.hpp"
#include "sent_once.hpp"

namespace mcunet::supernet {
namespace {

// Of the training data, for each class; none if all classes count the same.
at::Tensor class_weights_of(ClassWeights kind, const datasets::Dataset& data) {
  if (kind == ClassWeights::kNone) return {};
  std::vector<std::int64_t> counts(data.classes().size());
  for (std::int64_t i = 0; i < data.size(); ++i) ++counts[static_cast<std::size_t>(data.label(i))];
  return balanced_class_weights(counts);
}

// Of a value for each example.
Measure mean_of(const at::Tensor& values) {
  return {values.sum(), at::full({}, values.size(0), values.options().dtype(at::kLong))};
}

class ClassificationObjective : public Objective {
 public:
  ClassificationObjective(const TrainerOptions& options, const datasets::Dataset& training)
      : label_smoothing_(options.label_smoothing),
        class_weights_(class_weights_of(options.class_weights, training)) {}

  at::Tensor loss(const at::Tensor& outputs, const at::Tensor& targets) const override {
    return classification_loss(outputs, targets, label_smoothing_,
                               class_weights_.on(outputs.device()));
  }

  at::Tensor distillation_loss(const at::Tensor& outputs, const at::Tensor& teacher,
                               const at::Tensor& targets) const override {
    const at::Tensor weights = class_weights_.on(outputs.device());
    return supernet::distillation_loss(
        outputs, teacher, weights.defined() ? weights.index_select(0, targets) : weights);
  }

  std::string measure_name() const override { return "top1"; }

  Measure measure(const at::Tensor& outputs, const at::Tensor& targets) const override {
    return mean_of(outputs.argmax(1).eq(targets));
  }

 private:
  double label_smoothing_;
  SentOnce class_weights_;  // [classes]; undefined if all count the same
};

class RegressionObjective : public Objective {
 public:
  RegressionObjective(double mean, double deviation) : mean_(mean), deviation_(deviation) {}

  at::Tensor loss(const at::Tensor& outputs, const at::Tensor& targets) const override {
    return (outputs.squeeze(1) - (targets - mean_) / deviation_).square().mean() / 2;
  }

  at::Tensor distillation_loss(const at::Tensor& outputs, const at::Tensor& teacher,
                               const at::Tensor&) const override {
    return (outputs - teacher.detach()).square().mean() / 2;
  }

  std::string measure_name() const override { return "mean_absolute_error"; }

  Measure measure(const at::Tensor& outputs, const at::Tensor& targets) const override {
    return mean_of((mean_ + deviation_ * outputs.squeeze(1) - targets).abs());
  }

 private:
  double mean_;
  double deviation_;
};

}  // namespace

std::unique_ptr<Objective> classification_objective(const TrainerOptions& options,
                                                    const datasets::Dataset& training) {
  return std::make_unique<ClassificationObjective>(options, training);
}

std::unique_ptr<Objective> regression_objective(double mean, double deviation) {
  return std::make_unique<RegressionObjective>(mean, deviation);
}

}  // namespace mcunet::supernet
