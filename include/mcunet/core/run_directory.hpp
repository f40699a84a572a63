#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "mcunet/core/config.hpp"
#include "mcunet/core/stopwatch.hpp"

namespace mcunet {

struct StageCost {
  double wall_seconds = 0;
  double cpu_seconds = 0;  // of all threads, and of child processes that have ended
};

// In which values a configuration may differ from that of the run that it resumes
// ("train.threads").
struct AllowedChanges {
  std::vector<std::string> without_influence;
  // Keys, or sections, and the stages that are outdated once one of them differs.
  std::map<std::string, std::vector<std::string>> of_stages;
};

// The folder that a job writes: manifest.json (resolved configuration, seed, versions, cost of each
// stage) beside the results of the stages. Nothing is written before the first stage is complete,
// and a stage counts as complete only when its results are on disk.
class RunDirectory {
 public:
  // With `resume`, takes over the stages that an earlier run completed; throws Error if that run
  // had another configuration, other than in the allowed changes, or its manifest is damaged.
  // Without, starts afresh. Throws Error if the folder cannot be written.
  RunDirectory(std::filesystem::path folder, const ConfigNode& resolved_config, std::uint64_t seed,
               bool resume, const AllowedChanges& allowed = {});

  const std::filesystem::path& folder() const { return folder_; }
  bool is_complete(const std::string& stage) const { return stages_.contains(stage); }

  // Whether what is there of a stage, complete or not, is of another configuration.
  bool is_outdated(const std::string& stage) const { return outdated_.contains(stage); }

  // Of the complete stages.
  const std::map<std::string, StageCost>& costs() const { return stages_; }

  // Creates the folder if need be and writes one result file.
  void write(const std::filesystem::path& relative, const std::string& contents) const;

  // What the manifest is to tell of the classes of the data, from the next stage on that is complete.
  void name_classes(std::vector<std::string> names) { classes_ = std::move(names); }

  void mark_complete(const std::string& stage, const StageCost& cost);

  // These stages are no longer complete or outdated, on disk either: their results are about to be
  // replaced.
  void discard(const std::vector<std::string>& stages);

 private:
  void write_manifest();

  std::filesystem::path folder_;
  std::string config_json_;
  std::uint64_t seed_;
  std::map<std::string, StageCost> stages_;
  std::vector<std::string> classes_;  // empty: not known
  std::set<std::string> outdated_;
  bool has_manifest_ = false;  // one of this configuration, or that it resumes, is on disk
};

// The resolved configuration of the run in a folder. Throws Error if there is none.
ConfigNode read_run_config(const std::filesystem::path& folder);

// The names of the stages that a run has completed, whatever its configuration; none without a run.
// Throws Error if the manifest is damaged.
std::vector<std::string> completed_stages(const std::filesystem::path& folder);

// Of the stages that a run has completed, whatever its configuration. Throws Error if the manifest is
// damaged or not there.
std::map<std::string, StageCost> stage_costs(const std::filesystem::path& folder);

// Measures a stage from its construction on.
class StageClock {
 public:
  StageClock();
  StageCost elapsed() const;

 private:
  Stopwatch wall_;
  double cpu_at_start_;
};

}  // namespace mcunet
