#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace mcunet::datasets {

struct CsvRow {
  std::size_t line = 0;            // where it begins
  std::vector<std::string> cells;  // as many as there are columns
};

struct CsvTable {
  std::vector<std::string> columns;
  std::vector<CsvRow> rows;
};

// A text of cells with commas, semicolons or tabs between them, whichever the first line has most
// of; quoted as RFC 4180 has it, with any line ends. The first line is taken for the names of the
// columns; empty lines are skipped. Throws Error, with the line.
CsvTable read_csv(const std::filesystem::path& file);

// Of a heading, in lower case, as people write the same ones differently: "Time (s)" is "times".
std::string letters_of(const std::string& heading);

}  // namespace mcunet::datasets
