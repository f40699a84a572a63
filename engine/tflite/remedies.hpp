#pragma once

#include <string_view>

#include "schema_generated.h"

namespace mcunet::engine {

// How to do without an operator that the engine does not know, as a request to the user.
std::string_view remedy_for(tflite::BuiltinOperator code);

}  // namespace mcunet::engine
