#pragma once

#include <filesystem>

#include "classification.hpp"
#include "report/html_page.hpp"

// What the report shows of a classifier's predictions.
namespace mcunet::pipeline {

// Examples of the classes, from the pictures of a run.
void add_samples(report::HtmlPage& page, const Classification& result,
                 const std::filesystem::path& run);

// Scores class by class, the confusion matrix where it can be read, and the mistakes with their pictures.
void add_classification(report::HtmlPage& page, const Classification& result,
                        const std::filesystem::path& run);

}  // namespace mcunet::pipeline
