#include "text_table.hpp"

#include <algorithm>

#include "mcunet/core/names.hpp"

namespace mcunet::cli {
namespace {

// Characters on the screen, not bytes of UTF-8.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789.,+-%") == std::string::npos;
}

}  // namespace

void TextTable::add_row(std::vector<std::string> row) {
  for (std::string& cell : row) cell = escaped(cell);
  rows_.push_back(std::move(row));
}

std::string TextTable::to_string() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()), 0);
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], width_of(row[c]));
  }
  const bool has_body = rows_.size() > 1;
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string space(widths[c] - width_of(row[c]), ' ');
      // A heading stands as its column does.
      const bool to_right = is_number(
          &row == &rows_.front() && has_body && c < rows_[1].size() ? rows_[1][c] : row[c]);
      line += (c == 0 ? "" : "  ") + (to_right ? space + row[c] : row[c] + space);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace mcunet::cli
