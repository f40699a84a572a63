#pragma once

#include <filesystem>
#include <string>

#include "html_page.hpp"
#include "mcunet/search/space_optimizer.hpp"

namespace mcunet::report {

// What the figures of the ranking refer to.
struct SpaceReportContext {
  std::string device_name;
  std::string space_name;
  std::string networks;  // in one space of the grid, in digits
  engine::Budget budget;
  engine::OracleOptions oracle;
};

// Adds to a page the FLOPs distribution of the best spaces (paper, Figure 3), mean MACs over the grid,
// ranking table, and the sweep over memory limits (Figure 12). The plots' files go to the folder.
void add_space(HtmlPage& page, const search::SpaceRanking& ranking,
               const SpaceReportContext& context, const std::filesystem::path& folder);

// Writes FOLDER/index.html, a page of that alone.
void write_space_report(const search::SpaceRanking& ranking, const SpaceReportContext& context,
                        const std::filesystem::path& folder);

// What each schedule makes of the spaces, a row each under a header; empty if they were not compared.
TableRows schedule_rows(const search::SpaceRanking& ranking);

// "w0.5-r144"
std::string space_label(double width, int resolution);

// "56 of 1000 sampled networks fit, with 10.8M MACs on average"
std::string describe_fit(const search::SpaceStatistics& space);

}  // namespace mcunet::report
