#pragma once

#include <string>
#include <vector>

namespace mcunet::cli {

// A table for the terminal: columns as wide as their content, numbers to the right.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header) : rows_{std::move(header)} {}

  // Cells may hold names from outside: whatever is no text is shown escaped.
  void add_row(std::vector<std::string> row);
  std::string to_string() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace mcunet::cli
