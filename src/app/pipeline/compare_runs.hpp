#pragma once

#include <filesystem>
#include <vector>

#include "run_summary.hpp"

namespace mcunet::pipeline {

// Writes FOLDER/index.html, in which runs on any devices and in any spaces stand beside each other: a
// table, the curves of their searches, their fronts, and, of those in an optimized space, the winner's
// accuracy against the mean computation of the space (paper, Figure 10). The plots' files lie beside it.
// Gives what the table is of. Throws Error, which names the run and what it lacks, unless all were
// searched.
std::vector<RunSummary> compare_runs(const std::vector<std::filesystem::path>& runs,
                                     const std::filesystem::path& folder);

}  // namespace mcunet::pipeline
