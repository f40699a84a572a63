#pragma once

#include <map>
#include <string>

#include "html_page.hpp"
#include "mcunet/core/run_directory.hpp"

namespace mcunet::report {

StageCost sum_of(const std::map<std::string, StageCost>& costs);

// What the design cost, stage by stage, with its energy and CO2 by average factors, which the page states
// (paper, Appendix C).
void add_costs(HtmlPage& page, const std::map<std::string, StageCost>& costs);

}  // namespace mcunet::report
