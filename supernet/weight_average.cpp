#include "weight_average.hpp"

#include <ATen/Functions.h>
#include <c10/core/GradMode.h>

#include <algorithm>

namespace mcunet::supernet {
namespace {

void for_each_pair(const torch::OrderedDict<std::string, at::Tensor>& to,
                   const torch::OrderedDict<std::string, at::Tensor>& from, auto action) {
  for (const auto& entry : to) {
    at::Tensor target = entry.value();
    action(target, from[entry.key()]);
  }
}

void copy(at::Tensor& target, const at::Tensor& source) { target.copy_(source); }

}  // namespace

WeightAverage::WeightAverage(const Supernet& followed, const SupernetOptions& options, double decay)
    : weights_(followed->space(), options), decay_(decay) {
  const c10::NoGradGuard no_grad;
  weights_->to(followed->parameters().front().device());
  for (at::Tensor parameter : weights_->parameters()) parameter.set_requires_grad(false);
  for_each_pair(weights_->named_parameters(), followed->named_parameters(), copy);
  for_each_pair(weights_->named_buffers(), followed->named_buffers(), copy);
}

void WeightAverage::update(const Supernet& followed, std::int64_t updates_before) {
  const c10::NoGradGuard no_grad;
  const auto updates = static_cast<double>(updates_before);
  const double decay = std::min(decay_, (1 + updates) / (10 + updates));
  for_each_pair(weights_->named_parameters(), followed->named_parameters(),
                [&](at::Tensor& average, const at::Tensor& now) { average.lerp_(now, 1 - decay); });
  for_each_pair(weights_->named_buffers(), followed->named_buffers(), copy);
}

void WeightAverage::reorder(const std::vector<TensorPermutation>& permutations) {
  const c10::NoGradGuard no_grad;
  const auto parameters = weights_->named_parameters();
  for (const TensorPermutation& permutation : permutations) {
    if (!parameters.contains(permutation.name)) continue;  // buffers follow with the next update
    at::Tensor parameter = parameters[permutation.name];
    parameter.copy_(parameter.index_select(permutation.dim, permutation.order));
  }
}

}  // namespace mcunet::supernet
