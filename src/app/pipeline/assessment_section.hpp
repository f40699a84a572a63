#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "assessment.hpp"
#include "report/html_page.hpp"

// What the report shows of a network's answers.
namespace mcunet::pipeline {

// Examples of the classes, from the pictures of a run.
void add_samples(report::HtmlPage& page, const std::vector<std::string>& classes,
                 const std::filesystem::path& run);

// The score and what else is measured, class by class where there are some, and what was got wrong with
// its pictures.
void add_assessment(report::HtmlPage& page, const Assessment& assessment,
                    const std::filesystem::path& run);

}  // namespace mcunet::pipeline
