#pragma once

#include <string>
#include <vector>

#include "experiment.hpp"

// What only the linker knows, found out before a network is trained for hours.
namespace mcunet::pipeline {

struct TrialLink {
  // Why not even the smallest network of the space links for the device; empty if one does.
  std::vector<std::string> failures;
  // What networks that are planned right at the job's limits would need beyond the device's memory,
  // an estimate by a smaller network; empty if they link.
  std::vector<std::string> warnings;
};

// Compiles and links firmware of one network of the space that fits by its plan, the one of most
// SRAM among a few, with random weights. Takes some seconds. Throws Error if it cannot be compiled.
TrialLink try_to_link(const Experiment& experiment, const search::space::SearchSpace& space);

}  // namespace mcunet::pipeline
