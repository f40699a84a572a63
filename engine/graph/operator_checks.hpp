#pragma once

#include <fmt/format.h>

#include <cmath>
#include <string>
#include <string_view>
#include <utility>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/graph.hpp"

namespace mcunet::engine {

inline bool is_nearly_equal(const Quantization& a, const Quantization& b) {
  return a.zero_point == b.zero_point && std::abs(a.scale - b.scale) <= 1e-6F;
}

// An operator under validation: what its rules look at, and how they fail.
class CheckedOp {
 public:
  CheckedOp(const Graph& whole, const Op& operation)
      : graph(whole), op(operation), details(whole.details_of(operation)) {}

  const Graph& graph;
  const Op& op;
  const OpDetails& details;

  TensorId input_id(int index = 0) const { return graph.inputs_of(op)[index]; }
  const Quantization& quantization_of(TensorId tensor) const {
    return graph.info_of(tensor).quantization;
  }
  const Quantization& input_quantization() const { return quantization_of(input_id()); }
  const Quantization& output_quantization() const { return quantization_of(op.output); }

  // One that is there and has the bytes of its shape; `role` is what a message calls it.
  const Constant& constant(ConstantId number, std::string_view role) const;

  // "tensor 'name'", "tensor 3".
  std::string describe(TensorId tensor) const {
    const std::string& name = graph.info_of(tensor).name;
    return name.empty() ? fmt::format("tensor {}", tensor) : fmt::format("tensor '{}'", name);
  }

  // Throws Error, which need not name the operator.
  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw Error(format, std::forward<Args>(args)...);
  }
};

}  // namespace mcunet::engine
