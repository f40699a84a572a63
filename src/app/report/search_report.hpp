#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "html_page.hpp"
#include "mcunet/engine/planning/resources.hpp"
#include "mcunet/search/search_result.hpp"

namespace mcunet::report {

// What the figures of a search refer to.
struct SearchReportContext {
  std::string device_name;
  search::space::SearchSpace space;
  engine::Budget budget;
  engine::OracleOptions oracle;
  std::string note = {};  // what else is known of the accuracies; may be empty
};

// Adds to a page the curve of evolution and random search with the range of each generation (paper,
// Figure 13), accuracy against each resource with the front (Figure 9), the winner drawn block by block,
// and its plan with the memory of each block (Figure 11). The plots' files go to the folder, those of
// the winner to FOLDER/winner.
void add_search(HtmlPage& page, const search::SearchResult& result,
                const SearchReportContext& context, const std::filesystem::path& folder);

}  // namespace mcunet::report
