#include "cost_report.hpp"

#include <fmt/format.h>

#include "mcunet/core/progress.hpp"

namespace mcunet::report {
namespace {

// A core of a server under load, with its share of memory and mainboard: an estimate.
constexpr double kWattsPerCore = 10;
// Strubell et al., Energy and Policy Considerations for Deep Learning in NLP, 2019: the average
// overhead of data centres, and 0.954 pounds of CO2 per kWh in the United States.
constexpr double kDataCentreOverhead = 1.58;
constexpr double kCo2KgPerKwh = 0.433;

double kwh_of(const StageCost& cost) {
  return cost.cpu_seconds / 3600 * kWattsPerCore * kDataCentreOverhead / 1000;
}

std::vector<std::string> cost_row(const std::string& name, const StageCost& cost) {
  return {name, format_duration(cost.wall_seconds), fmt::format("{:.3f}", cost.cpu_seconds / 3600),
          fmt::format("{:.5f}", kwh_of(cost)), fmt::format("{:.5f}", kwh_of(cost) * kCo2KgPerKwh)};
}

}  // namespace

StageCost sum_of(const std::map<std::string, StageCost>& costs) {
  StageCost total;
  for (const auto& [name, cost] : costs) {
    total.wall_seconds += cost.wall_seconds;
    total.cpu_seconds += cost.cpu_seconds;
  }
  return total;
}

void add_costs(HtmlPage& page, const std::map<std::string, StageCost>& costs) {
  page.heading("Cost of the design");
  TableRows rows = {{"stage", "time", "CPU hours", "kWh", "kg CO2"}};
  for (const auto& [name, cost] : costs) rows.push_back(cost_row(name, cost));
  rows.push_back(cost_row("all", sum_of(costs)));
  page.table(rows);
  page.paragraph(fmt::format(
      "Energy is processor time times {} W per core, an estimate, times {} for the data centre; "
      "CO2 is {} kg per kWh, an average of the United States. "
      "The energy of GPUs is not counted. A stage that was resumed counts from its last start.",
      kWattsPerCore, kDataCentreOverhead, kCo2KgPerKwh));
}

}  // namespace mcunet::report
