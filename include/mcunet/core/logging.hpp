#pragma once

#include <string>

// Log messages go through spdlog's default logger (include <spdlog/spdlog.h> where one is written);
// this only sets it up: messages on standard error, so that standard output holds results alone.
namespace mcunet {

// kSilent: nothing at all, nor progress.
enum class Verbosity { kSilent, kQuiet, kNormal, kVerbose };

void set_up_logging(Verbosity verbosity);

}  // namespace mcunet
