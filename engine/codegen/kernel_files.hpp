#pragma once

#include <set>
#include <span>
#include <string>
#include <vector>

#include "mcunet/core/embedded_file.hpp"

namespace mcunet::engine {

// Names and contents of all files in engine/kernels/ that firmware may need.
std::span<const EmbeddedFile> embedded_kernels();

// The kernels that generated code may call, without their prefix: "conv2d_1x1".
std::vector<std::string> kernel_functions();

// The given files and all that they need: what they include and call, and for a
// header the source beside it.
std::set<std::string> with_dependencies(const std::vector<std::string>& files);

}  // namespace mcunet::engine
