#pragma once

#include <string>

#include "pipeline/classification.hpp"

// What a classifier's predictions tell, for a terminal.
namespace mcunet::cli {

// Accuracies with their interval, and the table of print_class_scores.
void print_classification(const pipeline::Classification& result, const std::string& split);

// A row for each class that has examples, the worst of them if there are many.
void print_class_scores(const pipeline::Classification& result);

}  // namespace mcunet::cli
