#pragma once

#include <string>

#include "mcunet/core/config.hpp"

// Descriptions that have a name: configs/GROUP/NAME.yaml, or any file. A description may extend another:
//
//   extends: stm32f746               # of the same group, or a file
//   quantization: {weight_bits: 4}   # and what it states itself, key by key; a list replaces a list
namespace mcunet {

// Throws Error as load_config and find_config do, and for a description that extends itself.
ConfigNode load_named_config(const std::string& name, const std::string& group);

// What a value stands for that is such a name, or the description itself.
ConfigNode resolve_named_config(const ConfigNode& node, const std::string& group);

}  // namespace mcunet
