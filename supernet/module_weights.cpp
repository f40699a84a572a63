#include "mcunet/supernet/module_weights.hpp"

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
  for (const auto& [name, tensor] : tensors) {
    if (!own.contains(name)) throw Error("{}: {}: this network has no such tensor", source, name);
  }
  for (const auto& [name, tensor] : own) {
    const auto found = tensors.find(name);
    if (found == tensors.end()) throw Error("{}: {}: is missing", source, name);
    if (found->second.sizes() != tensor.sizes()) {
      throw Error("{}: {}: has the shape [{}], expected [{}]", source, name,
                  fmt::join(found->second.sizes(), ", "), fmt::join(tensor.sizes(), ", "));
    }
    tensor.copy_(found->second);
  }
}

}  // namespace mcunet::supernet
