#pragma once

#include <string>
#include <vector>

#include "mcunet/core/config.hpp"
#include "mcunet/engine/planning/resources.hpp"

// The cores that a device may have, and what differs between them outside of the kernels.
namespace mcunet::deploy {

struct Core {
  std::string name;   // as in -mcpu; configs/latency/NAME.yaml is the model of its time
  std::string flags;  // of the compiler, besides -mcpu: for its FPU, and for the kernels
  engine::CodeCore code;
  bool has_caches = false;
};

// In an order in which each runs the programs of those before it.
const std::vector<Core>& cores();

// Throws Error if it is none of them.
const Core& core_named(const std::string& name);

// "cortex-m0plus, cortex-m3, …"
std::string names_of_cores();

// One of their names, under the key core.
Field core_field(std::string& name);

}  // namespace mcunet::deploy
