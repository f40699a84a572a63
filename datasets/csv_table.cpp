#include "csv_table.hpp"

#include <algorithm>
#include <string_view>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/names.hpp"

namespace mcunet::datasets {
namespace fs = std::filesystem;
namespace {

char separator_of(std::string_view first_line) {
  char best = ',';
  for (const char candidate : {';', '\t'}) {
    if (std::count(first_line.begin(), first_line.end(), candidate) >
        std::count(first_line.begin(), first_line.end(), best)) {
      best = candidate;
    }
  }
  return best;
}

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Takes the rows of a text, one after the other.
class Reader {
 public:
  Reader(std::string_view text, const fs::path& file)
      : text_(text), file_(file), separator_(separator_of(text.substr(0, text.find('\n')))) {}

  bool is_at_end() const { return at_ >= text_.size(); }

  CsvRow next() {
    CsvRow row{line_, {}};
    do {
      row.cells.push_back(cell());
    } while (take(separator_));
    take('\r');
    take('\n');
    ++line_;
    return row;
  }

 private:
  bool take(char c) {
    if (is_at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool ends_cell() const {
    return is_at_end() || text_[at_] == separator_ || text_[at_] == '\r' || text_[at_] == '\n';
  }

  std::string cell() {
    while (take(' ')) continue;
    if (take('"')) return quoted();
    std::string value;
    while (!ends_cell()) value += text_[at_++];
    return trimmed(value);
  }

  std::string quoted() {
    const std::size_t begins = line_;
    std::string value;
    while (!is_at_end()) {
      const char c = text_[at_++];
      if (c == '"' && !take('"')) {
        if (!ends_cell()) throw Error("{}:{}: text follows a quoted cell", file_.string(), line_);
        return value;
      }
      if (c == '\n') ++line_;
      value += c;
    }
    throw Error("{}:{}: a quoted cell does not end", file_.string(), begins);
  }

  std::string_view text_;
  const fs::path& file_;
  char separator_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

}  // namespace

CsvTable read_csv(const fs::path& file) {
  constexpr std::int64_t kMostBytes = std::int64_t{1} << 30;  // ImageNet's would be 70 MB
  const std::string contents = read_file(file, kMostBytes);
  std::string_view text = contents;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (!is_utf8_text(text)) throw Error("{}: is no text in UTF-8", file.string());
  Reader reader(text, file);
  CsvTable table;
  while (!reader.is_at_end()) {
    CsvRow row = reader.next();
    if (row.cells.size() == 1 && row.cells[0].empty()) continue;
    if (table.columns.empty()) {
      table.columns = std::move(row.cells);
    } else if (row.cells.size() != table.columns.size()) {
      throw Error("{}:{}: has {} cells, the first line {}", file.string(), row.line,
                  row.cells.size(), table.columns.size());
    } else {
      table.rows.push_back(std::move(row));
    }
  }
  if (table.columns.empty()) throw Error("{}: has no rows", file.string());
  return table;
}

std::string letters_of(const std::string& heading) {
  std::string letters;
  for (const char c : heading) {
    if (c >= 'A' && c <= 'Z') letters += static_cast<char>(c - 'A' + 'a');
    if (c >= 'a' && c <= 'z') letters += c;
  }
  return letters;
}

}  // namespace mcunet::datasets
