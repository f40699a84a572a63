#include "job_report.hpp"

#include <fmt/format.h>

#include "html_page.hpp"
#include "mcunet/core/files.hpp"
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

void add_costs(HtmlPage& page, const std::map<std::string, StageCost>& costs) {
  page.heading("Cost of the design");
  std::vector<std::vector<std::string>> rows = {{"stage", "time", "CPU hours", "kWh", "kg CO2"}};
  StageCost total;
  for (const auto& [name, cost] : costs) {
    rows.push_back(cost_row(name, cost));
    total.wall_seconds += cost.wall_seconds;
    total.cpu_seconds += cost.cpu_seconds;
  }
  rows.push_back(cost_row("all", total));
  page.table(rows);
  page.paragraph(fmt::format(
      "Energy is processor time times {} W per core, an estimate, times {} for the data centre; "
      "CO2 is {} kg per kWh, an average of the United States. "
      "The energy of GPUs is not counted. A stage that was resumed counts from its last start.",
      kWattsPerCore, kDataCentreOverhead, kCo2KgPerKwh));
}

}  // namespace

void write_job_report(const JobReport& report, const std::filesystem::path& folder) {
  HtmlPage page(report.title);
  for (const JobReport::Section& section : report.sections) {
    page.heading(section.heading);
    if (!section.text.empty()) page.paragraph(section.text);
    if (!section.rows.empty()) page.table(section.rows);
    for (const auto& [file, text] : section.links) page.link(file, text);
  }
  add_costs(page, report.costs);
  write_file_atomically(make_folder(folder) / "index.html", page.to_string());
}

}  // namespace mcunet::report
