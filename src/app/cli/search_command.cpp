#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "job_arguments.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/progress.hpp"
#include "mcunet/core/standard_streams.hpp"
#include "pipeline/job.hpp"
#include "pipeline/run_report.hpp"
#include "program.hpp"
#include "report/plot.hpp"
#include "text_table.hpp"
#include "training_commands.hpp"

namespace mcunet::cli {
namespace {

using search::SearchResult;

int run_search(const JobArguments& arguments, const pipeline::Ranks& ranks) {
  report::look_for_gnuplot();
  Job job(arguments);
  const std::optional<SearchResult> searched =
      pipeline::search_run(job.experiment, job.run, {arguments.resume, stop_on_signals(), ranks});
  if (!searched) throw Error("stopped; go on with: {}", arguments.to_resume("search"));
  const SearchResult& result = *searched;
  if (!result.is_feasible()) {
    return print_infeasible(job.experiment, result.evolution.infeasible, arguments.json);
  }
  pipeline::write_run_report(job.experiment, job.run);
  if (arguments.json) {
    fmt::print("{}", read_file(job.run.folder() / "search.json"));
  } else {
    print_search(result, arguments.folder());
  }
  return kDone;
}

}  // namespace

int print_infeasible(const pipeline::Experiment& experiment,
                     const std::vector<std::string>& reasons, bool json) {
  const std::string nothing_fits = fmt::format("nothing fits {}: ", experiment.device.name);
  for (const std::string& reason : reasons) say("mcunet: {}{}\n", nothing_fits, reason);
  if (json) print_json({{"error", nothing_fits + fmt::format("{}", fmt::join(reasons, "; "))}});
  return kDoesNotFit;
}

void print_search(const SearchResult& result, const std::string& folder) {
  TextTable table({"found by", "score", "peak SRAM", "flash", "MACs", "latency"});
  const auto add = [&](std::string_view name, const search::Candidate* best) {
    if (best == nullptr) return;
    const engine::Resources& r = best->resources;
    table.add_row({std::string(name), fmt::format("{:.2f} %", 100 * best->accuracy),
                   fmt::format("{:.1f} KiB", static_cast<double>(r.peak_sram_bytes) / 1024),
                   fmt::format("{:.1f} KiB", static_cast<double>(r.flash_bytes) / 1024),
                   fmt::format("{:.2f}M", static_cast<double>(r.macs) / 1e6),
                   fmt::format("{:.1f} ms", r.latency_ms)});
  };
  const search::Winner winner = result.winner();
  add("evolution", result.evolution.best());
  add("random search", result.random.best());
  if (winner.found_by == "front") add(winner.found_by, &winner.network);
  fmt::print("Best of {} networks on the search split\n{}\n", result.evaluations(),
             table.to_string());
  fmt::print("Searched for {}, {:.2f} % of it outside the accuracies\n",
             format_duration(result.seconds()), 100 * result.overhead_share());
  fmt::print("Winner, found by {}: {}/search.json\n", winner.found_by, folder);
}

void add_search_command(CLI::App& program, Run& run) {
  auto arguments = std::make_shared<JobArguments>();
  CLI::App* command = program.add_subcommand("search", description_of("search"));
  command->footer(
      "Evolves sub-networks of the supernet in the folder (mcunet train), each within the\n"
      "budget by the engine's plan, for the highest accuracy on the search split; compares with\n"
      "random search at as many evaluations. Writes search.json, search.csv and the report.\n"
      "In a space with elastic_weight_bits each candidate is planned, and measured, at the widths\n"
      "of its blocks' weights.\n\n"
      "  mcunet search flowers --set dataset.path=/data/flowers --out runs/flowers\n"
      "  mcunet search flowers --out runs/bits "
      "--set 'space={extends: compact, elastic_weight_bits: [4, 8]}'\n\n"
      "The supernet of another job, for another device, in a folder of its own:\n\n"
      "  mcunet search runs/flowers --device stm32f412\n\n"
      "Several processes or GPUs measure at the same time, with the same result:\n\n"
      "  mcunet search imagenet --out runs/imagenet --set 'search.devices=[cuda:0, cuda:1]'\n"
      "  mcunet search flowers --out runs/flowers --set 'search.devices=[cpu, cpu]'");
  add_job_options(*command, *arguments);
  command->callback([arguments, &run] {
    run = [arguments] {
      return pipeline::with_ranks(stop_on_signals, [&](const pipeline::Ranks& ranks) {
        return run_search(*arguments, ranks);
      });
    };
  });
}

}  // namespace mcunet::cli
