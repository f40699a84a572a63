#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "commands.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/folder_lock.hpp"
#include "mcunet/core/standard_streams.hpp"
#include "pipeline/experiment.hpp"
#include "pipeline/space_stage.hpp"
#include "report/plot.hpp"
#include "report/space_report.hpp"
#include "text_table.hpp"

namespace mcunet::cli {
namespace {

using search::SpaceRanking;
using search::SpaceStatistics;

struct SpaceArguments {
  std::string config;
  std::string out;
  std::vector<std::string> overrides;
  std::string schedule;
  std::string scratch;
  bool json = false;
  bool no_report = false;
  bool resume = false;
  int rows = 15;
};

std::string ranking_table(const SpaceRanking& ranking, int rows) {
  TextTable table({"rank", "space", "mean MACs", "±95 %", "top 20 % from", "fit", "of"});
  for (int i = 0; i < std::min<int>(rows, static_cast<int>(ranking.spaces.size())); ++i) {
    const SpaceStatistics& s = ranking.spaces[i];
    if (!s.is_feasible()) break;
    table.add_row({std::to_string(i + 1), report::space_label(s.width, s.resolution),
                   fmt::format("{:.2f}M", s.mean_macs / 1e6),
                   fmt::format("{:.2f}M", s.mean_macs_error / 1e6),
                   fmt::format("{:.2f}M", static_cast<double>(s.top20_macs) / 1e6),
                   std::to_string(s.satisfying), std::to_string(s.sampled)});
  }
  return table.to_string();
}

// The sweep is stored SRAM by SRAM, flash by flash.
std::string sweep_table(const SpaceRanking& ranking, std::size_t flash_count) {
  const auto kib = [](std::int64_t bytes) { return fmt::format("{:.6g} KiB", bytes / 1024.0); };
  std::vector<std::string> header = {"flash \\ SRAM"};
  std::vector<std::vector<std::string>> rows(flash_count);
  for (std::size_t i = 0; i < ranking.sweep.size(); ++i) {
    const search::SweepCell& cell = ranking.sweep[i];
    std::vector<std::string>& row = rows[i % flash_count];
    if (i % flash_count == 0) header.push_back(kib(cell.sram_bytes));
    if (row.empty()) row.push_back(kib(cell.flash_bytes));
    row.push_back(cell.width == 0 ? "-" : report::space_label(cell.width, cell.resolution));
  }
  TextTable table(header);
  for (auto& row : rows) table.add_row(row);
  return table.to_string();
}

std::string schedule_table(const SpaceRanking& ranking) {
  report::TableRows rows = report::schedule_rows(ranking);
  if (rows.empty()) return "";
  TextTable table(rows.front());
  for (std::size_t i = 1; i < rows.size(); ++i) table.add_row(std::move(rows[i]));
  return fmt::format("What each schedule makes of the spaces\n{}\n", table.to_string());
}

void print_result(const pipeline::Experiment& experiment, const SpaceRanking& ranking,
                  const SpaceArguments& arguments, const std::string& folder) {
  const SpaceStatistics& best = ranking.spaces.front();
  std::int64_t planned = 0;
  for (const SpaceStatistics& space : ranking.spaces) planned += space.sampled;
  fmt::print("{}\n", ranking_table(ranking, arguments.rows));
  if (!ranking.sweep.empty()) {
    fmt::print("Best space under other limits\n{}\n",
               sweep_table(ranking, experiment.space_optimization.sweep_flash_bytes.size()));
  }
  fmt::print("{}", schedule_table(ranking));
  fmt::print("Best space for {}: {} ({})\n", experiment.device.name,
             report::space_label(best.width, best.resolution), report::describe_fit(best));
  fmt::print("Planned {} networks in {:.2f} s\n", planned, ranking.seconds);
  fmt::print("{}: {}\n", arguments.no_report ? "Results" : "Report",
             arguments.no_report ? folder : folder + "/report/index.html");
}

// A ranking is made anew in seconds; what was trained from it is not to be thrown away.
void refuse_to_replace(const std::string& folder) {
  for (const std::string& stage : completed_stages(folder)) {
    if (stage == pipeline::kSpaceStage) continue;
    throw Error(
        "{}: holds a job that is past its search space: "
        "go on with --resume, or choose another --out",
        folder);
  }
}

int run_space(const SpaceArguments& arguments) {
  std::vector<std::string> overrides = arguments.overrides;
  if (!arguments.schedule.empty()) overrides.push_back("engine.schedule=" + arguments.schedule);
  if (!arguments.scratch.empty()) overrides.push_back("engine.scratch=" + arguments.scratch);
  pipeline::Experiment experiment = pipeline::load_experiment(arguments.config, overrides);
  if (!arguments.no_report) report::look_for_gnuplot();
  const std::string folder = arguments.out.empty()
                                 ? "runs/" + std::filesystem::path(arguments.config).stem().string()
                                 : arguments.out;
  const FolderLock lock(folder);
  if (!arguments.resume) refuse_to_replace(folder);
  RunDirectory run(folder, write_fields(pipeline::fields_of(experiment)), experiment.seed,
                   arguments.resume, pipeline::changes_on_resume());
  const SpaceRanking ranking = pipeline::run_space_stage(experiment, run);
  if (!ranking.is_feasible()) {
    if (arguments.json) fmt::print("{}", pipeline::ranking_to_json(ranking));
    for (const std::string& reason : search::explain_infeasible(ranking.needs, experiment.budget)) {
      say("mcunet: nothing fits {}: {}\n", experiment.device.name, reason);
    }
    for (const search::ScheduleEffect& effect : ranking.schedules) {
      if (!effect.best.is_feasible()) continue;
      say("mcunet: with engine.schedule={} and engine.scratch={} something does: {} of {}\n",
          name_of(effect.schedule), name_of(effect.scratch), report::describe_fit(effect.best),
          report::space_label(effect.best.width, effect.best.resolution));
    }
    return kDoesNotFit;
  }
  if (!arguments.no_report) {
    report::write_space_report(ranking, pipeline::report_context(experiment),
                               run.folder() / "report");
  }
  if (arguments.json) {
    fmt::print("{}", pipeline::ranking_to_json(ranking));
  } else {
    print_result(experiment, ranking, arguments, folder);
  }
  return kDone;
}

template <typename Policies>
std::vector<std::string> names_of(const Policies& policies) {
  std::vector<std::string> names;
  for (const auto policy : policies) names.emplace_back(name_of(policy));
  return names;
}

}  // namespace

void add_space_command(CLI::App& program, Run& run) {
  auto arguments = std::make_shared<SpaceArguments>();
  CLI::App* command = program.add_subcommand(
      "space", "Optimize the search space: rank widths and resolutions for a device");
  command->footer(
      "Samples networks from every width x resolution, plans each with the engine, and ranks the\n"
      "spaces by the mean MACs of the networks that fit. No training is involved. With\n"
      "quantization.weight_bits=4 all networks are planned with weights of that width.\n\n"
      "  mcunet space stm32f746 --out runs/f746\n"
      "  mcunet space my.yaml --set space_optimization.samples=200 --json");
  command->add_option("CONFIG", arguments->config, "YAML file, or a name in configs/experiments/")
      ->required();
  command->add_option("--out", arguments->out, "Folder for results and report [runs/CONFIG]");
  command->add_option("--set", arguments->overrides, "Override a value: key.path=value")
      ->take_all()
      ->allow_extra_args(false);
  command->add_option("--schedule", arguments->schedule, "Schedule of the oracle")
      ->check(CLI::IsMember(names_of(engine::kSchedulePolicies)));
  command->add_option("--scratch", arguments->scratch, "How kernel scratch memory is counted")
      ->check(CLI::IsMember(names_of(engine::kScratchPolicies)));
  command->add_option("--rows", arguments->rows, "Rows of the ranking to print")
      ->capture_default_str();
  command->add_flag("--resume", arguments->resume, "Take over results that the folder holds");
  command->add_flag("--no-report", arguments->no_report, "Draw no plots, write no HTML");
  command->add_flag("--json", arguments->json, "Print one JSON object and nothing else");
  command->callback([arguments, &run] { run = [arguments] { return run_space(*arguments); }; });
}

}  // namespace mcunet::cli
