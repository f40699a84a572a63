#pragma once

#include <span>

#include "mcunet/core/embedded_file.hpp"

namespace mcunet::pipeline {

// The files of src/app/pipeline/templates/.
std::span<const EmbeddedFile> embedded_templates();

}  // namespace mcunet::pipeline
