#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <iterator>
#include <string>

namespace mcunet::pipeline {

// The elements of a table of C, some to a line.
std::string lines_of(std::size_t count, std::size_t per_line, auto&& text_of) {
  std::string lines;
  for (std::size_t i = 0; i < count; ++i) {
    const bool ends_line = i % per_line == per_line - 1 || i + 1 == count;
    fmt::format_to(std::back_inserter(lines), "{}{},{}", i % per_line == 0 ? "    " : " ",
                   text_of(i), ends_line ? "\n" : "");
  }
  return lines;
}

}  // namespace mcunet::pipeline
