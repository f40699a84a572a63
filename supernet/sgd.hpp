#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

#include "mcunet/supernet/supernet.hpp"

namespace mcunet::supernet {

struct SgdOptions {
  double momentum = 0.9;
  bool nesterov = false;
  double weight_decay = 0;
  bool decay_norm_and_bias = true;  // else tensors of one dimension do not decay
};

// Stochastic gradient descent with momentum, as torch::optim::SGD computes it. Unlike there, every
// parameter has a gradient at all times, of zeros where a sub-network did not reach: all processes
// then reduce the same tensors, and momentum and decay go on everywhere.
class Sgd {
 public:
  Sgd(std::vector<std::pair<std::string, at::Tensor>> parameters, const SgdOptions& options);

  const std::vector<at::Tensor>& parameters() const { return parameters_; }

  void zero_gradients();

  // One for each parameter; undefined ones are zeros.
  void add_gradients(const std::vector<at::Tensor>& gradients);

  // The 2-norm of all gradients together.
  at::Tensor gradient_norm() const;                // [], a double, where the parameters are
  void scale_gradients(const at::Tensor& factor);  // [], likewise

  void step(double learning_rate);

  void reset_momentum();

  // After the parameters were reordered.
  void reorder(const std::vector<TensorPermutation>& permutations);

  // Momentum by parameter name. load_state throws Error as load_weights does.
  TensorDictionary state() const;
  void load_state(const TensorDictionary& state, const std::string& source);

 private:
  std::vector<at::Tensor> gradients() const;

  SgdOptions options_;
  std::vector<std::string> names_;
  std::vector<at::Tensor> parameters_;
  std::vector<at::Tensor> momentum_;
};

}  // namespace mcunet::supernet
