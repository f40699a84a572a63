#pragma once

#include <span>

#include "mcunet/core/embedded_file.hpp"

namespace mcunet::engine {

// The files of engine/codegen/templates/.
std::span<const EmbeddedFile> embedded_templates();

}  // namespace mcunet::engine
