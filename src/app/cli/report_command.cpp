#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "commands.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/run_directory.hpp"
#include "pipeline/compare_runs.hpp"
#include "pipeline/experiment.hpp"
#include "pipeline/run_report.hpp"
#include "pipeline/stages.hpp"
#include "program.hpp"
#include "report/plot.hpp"

namespace mcunet::cli {
namespace {

using Json = nlohmann::ordered_json;

struct ReportArguments {
  std::vector<std::string> runs;
  std::string out;
  bool json = false;
};

std::filesystem::path draw_report(const std::filesystem::path& folder) {
  const ConfigNode config = read_run_config(folder);
  const pipeline::Experiment experiment = pipeline::read_experiment(config);
  RunDirectory run(folder, config, experiment.seed, /*resume=*/true);
  pipeline::forget_stages_without_files(run);
  pipeline::write_run_report(experiment, run);
  return folder / "report" / "index.html";
}

int report_one(const ReportArguments& arguments) {
  if (!arguments.out.empty()) {
    throw Error("--out: is for the comparison of several runs; one run has its report in itself");
  }
  const std::string& run = arguments.runs.front();
  const std::string page = draw_report(run).string();
  if (!arguments.json) {
    fmt::print("Report: {}\n", page);
    return kDone;
  }
  Json json = {{"report", page}};
  json.update(to_json(pipeline::read_run_summary(run)));
  print_json(json);
  return kDone;
}

int report_several(const ReportArguments& arguments) {
  if (arguments.out.empty()) throw Error("a comparison of several runs needs --out FOLDER");
  const std::vector<pipeline::RunSummary> runs =
      pipeline::compare_runs({arguments.runs.begin(), arguments.runs.end()}, arguments.out);
  const std::string page = (std::filesystem::path(arguments.out) / "index.html").string();
  if (!arguments.json) {
    fmt::print("Comparison: {}\n", page);
    return kDone;
  }
  Json json = {{"report", page}, {"runs", Json::array()}};
  for (const pipeline::RunSummary& run : runs) json["runs"].push_back(to_json(run));
  print_json(json);
  return kDone;
}

int run_report(const ReportArguments& arguments) {
  report::look_for_gnuplot();
  return arguments.runs.size() == 1 ? report_one(arguments) : report_several(arguments);
}

}  // namespace

void add_report_command(CLI::App& program, Run& run) {
  auto arguments = std::make_shared<ReportArguments>();
  CLI::App* command =
      program.add_subcommand("report", "Draw the report of a run again, or compare runs");
  command->footer(
      "Of one run, draws RUN/report/index.html from its results. Of several that were searched,\n"
      "for any devices and in any spaces, writes OUT/index.html, where they stand beside each\n"
      "other: accuracies with their intervals, memory, latency and cost, and the curves and fronts\n"
      "of their searches. A page is one file, pictures and all.\n\n"
      "  mcunet report runs/flowers\n"
      "  mcunet report runs/w03 runs/w05 runs/w07 --out comparison");
  command->add_option("RUN", arguments->runs, "Folders of runs")->required();
  command->add_option("-o,--out", arguments->out, "Folder for a comparison");
  command->add_flag("--json", arguments->json,
                    "Print what the runs came to as one JSON object and nothing else");
  command->callback([arguments, &run] { run = [arguments] { return run_report(*arguments); }; });
}

}  // namespace mcunet::cli
