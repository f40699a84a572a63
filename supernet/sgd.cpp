#include "sgd.hpp"

#include <ATen/Functions.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "mcunet/supernet/module_weights.hpp"

namespace mcunet::supernet {

Sgd::Sgd(std::vector<std::pair<std::string, at::Tensor>> parameters, const SgdOptions& options)
    : options_(options) {
  for (auto& [name, parameter] : parameters) {
    names_.push_back(std::move(name));
    parameters_.push_back(std::move(parameter));
    momentum_.push_back(at::zeros_like(parameters_.back()));
  }
  zero_gradients();
}

void Sgd::zero_gradients() {
  for (at::Tensor& parameter : parameters_) {
    at::Tensor& gradient = parameter.mutable_grad();
    if (!gradient.defined()) gradient = at::empty_like(parameter);
  }
  at::_foreach_zero_(gradients());
}

void Sgd::add_gradients(const std::vector<at::Tensor>& gradients) {
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    if (gradients[i].defined()) parameters_[i].mutable_grad().add_(gradients[i]);
  }
}

std::vector<at::Tensor> Sgd::gradients() const {
  std::vector<at::Tensor> gradients;
  gradients.reserve(parameters_.size());
  for (const at::Tensor& parameter : parameters_) gradients.push_back(parameter.grad());
  return gradients;
}

at::Tensor Sgd::gradient_norm() const {
  return at::stack(at::_foreach_norm(gradients(), 2)).norm().to(at::kDouble);
}

void Sgd::scale_gradients(const at::Tensor& factor) {
  for (at::Tensor& gradient : gradients()) gradient.mul_(factor);
}

void Sgd::step(double learning_rate) {
  const c10::NoGradGuard no_grad;
  const std::vector<at::Tensor> all = gradients();
  if (options_.weight_decay != 0) {
    std::vector<at::Tensor> decaying;
    std::vector<at::Tensor> decaying_gradients;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (!options_.decay_norm_and_bias && parameters_[i].dim() <= 1) continue;
      decaying.push_back(parameters_[i]);
      decaying_gradients.push_back(all[i]);
    }
    at::_foreach_add_(decaying_gradients, decaying, options_.weight_decay);
  }
  at::_foreach_mul_(momentum_, options_.momentum);
  at::_foreach_add_(momentum_, all, 1);
  if (options_.nesterov) {
    at::_foreach_add_(all, momentum_, options_.momentum);
    at::_foreach_add_(parameters_, all, -learning_rate);
  } else {
    at::_foreach_add_(parameters_, momentum_, -learning_rate);
  }
}

void Sgd::reset_momentum() {
  for (at::Tensor& momentum : momentum_) momentum.zero_();
}

void Sgd::reorder(const std::vector<TensorPermutation>& permutations) {
  for (const TensorPermutation& permutation : permutations) {
    const auto name = std::find(names_.begin(), names_.end(), permutation.name);
    if (name == names_.end()) continue;  // a buffer
    at::Tensor& momentum = momentum_[static_cast<std::size_t>(name - names_.begin())];
    momentum.copy_(momentum.index_select(permutation.dim, permutation.order));
  }
}

TensorDictionary Sgd::state() const {
  TensorDictionary state;
  for (std::size_t i = 0; i < names_.size(); ++i) state.emplace(names_[i], momentum_[i]);
  return state;
}

void Sgd::load_state(const TensorDictionary& state, const std::string& source) {
  check_tensors(state, this->state(), source);
  for (std::size_t i = 0; i < names_.size(); ++i) momentum_[i].copy_(state.at(names_[i]));
}

}  // namespace mcunet::supernet
