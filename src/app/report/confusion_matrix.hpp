#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "html_page.hpp"

namespace mcunet::report {

struct ConfusionMatrix {
  std::vector<std::string> classes;
  std::vector<std::int64_t> counts;  // [label][predicted]
};

// A table with a row for each label and a column for what it was taken for. Cells are shaded by their
// share of the row: blue where both agree, red elsewhere.
Markup draw_confusion(const ConfusionMatrix& matrix);

}  // namespace mcunet::report
