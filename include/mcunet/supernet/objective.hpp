#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>

#include "mcunet/datasets/dataset.hpp"
#include "mcunet/supernet/trainer_options.hpp"

namespace mcunet::supernet {

// A mean in the making: of the examples or objects of a batch. On the device of the outputs.
struct Measure {
  at::Tensor sum;    // []
  at::Tensor count;  // []
};

// What a training makes small, one for each kind of target. Outputs are those of run_network, in 32-bit
// floats; targets those of targets_of, on the same device.
class Objective {
 public:
  virtual ~Objective() = default;

  // Over the examples of a batch, a mean.
  virtual at::Tensor loss(const at::Tensor& outputs, const at::Tensor& targets) const = 0;

  // How far the outputs are from a teacher's for the same inputs; no gradient reaches the teacher.
  virtual at::Tensor distillation_loss(const at::Tensor& outputs, const at::Tensor& teacher,
                                       const at::Tensor& targets) const = 0;

  // What is logged beside the loss: its name, and how good the outputs are.
  virtual std::string measure_name() const = 0;
  virtual Measure measure(const at::Tensor& outputs, const at::Tensor& targets) const = 0;
};

// Cross-entropy; classes may count by their numbers in `training`. Measures top1.
std::unique_ptr<Objective> classification_objective(const TrainerOptions& options,
                                                    const datasets::Dataset& training);

// Half the squared error of one output, which stands for mean + deviation * output; distillation
// likewise. Measures mean_absolute_error.
std::unique_ptr<Objective> regression_objective(double mean, double deviation);

}  // namespace mcunet::supernet
