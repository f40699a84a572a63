#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mcunet/engine/planning/resources.hpp"
#include "mcunet/search/search_result.hpp"

namespace mcunet::report {

// What the figures of a search refer to.
struct SearchReportContext {
  std::string device_name;
  search::space::SearchSpace space;
  engine::Budget budget;
  engine::OracleOptions oracle;
};

// Writes FOLDER/search.html with the plots beside it: the curve of evolution and random search with
// the range of each generation (paper, Figure 13), accuracy against each resource with the front
// (Figure 9), the winner drawn block by block, and its plan with the memory of each block (Figure
// 11) in FOLDER/winner.
void write_search_report(const search::SearchResult& result, const SearchReportContext& context,
                         const std::filesystem::path& folder);

// The winner of the search in one space.
struct SpaceAccuracy {
  std::string label;
  double mean_macs = 0;  // of the space's networks within the budget
  double accuracy = 0;   // of the winner
};

// Writes FOLDER/accuracy_by_space.* : accuracy against the mean computation of the space (paper,
// Figure 10).
void draw_accuracy_by_space(const std::vector<SpaceAccuracy>& spaces,
                            const std::filesystem::path& folder);

}  // namespace mcunet::report
