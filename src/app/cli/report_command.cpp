#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "commands.hpp"
#include "mcunet/core/run_directory.hpp"
#include "pipeline/experiment.hpp"
#include "pipeline/run_report.hpp"

namespace mcunet::cli {

void add_report_command(CLI::App& program, Run& run) {
  auto folder = std::make_shared<std::string>();
  CLI::App* command = program.add_subcommand("report", "Draw the report of a run again");
  command->add_option("RUN", *folder, "Folder of a run")->required();
  command->callback([folder, &run] {
    run = [folder] {
      const std::filesystem::path path = *folder;
      const pipeline::Experiment experiment = pipeline::read_experiment(read_run_config(path));
      const RunDirectory directory(path, read_run_config(path), experiment.seed, /*resume=*/true);
      pipeline::write_run_report(experiment, directory);
      fmt::print("Report: {}\n", (path / "report" / "index.html").string());
      return static_cast<int>(kDone);
    };
  });
}

}  // namespace mcunet::cli
