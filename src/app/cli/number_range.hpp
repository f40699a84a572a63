#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>

namespace mcunet::cli {

// As CLI::Range, which takes nan for a number within any range.
inline CLI::Validator number_between(double min, double max) {
  const std::string range = fmt::format("[{} - {}]", min, max);
  const auto check = [=](const std::string& text) {
    double value = 0;
    const bool is_in_range = CLI::detail::lexical_cast(text, value) && value >= min && value <= max;
    return is_in_range ? "" : fmt::format("Value {} not in range {}", text, range);
  };
  return {check, "NUMBER in " + range};
}

}  // namespace mcunet::cli
