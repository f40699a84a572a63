#include "mcunet/engine/graph/operator_table.hpp"

#include <gtest/gtest.h>

#include <set>

namespace mcunet::engine {
namespace {

TEST(OperatorTable, EveryOperatorIsFoundByItsName) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kOpKinds; ++i) {
    const auto kind = static_cast<OpKind>(i);
    EXPECT_TRUE(names.insert(name_of(kind)).second) << name_of(kind) << " stands in two rows";
    EXPECT_EQ(kind_named(name_of(kind)), kind);
  }
  EXPECT_EQ(kind_named("conv_3d"), std::nullopt);
}

template <typename Function>
bool is_given(Required<Function> hook) {
  return static_cast<Function>(hook) != nullptr;
}

TEST(OperatorTable, NoRowHasAHole) {
  for (const OperatorTraits& traits : kOperators) {
    EXPECT_FALSE(traits.name.empty());
    EXPECT_TRUE(is_given(traits.shape) && is_given(traits.accepts) && is_given(traits.check) &&
                is_given(traits.factor) && is_given(traits.macs) && is_given(traits.channels))
        << traits.name;
  }
}

TEST(OperatorTable, TraitsDoNotContradictEachOther) {
  for (const OperatorTraits& traits : kOperators) {
    const QuantizationRule rule = traits.quantization;
    EXPECT_FALSE(rule.keeps && rule.prescribed) << traits.name;
    // What has neither a window nor weights has no kernel that gathers, but of matrices.
    if (traits.weights == WeightOrder::kNone && traits.scratch != ScratchKind::kMatrixColumns) {
      EXPECT_EQ(traits.scratch, ScratchKind::kNone) << traits.name;
    }
  }
}

}  // namespace
}  // namespace mcunet::engine
