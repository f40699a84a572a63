#include "mcunet/supernet/module_weights.hpp"

#include <ATen/Functions.h>
#include <c10/core/GradMode.h>
#include <fmt/ranges.h>

#include "mcunet/core/error.hpp"

namespace mcunet::supernet {

TensorDictionary weights_of(const torch::nn::Module& module) {
  TensorDictionary tensors;
  for (const auto& entry : module.named_parameters()) {
    tensors.emplace(entry.key(), entry.value().detach());
  }
  for (const auto& entry : module.named_buffers()) tensors.emplace(entry.key(), entry.value());
  return tensors;
}

void load_weights(torch::nn::Module& module, const TensorDictionary& tensors,
                  const std::string& source) {
  const c10::NoGradGuard no_grad;
  const TensorDictionary own = weights_of(module);
  check_tensors(tensors, own, source);
  for (const auto& [name, tensor] : own) tensor.copy_(tensors.at(name));
}

void check_tensors(const TensorDictionary& tensors, const TensorDictionary& expected,
                   const std::string& source) {
  for (const auto& [name, tensor] : tensors) {
    if (!expected.contains(name)) {
      throw Error("{}: {}: this network has no such tensor", source, name);
    }
  }
  for (const auto& [name, tensor] : expected) {
    const auto found = tensors.find(name);
    if (found == tensors.end()) throw Error("{}: {}: is missing", source, name);
    const at::Tensor& given = found->second;
    if (given.sizes() != tensor.sizes()) {
      throw Error("{}: {}: has the shape [{}], expected [{}]", source, name,
                  fmt::join(given.sizes(), ", "), fmt::join(tensor.sizes(), ", "));
    }
    if (given.scalar_type() != tensor.scalar_type()) {
      throw Error("{}: {}: has elements of type {}, expected {}", source, name,
                  c10::toString(given.scalar_type()), c10::toString(tensor.scalar_type()));
    }
    if (given.is_floating_point() && !given.isfinite().all().item<bool>()) {
      throw Error("{}: {}: has elements that are infinite or no numbers", source, name);
    }
  }
}

}  // namespace mcunet::supernet
