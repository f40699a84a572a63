#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mcunet/core/folder_lock.hpp"
#include "mcunet/core/run_directory.hpp"
#include "pipeline/experiment.hpp"
#include "stop_signals.hpp"

namespace CLI {
class App;
}

namespace mcunet::pipeline {
struct FinetuneResult;
}
namespace mcunet::search {
struct SearchResult;
}

// What the commands that work on one experiment have in common.
namespace mcunet::cli {

struct JobArguments {
  std::string config;  // a YAML file, a name, or the folder of a run
  std::string out;
  std::optional<std::string> device;  // instead of the configuration's
  std::optional<std::string> subnet;  // of the supernet of a run, instead of a search's winner
  std::vector<std::string> overrides;
  bool json = false;
  bool resume = false;

  // --out, or runs/NAME; of a run its own, or beside it with the names of --device and --subnet.
  std::string folder() const;

  // The configuration is that of a run, whose supernet a job in another folder is to use.
  bool reuses_supernet() const;

  // The command line that goes on with what a subcommand of these arguments began.
  std::string to_resume(const std::string& subcommand) const;
};

void add_job_options(CLI::App& command, JobArguments& arguments);

// --subnet
void add_subnet_option(CLI::App& command, JobArguments& arguments);

// The experiment and its folder, with what earlier commands completed in it, and where no other process works
// meanwhile.
struct Job {
  explicit Job(const JobArguments& arguments);

  pipeline::Experiment experiment;
  FolderLock lock;
  RunDirectory run;
  bool begins_with_supernet = false;  // which it has taken over just now
};

// What the commands of single stages and the one for the whole job print alike.
int print_infeasible(const pipeline::Experiment& experiment,
                     const std::vector<std::string>& reasons,
                     bool json);  // returns the exit code
void print_search(const search::SearchResult& result, const std::string& folder);
void print_finetune(const pipeline::FinetuneResult& result);
void print_export(const std::string& export_json, const std::string& folder);

}  // namespace mcunet::cli
