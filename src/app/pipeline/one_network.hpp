#pragma once

#include "experiment.hpp"

// Jobs whose space is a network JSON, so that there is nothing to search.
namespace mcunet::pipeline {

// Decides of such a job what others search for, where its configuration says nothing: width, resolution, the
// sub-network, and that nothing elastic is trained or measured. Where nothing is trained at all, the statistics of
// batch norm stay as the weights have them.
void settle_one_network(const ConfigNode& root, Experiment& experiment);

}  // namespace mcunet::pipeline
