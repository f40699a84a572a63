#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "commands.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/run_directory.hpp"
#include "pipeline/experiment.hpp"
#include "pipeline/run_report.hpp"
#include "pipeline/stages.hpp"
#include "report/plot.hpp"

namespace mcunet::cli {
namespace {

struct ReportArguments {
  std::vector<std::string> runs;
  std::string out;
};

void draw_report(const std::filesystem::path& folder) {
  const ConfigNode config = read_run_config(folder);
  const pipeline::Experiment experiment = pipeline::read_experiment(config);
  RunDirectory run(folder, config, experiment.seed, /*resume=*/true);
  pipeline::forget_stages_without_files(run);
  pipeline::write_run_report(experiment, run);
  fmt::print("Report: {}\n", (folder / "report" / "index.html").string());
}

int run_report(const ReportArguments& arguments) {
  report::look_for_gnuplot();
  if (arguments.runs.size() == 1 && !arguments.out.empty()) {
    throw Error("--out: is for the comparison of several runs; one run has its report in itself");
  }
  if (arguments.runs.size() == 1) {
    draw_report(arguments.runs.front());
    return kDone;
  }
  if (arguments.out.empty()) throw Error("a comparison of several runs needs --out FOLDER");
  pipeline::compare_runs({arguments.runs.begin(), arguments.runs.end()}, arguments.out);
  fmt::print("Comparison: {}/accuracy_by_space.svg\n", arguments.out);
  return kDone;
}

}  // namespace

void add_report_command(CLI::App& program, Run& run) {
  auto arguments = std::make_shared<ReportArguments>();
  CLI::App* command =
      program.add_subcommand("report", "Draw the report of a run again, or compare runs");
  command->footer(
      "Of one run, draws RUN/report/index.html from its results. Of several that were searched,\n"
      "each in another space, draws the winners' accuracy against the mean computation of their\n"
      "spaces.\n\n"
      "  mcunet report runs/flowers\n"
      "  mcunet report runs/w03 runs/w05 runs/w07 --out comparison");
  command->add_option("RUN", arguments->runs, "Folders of runs")->required();
  command->add_option("-o,--out", arguments->out, "Folder for a comparison");
  command->callback([arguments, &run] { run = [arguments] { return run_report(*arguments); }; });
}

}  // namespace mcunet::cli
