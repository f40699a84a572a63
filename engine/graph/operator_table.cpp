#include "mcunet/engine/graph/operator_table.hpp"

#include "graph/operator_rules.hpp"

namespace mcunet::engine {

constexpr std::array<OperatorTraits, kOpKinds> kOperators = {{
#define OPERATOR(kind, stem, code, ...) {.name = #stem, __VA_ARGS__},
#include "mcunet/engine/graph/operators.inc"
}};

std::optional<OpKind> kind_named(std::string_view name) {
  for (std::size_t i = 0; i < kOpKinds; ++i) {
    if (kOperators[i].name == name) return static_cast<OpKind>(i);
  }
  return std::nullopt;
}

bool has_in_place_kernel(const Op& depthwise) {
  const Window& w = depthwise.window;
  const bool has_form = w.kernel_height == w.kernel_width || w.kernel_height == 1;
  const bool has_width = w.kernel_width == 3 || w.kernel_width == 5 || w.kernel_width == 7;
  const bool has_stride = w.stride_height == w.stride_width && w.stride_width <= 2;
  const bool is_dilated = w.dilation_height != 1 || w.dilation_width != 1;
  return has_form && has_width && has_stride && !is_dilated;
}

}  // namespace mcunet::engine
