#pragma once

#include <optional>
#include <span>

namespace mcunet::search {

// Spearman's rank correlation of paired values, equal values sharing their mean rank. Nothing for
// fewer than two pairs, or if all values of one side are equal.
std::optional<double> rank_correlation(std::span<const double> a, std::span<const double> b);

}  // namespace mcunet::search
