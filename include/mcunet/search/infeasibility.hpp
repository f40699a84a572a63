#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mcunet/engine/planning/resources.hpp"

namespace mcunet::search {

// What networks that do not fit would have needed.
struct BudgetNeeds {
  // Of all networks, each resource on its own.
  std::optional<engine::Resources> least;
  // Each resource, of the networks that meet the other limits.
  std::optional<std::int64_t> sram_bytes;
  std::optional<std::int64_t> flash_bytes;
  std::optional<double> latency_ms;
  std::optional<double> energy_mj;

  void add(const engine::Resources& network, const engine::Budget& budget);
  void add(const BudgetNeeds& others);
};

// Each resource at its smaller value.
void take_least(engine::Resources& least, const engine::Resources& other);

// One sentence for each limit that binds, with the smallest value that would work: "SRAM: the limit
// is 4096 bytes, the smallest of the networks needs 30112"; where each limit alone can be met, what
// would work beside the others.
std::vector<std::string> explain_infeasible(const BudgetNeeds& needs, const engine::Budget& budget);

}  // namespace mcunet::search
