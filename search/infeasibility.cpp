#include "mcunet/search/infeasibility.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace mcunet::search {
namespace {

using engine::Budget;
using engine::Resources;

// Calls visit(name, unit, limit, resource, need beside the other limits) for each kind of limit.
template <typename Visitor>
void for_each_limit(Visitor visit) {
  visit("SRAM", "bytes", &Budget::sram_bytes, &Resources::peak_sram_bytes,
        &BudgetNeeds::sram_bytes);
  visit("flash", "bytes", &Budget::flash_bytes, &Resources::flash_bytes, &BudgetNeeds::flash_bytes);
  visit("latency", "ms", &Budget::latency_ms, &Resources::latency_ms, &BudgetNeeds::latency_ms);
  visit("energy", "mJ", &Budget::energy_mj, &Resources::energy_mj, &BudgetNeeds::energy_mj);
}

}  // namespace

void take_least(Resources& least, const Resources& other) {
  least.peak_sram_bytes = std::min(least.peak_sram_bytes, other.peak_sram_bytes);
  least.flash_bytes = std::min(least.flash_bytes, other.flash_bytes);
  least.macs = std::min(least.macs, other.macs);
  least.params = std::min(least.params, other.params);
  least.latency_ms = std::min(least.latency_ms, other.latency_ms);
  least.energy_mj = std::min(least.energy_mj, other.energy_mj);
}

void BudgetNeeds::add(const Resources& network, const Budget& budget) {
  if (!least) least = network;
  take_least(*least, network);
  for_each_limit([&](const char*, const char*, auto limit, auto resource, auto need) {
    Budget others = budget;
    (others.*limit).reset();
    if (!engine::fits(network, others)) return;
    auto& known = this->*need;
    known = std::min(known.value_or(network.*resource), network.*resource);
  });
}

void BudgetNeeds::add(const BudgetNeeds& others) {
  if (!others.least) return;
  if (!least) least = others.least;
  take_least(*least, *others.least);
  for_each_limit([&](const char*, const char*, auto, auto, auto need) {
    const auto& other = others.*need;
    auto& known = this->*need;
    if (other) known = std::min(known.value_or(*other), *other);
  });
}

std::vector<std::string> explain_infeasible(const BudgetNeeds& needs, const Budget& budget) {
  std::vector<std::string> reasons;
  if (!needs.least) return {"no network was planned"};
  for_each_limit([&](const char* name, const char* unit, auto limit, auto resource, auto) {
    const auto& bound = budget.*limit;
    if (!bound || *needs.least.*resource <= *bound) return;
    reasons.push_back(fmt::format(
        "{}: the limit is {:.7g} {}, the smallest of the networks needs {:.7g}", name,
        static_cast<double>(*bound), unit, static_cast<double>(*needs.least.*resource)));
  });
  if (!reasons.empty()) return reasons;
  reasons.emplace_back("each limit alone can be met, but no network meets all of them together");
  for_each_limit([&](const char* name, const char* unit, auto limit, auto, auto need) {
    if (!(budget.*limit) || !(needs.*need)) return;
    reasons.push_back(fmt::format(
        "{}: the limit is {:.7g} {}, the smallest that meets the other limits needs {:.7g}", name,
        static_cast<double>(*(budget.*limit)), unit, static_cast<double>(*(needs.*need))));
  });
  return reasons;
}

}  // namespace mcunet::search
