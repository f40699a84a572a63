#include <CLI/CLI.hpp>

#include "commands.hpp"
#include "pipeline/accuracy_workers.hpp"

namespace mcunet::cli {

// Started by a search, never by hand: --help does not list it.
void add_search_worker_command(CLI::App& program, Run& run) {
  CLI::App* command = program.add_subcommand(
      "search-worker", "Measure sub-networks for a search that has search.devices");
  command->group("");
  command->callback(
      [&run] { run = [] { return pipeline::serve_accuracies() ? kDone : kFailed; }; });
}

}  // namespace mcunet::cli
