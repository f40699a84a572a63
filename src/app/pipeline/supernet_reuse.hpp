#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "experiment.hpp"
#include "mcunet/core/run_directory.hpp"

// A supernet that one job trained serves others: another device, another budget, another width of the weights.
// They search it in folders of their own, and the job that trained it stays as it is.
namespace mcunet::pipeline {

// Whether a job has begun in a folder.
bool is_run(const std::filesystem::path& folder);

// The configuration of a job for the supernet that the run `source` trained: that of `source`, with the width and
// resolution that it trained. With a device, what that leaves of SRAM and flash is the budget. Throws Error if
// `source` has not completed its training.
ConfigNode config_of_reuse(const std::filesystem::path& source,
                           const std::optional<std::string>& device);

// The sub-network of the run's supernet that a text names, as JSON: "largest", "smallest", "rank:3" for the third
// best of those that the search of the run measured, or a file that subnet_to_json() or the network JSON of the
// published models wrote. `experiment` is that of the run. Throws Error if there is none.
std::string find_subnet(const std::string& text, const std::filesystem::path& run,
                        const Experiment& experiment);

// Copies the supernet, with what is known of it and of its data, into the folder of such a job, whose training is
// complete by that; nothing if it is already. Throws Error if another supernet lies there.
void take_over_supernet(const std::filesystem::path& source, const Experiment& experiment,
                        RunDirectory& run);

}  // namespace mcunet::pipeline
