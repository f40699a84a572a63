#include "mcunet/core/logging.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace mcunet {

void set_up_logging(Verbosity verbosity) {
  auto logger = std::make_shared<spdlog::logger>(
      "mcunet", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  logger->set_pattern("%^%l%$: %v");
  constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::off, spdlog::level::warn,
                                                   spdlog::level::info, spdlog::level::debug};
  logger->set_level(kLevels[static_cast<int>(verbosity)]);
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace mcunet
