#pragma once

#include <optional>
#include <span>

namespace mcunet::pipeline {

// Spearman's rank correlation of paired values, equal values sharing their mean rank. Nothing for
// fewer than two pairs, or if all values of one side are equal.
std::optional<double> spearman(std::span<const double> a, std::span<const double> b);

}  // namespace mcunet::pipeline
