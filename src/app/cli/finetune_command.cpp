#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "job_arguments.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/progress.hpp"
#include "pipeline/bit_widths.hpp"
#include "pipeline/job.hpp"
#include "training_commands.hpp"

namespace mcunet::cli {
namespace {

// Of a training that may have been stopped.
template <typename Result>
void require_complete(const Result& result, const JobArguments& arguments) {
  if (!result.stopped) return;
  throw Error("stopped at step {} of {}; go on with: {}", result.steps, result.total_steps,
              arguments.to_resume("finetune"));
}

// finetune.json, and what quantization-aware training left under a key of its own.
std::string to_json(const RunDirectory& run, bool has_quantization_aware) {
  const std::string text = read_file(run.folder() / "finetune.json");
  if (!has_quantization_aware) return text;
  auto json = nlohmann::ordered_json::parse(text);
  json["quantization_aware"] =
      nlohmann::ordered_json::parse(read_file(run.folder() / "quantization_aware.json"));
  return json.dump(2) + "\n";
}

int run_finetune(const JobArguments& arguments, const pipeline::Ranks& ranks) {
  Job job(arguments);
  const pipeline::StageControl control{arguments.resume, stop_on_signals(), ranks};
  const pipeline::FinetuneResult result = pipeline::finetune_run(job.experiment, job.run, control);
  require_complete(result, arguments);
  const std::optional<pipeline::QuantizationAwareResult> aware =
      pipeline::quantization_aware_run(job.experiment, job.run, control);
  if (aware) require_complete(*aware, arguments);
  if (arguments.json) {
    fmt::print("{}", to_json(job.run, aware.has_value()));
    return kDone;
  }
  print_finetune(result);
  fmt::print("Trained {} steps in {}\n", result.steps, format_duration(result.seconds));
  if (aware) {
    fmt::print("{}Trained {} steps with the rounding of {} in {}\n",
               pipeline::describe(aware->gain, aware->widths), aware->steps,
               pipeline::describe(aware->widths), format_duration(aware->seconds));
  }
  fmt::print("Network: {}/network.json, network.pt{}\n", arguments.folder(),
             aware ? ", quantization_aware.pt" : "");
  return kDone;
}

}  // namespace

void print_finetune(const pipeline::FinetuneResult& result) {
  const pipeline::Score& test = pipeline::score_of(result.test);
  if (result.steps == 0) {
    fmt::print("{} on the search split: {:.2f} % as inherited, not fine-tuned; test split {}, {}\n",
               test.metric->title, 100 * result.inherited, pipeline::describe_share(test),
               pipeline::describe_examples(test));
    return;
  }
  fmt::print("{} on the search split: {:.2f} % inherited, {:.2f} % fine-tuned; test split {}, {}\n",
             test.metric->title, 100 * result.inherited, 100 * result.score,
             pipeline::describe_share(test), pipeline::describe_examples(test));
  if (result.keeps_inherited()) {
    fmt::print("Fine-tuning made the network worse, so the inherited weights are kept\n");
  }
}

void add_finetune_command(CLI::App& program, Run& run) {
  auto arguments = std::make_shared<JobArguments>();
  CLI::App* command = program.add_subcommand("finetune", description_of("finetune"));
  command->footer(
      "Takes the winner of the search in the folder and trains it from the weights that it has\n"
      "in the supernet. Writes network.json and network.pt (torch.load reads it).\n\n"
      "With finetune.quantization_aware.epochs it then trains that network on with the rounding\n"
      "of int8 simulated, and of 4-bit weights with quantization.weight_bits=4, tells the\n"
      "accuracy of the quantized network on the search split before and after, and leaves the\n"
      "better of both to the export: for networks that lose accuracy when they are quantized.\n\n"
      "  mcunet finetune flowers --set dataset.path=/data/flowers --out runs/flowers\n"
      "  mcunet run flowers --set dataset.path=/data/flowers "
      "--set finetune.quantization_aware.epochs=2 --resume");
  add_job_options(*command, *arguments);
  command->callback([arguments, &run] {
    run = [arguments] {
      return pipeline::with_ranks(stop_on_signals, [&](const pipeline::Ranks& ranks) {
        return run_finetune(*arguments, ranks);
      });
    };
  });
}

}  // namespace mcunet::cli
