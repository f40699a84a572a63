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

}  // namespace mcunet::engine
