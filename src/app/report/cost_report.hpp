#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "mcunet/core/run_directory.hpp"

namespace mcunet::report {

// The front page of a job. Its figures come as text, in the order of the stages.
struct JobReport {
  struct Section {
    std::string heading;
    std::string text;
    std::vector<std::vector<std::string>> rows;  // the first one is the header; may be empty
    std::vector<std::pair<std::string, std::string>> links;  // file, text
  };

  std::string title;
  std::vector<Section> sections;
  std::map<std::string, StageCost> costs;  // per complete stage
};

// Writes FOLDER/index.html: the sections, and the cost of the design with its energy and CO2 by
// average factors, which the page states (paper, Appendix C).
void write_job_report(const JobReport& report, const std::filesystem::path& folder);

}  // namespace mcunet::report
