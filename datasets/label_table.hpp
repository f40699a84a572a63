#pragma once

#include "file_list.hpp"

namespace mcunet::datasets {

// The files that the table dataset.annotations names, with its labels: a row for each. The columns
// are those of dataset.columns, else found by usual headings. Labels are a column, or a column for
// each class with a 1 in one of them. A file is named by its path below dataset.path, or, if that is
// enough to tell it from others, by its name; either may lack the extension. Splits are a column, or
// the folders train, val and test in which the files lie, or drawn. A file that is not there is
// unreadable. Throws Error, with the line.
Layout list_by_table(const DatasetOptions& options);

}  // namespace mcunet::datasets
