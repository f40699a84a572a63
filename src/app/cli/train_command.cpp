#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "commands.hpp"
#include "job_arguments.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/progress.hpp"
#include "pipeline/job.hpp"
#include "text_table.hpp"
#include "training_commands.hpp"

namespace mcunet::cli {
namespace {

using pipeline::SubnetAccuracy;
using pipeline::TrainResult;

void print_result(const TrainResult& result, const std::string& folder) {
  TextTable table({"sub-network", "MACs", result.test.metric->title});
  const auto add = [&](const std::string& name, const SubnetAccuracy& accuracy) {
    table.add_row({name, fmt::format("{:.2f}M", static_cast<double>(accuracy.macs) / 1e6),
                   fmt::format("{:.2f} %", 100 * accuracy.score)});
  };
  add("largest", result.largest);
  add("smallest", result.smallest);
  if (!result.sampled.empty()) {
    SubnetAccuracy mean;
    for (const SubnetAccuracy& sampled : result.sampled) {
      mean.macs += sampled.macs / static_cast<std::int64_t>(result.sampled.size());
      mean.score += sampled.score / static_cast<double>(result.sampled.size());
    }
    add(fmt::format("mean of {}", result.sampled.size()), mean);
  }
  fmt::print("On the search split, {} examples\n{}\n", result.search_examples, table.to_string());
  if (result.spearman) {
    fmt::print("Rank correlation of accuracy with MACs: {:.2f}\n", *result.spearman);
  }
  fmt::print("Largest on the test split, {}: {}\n", pipeline::describe_examples(result.test),
             pipeline::describe_share(result.test));
  fmt::print("Trained at width {}, resolution {} (by {}), {} steps in {}\n", result.width,
             result.resolution, result.chosen_by, result.steps, format_duration(result.seconds));
  fmt::print("Weights: {}/{}\n", folder, pipeline::kWeightsFile);
}

int run_train(const JobArguments& arguments, const pipeline::Ranks& ranks) {
  if (arguments.reuses_supernet()) {
    throw Error(
        "{}: is the folder of a job, whose supernet is trained: use mcunet search or run, or "
        "a configuration to train another",
        arguments.config);
  }
  Job job(arguments);
  const std::vector<std::string> infeasible = pipeline::prepare_training(job.experiment, job.run);
  if (!infeasible.empty()) return print_infeasible(job.experiment, infeasible, arguments.json);
  const TrainResult result = pipeline::run_train_stage(job.experiment, job.run, arguments.resume,
                                                       stop_on_signals(), ranks);
  const std::string folder = arguments.folder();
  if (result.stopped) {
    throw Error("stopped at step {} of {}; go on with: {}", result.steps, result.total_steps,
                arguments.to_resume("train"));
  }
  if (arguments.json) {
    fmt::print("{}", pipeline::train_result_to_json(
                         result, pipeline::choose_training_space(job.experiment, folder).space));
  } else {
    print_result(result, folder);
  }
  return kDone;
}

}  // namespace

void add_train_command(CLI::App& program, Run& run) {
  auto arguments = std::make_shared<JobArguments>();
  CLI::App* command = program.add_subcommand("train", description_of("train"));
  command->footer(
      "Trains the largest sub-network first, then all of them together in one set of weights.\n"
      "The experiment needs the sections dataset and train. Width and resolution are those of\n"
      "the section train, else the best for the device: the spaces are ranked first, in a few\n"
      "seconds, unless the folder holds a ranking (mcunet space). The folder gets supernet.pt (torch.load reads it), train.json, train.jsonl\n"
      "and tensorboard/. A training that was stopped or killed goes on with --resume and ends\n"
      "with the same weights.\n\n"
      "train.initial_weights is what it begins with: the folder of another job, its supernet.pt, or,\n"
      "where the space is a network JSON, the PyTorch checkpoint of that network.\n\n"
      "  mcunet train flowers --set dataset.path=/data/flowers --out runs/flowers\n"
      "  mcunet train flowers --set dataset.path=/data/flowers --out runs/flowers --resume");
  add_job_options(*command, *arguments);
  command->callback([arguments, &run] {
    run = [arguments] {
      return pipeline::with_ranks(stop_on_signals, [&](const pipeline::Ranks& ranks) {
        return run_train(*arguments, ranks);
      });
    };
  });
}

}  // namespace mcunet::cli
