#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "commands.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "pipeline/data_stage.hpp"
#include "pipeline/experiment.hpp"
#include "pipeline/preview_stage.hpp"
#include "pipeline/space_stage.hpp"
#include "preprocessing_text.hpp"
#include "program.hpp"
#include "text_table.hpp"
#include "training_commands.hpp"

namespace mcunet::cli {
namespace {

using Json = nlohmann::ordered_json;
using pipeline::DatasetSummary;
using pipeline::SplitSummary;

constexpr std::size_t kListedFiles = 20;  // of those unreadable, on the terminal
constexpr std::size_t kListedClasses = 40;
constexpr std::size_t kListedItems = 8;  // of a finding
constexpr std::int64_t kMeasuredExamples = 1000;

struct DataArguments {
  std::string config;
  std::vector<std::string> overrides;
  int resolution = 0;
  int threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  bool json = false;
  pipeline::PreviewOptions preview;
};

Json to_json(const SplitSummary& split, const std::vector<std::string>& classes) {
  Json of_class = Json::object();
  for (std::size_t i = 0; i < classes.size(); ++i) of_class[classes[i]] = split.of_class[i];
  Json json{{"name", split.name},
            {"examples", split.examples},
            {"of_class", of_class},
            {"unreadable", split.unreadable}};
  if (split.objects) {
    json["objects"] = {{"number", split.objects->objects},
                       {"not_counted", split.objects->not_counted},
                       {"most", split.objects->most},
                       {"images_without", split.objects->without_objects},
                       {"median_width", split.objects->median.width},
                       {"median_height", split.objects->median.height}};
  }
  return json;
}

Json to_json(const DatasetSummary& summary) {
  Json json{{"examples", summary.examples()},
            {"unreadable", summary.unreadable()},
            {"classes", summary.classes},
            {"input", {summary.input.height, summary.input.width, summary.input.channels}},
            {"splits", Json::array()}};
  for (const SplitSummary& split : summary.splits) {
    json["splits"].push_back(to_json(split, summary.classes));
  }
  json["findings"] = Json::array();
  for (const datasets::Finding& finding : summary.findings) {
    json["findings"].push_back({{"what", finding.what}, {"items", finding.items}});
  }
  if (!summary.mean.empty()) {
    json["mean"] = summary.mean;
    json["deviation"] = summary.deviation;
  }
  return json;
}

void print_counts(const DatasetSummary& summary, bool has_decoded) {
  TextTable table(
      {"split", "examples", "classes", "smallest", "largest", has_decoded ? "unreadable" : ""});
  for (const SplitSummary& split : summary.splits) {
    const auto [least, most] = std::minmax_element(split.of_class.begin(), split.of_class.end());
    table.add_row({split.name, std::to_string(split.examples),
                   std::to_string(split.of_class.size()), std::to_string(*least),
                   std::to_string(*most),
                   has_decoded ? std::to_string(split.unreadable.size()) : ""});
  }
  fmt::print("{}", table.to_string());
}

// Where the targets are objects; sides of boxes in percent of the image's.
void print_objects(const DatasetSummary& summary) {
  TextTable table({"split", "objects", "not counted", "per image", "most", "images without",
                   "median width", "median height"});
  for (const SplitSummary& split : summary.splits) {
    if (!split.objects) return;
    const pipeline::ObjectsSummary& objects = *split.objects;
    table.add_row({split.name, std::to_string(objects.objects), std::to_string(objects.not_counted),
                   fmt::format("{:.1f}", objects.per_image(split.examples)),
                   std::to_string(objects.most), std::to_string(objects.without_objects),
                   fmt::format("{:.1f} %", 100 * objects.median.width),
                   fmt::format("{:.1f} %", 100 * objects.median.height)});
  }
  fmt::print("\n{}", table.to_string());
}

void print_findings(const DatasetSummary& summary) {
  if (summary.findings.empty()) return;
  TextTable table({"to know", ""});
  for (const datasets::Finding& finding : summary.findings) {
    table.add_row({finding.what, finding.list(kListedItems)});
  }
  fmt::print("\n{}", table.to_string());
}

void print_unreadable(const DatasetSummary& summary) {
  std::size_t listed = 0;
  for (const SplitSummary& split : summary.splits) {
    for (const std::string& file : split.unreadable) {
      if (listed++ < kListedFiles) fmt::print("unreadable: {}\n", file);
    }
  }
  if (listed > kListedFiles) {
    fmt::print("… and {} more; --json lists all\n", listed - kListedFiles);
  }
}

void print_classes(const DatasetSummary& summary) {
  TextTable table({"class", "train", "search", "test"});
  const std::size_t rows = std::min(kListedClasses, summary.classes.size());
  for (std::size_t c = 0; c < rows; ++c) {
    std::vector<std::string> row = {summary.classes[c]};
    for (const SplitSummary& split : summary.splits) {
      row.push_back(std::to_string(split.of_class[c]));
    }
    table.add_row(std::move(row));
  }
  fmt::print("\n{}", table.to_string());
  if (summary.classes.size() > rows) {
    fmt::print("… and {} classes more; --json lists all\n", summary.classes.size() - rows);
  }
}

// What all three begin with: the dataset of the experiment and the resolution to look at it.
datasets::DatasetOptions load_dataset(DataArguments& arguments) {
  const pipeline::Experiment experiment =
      pipeline::load_experiment(arguments.config, arguments.overrides);
  if (!experiment.dataset) throw Error("{}: has no section dataset", arguments.config);
  if (arguments.resolution == 0) arguments.resolution = pipeline::training_resolution(experiment);
  return *experiment.dataset;
}

int run_check(DataArguments& arguments) {
  const datasets::DatasetOptions options = load_dataset(arguments);
  const DatasetSummary summary =
      pipeline::check_dataset(options, arguments.resolution, arguments.threads);
  if (arguments.json) {
    print_json(to_json(summary));
  } else {
    print_counts(summary, /*has_decoded=*/true);
    print_objects(summary);
    print_preprocessing(datasets::preprocessing_of(options, arguments.resolution));
    print_findings(summary);
    print_unreadable(summary);
  }
  const double share =
      static_cast<double>(summary.unreadable()) / static_cast<double>(summary.examples());
  if (share > options.max_unreadable_share) {
    throw Error(
        "dataset: {} of {} files cannot be read, more than dataset.max_unreadable_share = {}",
        summary.unreadable(), summary.examples(), options.max_unreadable_share);
  }
  return kDone;
}

int run_stats(DataArguments& arguments) {
  const datasets::DatasetOptions options = load_dataset(arguments);
  DatasetSummary summary = pipeline::summarize_dataset(options, arguments.resolution);
  pipeline::measure_inputs(options, kMeasuredExamples, summary);
  if (arguments.json) {
    print_json(to_json(summary));
    return kDone;
  }
  print_counts(summary, /*has_decoded=*/false);
  print_objects(summary);
  print_classes(summary);
  print_findings(summary);
  for (std::size_t c = 0; c < summary.mean.size(); ++c) {
    fmt::print("input channel {}: mean {:.3f}, standard deviation {:.3f}\n", c, summary.mean[c],
               summary.deviation[c]);
  }
  return kDone;
}

int run_preview(DataArguments& arguments) {
  const datasets::DatasetOptions options = load_dataset(arguments);
  arguments.preview.resolution = arguments.resolution;
  pipeline::write_preview(options, arguments.preview);
  const datasets::Preprocessing preprocessing =
      datasets::preprocessing_of(options, arguments.resolution);
  if (arguments.json) {
    print_json({{"file", arguments.preview.file}, {"preprocessing", cli::to_json(preprocessing)}});
  } else {
    fmt::print("Preview: {}\n", arguments.preview.file);
    print_preprocessing(preprocessing);
  }
  return kDone;
}

CLI::App* add_action(CLI::App* data, Run& run, const std::shared_ptr<DataArguments>& arguments,
                     const char* name, const char* description, int (*action)(DataArguments&)) {
  CLI::App* command = data->add_subcommand(name, description);
  command->add_option("CONFIG", arguments->config, "Experiment: a file or a name")->required();
  command->add_option("--set", arguments->overrides, "Override, as in --set dataset.path=flowers")
      ->allow_extra_args(false);
  command
      ->add_option(
          "--resolution", arguments->resolution,
          "Columns of the network's input [those of the training: train.resolution, or the\n"
          "best space's]")
      ->check(CLI::Range(8, 1024));
  command->add_flag("--json", arguments->json, "Print one JSON object");
  command->callback(
      [arguments, action, &run] { run = [arguments, action] { return action(*arguments); }; });
  return command;
}

}  // namespace

void add_data_command(CLI::App& program, Run& run) {
  auto arguments = std::make_shared<DataArguments>();
  CLI::App* data = program.add_subcommand("data", description_of("data"));
  data->require_subcommand(1);
  data->footer(
      "  mcunet data check flowers --set dataset.path=photos/flowers\n"
      "  mcunet data stats spoken_digits --set dataset.path=digits --json\n"
      "  mcunet data preview flowers --set dataset.path=photos/flowers --out flowers.png");
  CLI::App* check = add_action(data, run, arguments, "check",
                               "Decode every example; list files that cannot be read", run_check);
  check->add_option("--threads", arguments->threads, "Threads that decode")
      ->check(CLI::Range(1, 1024));
  add_action(data, run, arguments, "stats", "Count splits and classes; mean and spread of inputs",
             run_stats);
  CLI::App* preview = add_action(data, run, arguments, "preview",
                                 "Draw what a network sees of each class as a PNG", run_preview);
  pipeline::PreviewOptions& options = arguments->preview;
  preview->add_option("--out", options.file, "The PNG to write")->capture_default_str();
  preview->add_option("--split", options.split, "train, search or test")
      ->check(CLI::IsMember({"train", "search", "test"}))
      ->capture_default_str();
  preview->add_flag("--plain", options.plain, "Without the training augmentation");
  preview->add_option("--columns", options.columns, "Examples of a class")
      ->check(CLI::Range(1, 50));
  preview->add_option("--rows", options.rows, "Classes")->check(CLI::Range(1, 100));
}

}  // namespace mcunet::cli
