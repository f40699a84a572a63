#pragma once

#include <string>

#include "mcunet/core/error.hpp"

namespace mcunet {

// The message of the Error that an action throws; "(no error)" if it throws none.
template <typename Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "(no error)";
}

}  // namespace mcunet
