#pragma once

#include <string>

#include "pipeline/assessment.hpp"

// What a network's answers tell, for a terminal.
namespace mcunet::cli {

// The score with its interval, what else is measured, and the table of print_class_scores.
void print_assessment(const pipeline::Assessment& assessment, const std::string& split);

// A row for each class that has examples or objects, the worst of them if there are many; nothing
// where there are no classes.
void print_class_scores(const pipeline::Assessment& assessment);

}  // namespace mcunet::cli
