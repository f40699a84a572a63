#pragma once

#include <functional>

namespace mcunet::cli {

// From now on SIGINT and SIGTERM ask the work to stop; a second one ends the program at once.
// Returns what tells whether one came.
std::function<bool()> stop_on_signals();

}  // namespace mcunet::cli
