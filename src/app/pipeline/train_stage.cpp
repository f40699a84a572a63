#include "train_stage.hpp"

#include <ATen/Parallel.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "data_identity.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/json_numbers.hpp"
#include "mcunet/core/progress.hpp"
#include "mcunet/search/rank_correlation.hpp"
#include "mcunet/search/space/subnet_json.hpp"
#include "mcunet/search/subnet_oracle.hpp"
#include "mcunet/supernet/device.hpp"
#include "mcunet/supernet/module_weights.hpp"
#include "mcunet/supernet/published_weights.hpp"
#include "mcunet/supernet/subnet_evaluator.hpp"
#include "mcunet/supernet/tensor_file.hpp"
#include "mcunet/supernet/trainer.hpp"
#include "space_stage.hpp"
#include "stage_run.hpp"
#include "trained_supernet.hpp"

namespace mcunet::pipeline {
namespace {

using datasets::Split;
using search::space::SearchSpace;
using search::space::Subnet;
using Json = nlohmann::ordered_json;

// First numbers of the paths of random streams.
enum StreamPurpose : std::uint64_t { kCorrelation = 1 };

std::int64_t macs_of(const SearchSpace& space, const Subnet& subnet,
                     const engine::OracleOptions& oracle) {
  return search::SubnetOracle(oracle).measure(space, subnet).macs;
}

// What the trained weights depend on.
ConfigNode identity_of(Experiment experiment, const SearchSpace& space) {
  experiment.space = space;
  ConfigNode all = write_fields(fields_of(experiment));
  ConfigNode identity;
  identity.kind = ConfigNode::Kind::kMap;
  for (const char* key : {"space", "seed", "dataset", "train", "detection"}) {
    identity.keys.emplace_back(key);
    identity.items.push_back(*all.find(key));
  }
  std::vector<std::string> free = supernet::keys_without_influence();
  free.insert(free.end(), {"calibration_batches", "correlation_samples"});
  for (const std::string& key : free) erase_key(identity, "train." + key);
  erase_key(identity, "detection.limits");
  return identity;
}

// How good sub-networks are on a split.
using Measure = std::function<double(const supernet::Supernet&, const Subnet&)>;

// On the search split: the largest, the smallest and random sub-networks.
void measure_search_split(const Experiment& experiment, const Measure& score_of,
                          const supernet::Supernet& network, TrainResult& result) {
  const SearchSpace& space = network->space();
  const auto measure = [&](const Subnet& subnet) {
    return SubnetAccuracy{subnet, macs_of(space, subnet, experiment.oracle),
                          score_of(network, subnet)};
  };
  result.largest = measure(search::space::largest(space));
  result.smallest = measure(search::space::smallest(space));
  Progress progress("Measuring sub-networks", experiment.train.correlation_samples, "networks");
  std::vector<double> macs;
  std::vector<double> accuracies;
  for (int i = 0; i < experiment.train.correlation_samples; ++i) {
    RandomStream random(experiment.seed, {kCorrelation, static_cast<std::uint64_t>(i)});
    const Subnet subnet =
        search::space::sample(space, search::space::Sampling::kUniformGenes, random);
    result.sampled.push_back(measure(subnet));
    macs.push_back(static_cast<double>(result.sampled.back().macs));
    accuracies.push_back(result.sampled.back().score);
    progress.advance();
  }
  result.spearman = search::rank_correlation(accuracies, macs);
}

struct SupernetTraining {
  const Experiment& experiment;
  const TrainingSpace& chosen;
  const std::filesystem::path& run;
  bool resume;
  const std::function<bool()>& should_stop;
  const Ranks& ranks;
};

supernet::TrainerContext trainer_context(const SupernetTraining& training, const at::Device& device,
                                         const Metric& metric, const Measure& score_of) {
  const auto evaluate = [&metric, score_of](const supernet::Supernet& network) {
    const SearchSpace& space = network->space();
    return std::vector<std::pair<std::string, double>>{
        {fmt::format("largest_{}", metric.name), score_of(network, search::space::largest(space))},
        {fmt::format("smallest_{}", metric.name),
         score_of(network, search::space::smallest(space))}};
  };
  return {.folder = training.run,
          .identity = identity_of(training.experiment, training.chosen.space),
          .seed = training.experiment.seed,
          .device = device,
          .group = training.ranks,
          .should_stop = training.should_stop,
          .evaluate = evaluate};
}

// The weights of a supernet from another run, or of a published model; and of its own what the other's head
// has otherwise.
void initialize(const std::string& source, supernet::Trainer& trainer) {
  namespace fs = std::filesystem;
  const fs::path file =
      fs::is_directory(source) ? fs::path(source) / kWeightsFile : fs::path(source);
  const std::string place = "train.initial_weights: " + file.string();
  supernet::TensorDictionary weights = supernet::read_tensor_file(file);
  const supernet::TensorDictionary own = supernet::weights_of(*trainer.weights());
  if (supernet::are_published(weights)) weights = supernet::by_own_names(weights, own, place);
  bool has_head = true;
  for (const char* name : {"classifier.weight", "classifier.bias"}) {
    const auto given = weights.find(name);
    if (given != weights.end() && given->second.sizes() != own.at(name).sizes()) has_head = false;
  }
  if (!has_head) {
    for (const char* name : {"classifier.weight", "classifier.bias"}) {
      weights.insert_or_assign(name, own.at(name).clone());
    }
  }
  trainer.initialize(weights, place);
  spdlog::info("Begins with the weights of {}{}", file.string(),
               has_head ? "" : "; the head, which has other outputs there, begins anew");
}

// Whether it goes on with a checkpoint.
bool resume_or_start(const SupernetTraining& training, const datasets::DatasetFiles& files,
                     supernet::Trainer& trainer) {
  if (trainer.checkpoint_file().empty()) return false;
  if (!training.resume) {
    throw Error("{}: holds a training already: go on with --resume, or choose another --out",
                training.run.string());
  }
  require_same_data(files, dataset_of(training.experiment), training.run);
  if (!trainer.resume()) return false;
  spdlog::info("Resuming at step {} of {}", trainer.step(), trainer.total_steps());
  return true;
}

void tell_findings(const datasets::DatasetFiles& files, const datasets::DatasetOptions& options) {
  constexpr std::size_t kItems = 5;
  for (const datasets::Finding& finding : datasets::findings_in(files, options)) {
    spdlog::warn("dataset: {}: {}", finding.what, finding.list(kItems));
  }
}

// By all ranks. Writes the weights, unless it is stopped.
TrainResult train_supernet(const SupernetTraining& training, const Begin& begin) {
  const Experiment& experiment = training.experiment;
  const bool leads = training.ranks->leads();
  const SearchSpace& space = training.chosen.space;
  const supernet::TrainerOptions& options = experiment.train.trainer;
  const at::Device device = supernet::select_device(options.device);
  use_threads(options);
  spdlog::info("Training at width {}, resolution {} (by {}) on {}", space.widths.front(),
               fmt::join(space.resolutions, ", "), training.chosen.chosen_by, device.str());

  const Splits splits{dataset_of(experiment), largest_resolution(space)};
  const datasets::DatasetFiles files = datasets::files_of(splits.options);
  if (leads) tell_findings(files, splits.options);
  const auto train_data = splits.open(Split::kTrain, /*augment=*/true);
  const auto calibration_data = splits.open(Split::kTrain);
  const auto search_data = splits.open(Split::kSearch);
  supernet::SubnetEvaluator evaluator(*calibration_data, *search_data,
                                      evaluator_options(experiment, training.ranks));
  const std::shared_ptr<const Task> task = task_of(experiment);
  const auto score = [&](const supernet::Supernet& network, const Subnet& subnet) {
    return score_of(assess(*task, evaluator, network, subnet, *search_data)).value;
  };
  supernet::TrainerContext context = trainer_context(training, device, task->metric(), score);
  context.objective = task->objective(options, *train_data);
  supernet::Trainer trainer(space, *train_data, options, std::move(context));
  if (leads) {
    const bool goes_on = resume_or_start(training, files, trainer);
    const std::string& initial_weights = experiment.train.initial_weights;
    if (!goes_on && !initial_weights.empty()) initialize(initial_weights, trainer);
    begin();
    if (!goes_on) write_data_identity(files, splits.options, training.run);
  }
  TrainResult result{.width = space.widths.front(),
                     .resolution = largest_resolution(space),
                     .chosen_by = training.chosen.chosen_by,
                     .device = device.str(),
                     .total_steps = trainer.total_steps()};
  result.stopped = trainer.train() == supernet::TrainingEnd::kStopped;
  result.steps = trainer.step();
  if (result.stopped) return result;

  result.search_examples = search_data->size();
  measure_search_split(experiment, score, trainer.weights(), result);
  const auto test_data = splits.open(Split::kTest);
  supernet::SubnetEvaluator tester(*calibration_data, *test_data,
                                   evaluator_options(experiment, training.ranks));
  const Assessment test =
      assess(*task, tester, trainer.weights(), search::space::largest(space), *test_data);
  warn_of_defect(test, "The largest network");
  result.test = score_of(test);
  if (leads) {
    supernet::write_tensor_file(training.run / kWeightsFile,
                                supernet::weights_of(*trainer.weights()));
  }
  return result;
}

// With the width and the resolution that rank 0 chose.
void call_for_training(const Experiment& experiment, const TrainingSpace& chosen,
                       const std::filesystem::path& run, const Ranks& ranks) {
  Experiment decided = experiment;
  decided.train.width = chosen.space.widths.front();
  decided.train.resolution = largest_resolution(chosen.space);
  call_ranks(ranks, SharedWork::kTrain, decided, run, Json::object());
}

}  // namespace

TrainingSpace choose_training_space(const Experiment& experiment,
                                    const std::filesystem::path& run_folder) {
  const TrainOptions& train = experiment.train;
  TrainingSpace chosen{experiment.space, "the space " + experiment.space.name};
  SearchSpace& space = chosen.space;
  const std::filesystem::path ranking_file = run_folder / "space.json";
  if (!(train.width && train.resolution) && std::filesystem::exists(ranking_file)) {
    const search::SpaceRanking ranking =
        ranking_from_json(read_file(ranking_file), ranking_file.string());
    space = space.at(ranking.spaces.front().width, ranking.spaces.front().resolution);
    chosen.chosen_by = ranking_file.string();
  }
  if (train.width) space.widths = {*train.width};
  if (train.resolution) space.resolutions = {*train.resolution};
  if (train.width || train.resolution) {
    const bool both = train.width && train.resolution;
    chosen.chosen_by = fmt::format("{} of the section train{}",
                                   both          ? "width and resolution"
                                   : train.width ? "width"
                                                 : "resolution",
                                   both ? "" : ", the rest by " + chosen.chosen_by);
  }
  if (space.widths.size() != 1) {
    throw Error(
        "space {}: a supernet has one width, this space has {}: "
        "set train.width, or run mcunet space into the same folder first",
        space.name, fmt::join(space.widths, ", "));
  }
  for (const int resolution : train.elastic_resolutions) {
    if (resolution < 16 || resolution >= largest_resolution(space)) {
      throw Error(
          "train.elastic_resolutions: must be at least 16 "
          "and smaller than the resolution {}, one is {}",
          largest_resolution(space), resolution);
    }
    space.resolutions.push_back(resolution);
  }
  std::sort(space.resolutions.begin(), space.resolutions.end());
  return chosen;
}

TrainResult run_train_stage(const Experiment& experiment, RunDirectory& run, bool resume,
                            const std::function<bool()>& should_stop, const Ranks& ranks) {
  const TrainingSpace chosen = choose_training_space(experiment, run.folder());
  dataset_of(experiment);
  const auto read = [&] {
    const std::filesystem::path file = run.folder() / "train.json";
    return train_result_from_json(read_file(file), chosen.space, file.string());
  };
  const auto work = [&](TrainResult& result, const Begin& begin) {
    call_for_training(experiment, chosen, run.folder(), ranks);
    result = train_supernet({experiment, chosen, run.folder(), resume, should_stop, ranks}, begin);
    return !result.stopped;
  };
  const auto write = [&](TrainResult& result, double seconds) {
    result.seconds = seconds;
    run.name_classes(datasets::class_names(dataset_of(experiment)));
    run.write("train.json", train_result_to_json(result, chosen.space));
  };
  return run_stage<TrainResult>(run, resume,
                                {.name = kTrainStage, .read = read, .work = work, .write = write});
}

void take_part_in_training(const Experiment& experiment, const std::filesystem::path& run,
                           const Ranks& ranks, const std::function<bool()>& should_stop) {
  const TrainingSpace chosen = choose_training_space(experiment, run);
  train_supernet({experiment, chosen, run, /*resume=*/false, should_stop, ranks}, [] {});
}

EvalResult evaluate_subnet(const EvalRequest& request) {
  const Experiment experiment = read_experiment(read_run_config(request.run));
  require_same_data(experiment, request.run);
  use_threads(experiment.train.trainer);
  const SearchSpace space = choose_training_space(experiment, request.run).space;
  const Subnet subnet =
      request.subnet == "largest" ? search::space::largest(space)
      : request.subnet == "smallest"
          ? search::space::smallest(space)
          : search::space::subnet_from_json(space, read_file(request.subnet), request.subnet);
  const supernet::Supernet network = load_supernet(experiment, space, request.run);
  const Splits splits{dataset_of(experiment), largest_resolution(space)};
  const auto calibration = splits.open(Split::kTrain);
  const auto data = splits.open(request.on_test_split ? Split::kTest : Split::kSearch);
  supernet::SubnetEvaluator evaluator(*calibration, *data, comparing_options(experiment, space));
  double loss = 0;
  const Assessment assessment =
      assess(*task_of(experiment), evaluator, network, subnet, *data, &loss);
  return {.subnet = subnet,
          .json = search::space::subnet_to_json(space, subnet),
          .assessment = assessment,
          .loss = loss,
          .resources = search::SubnetOracle(experiment.oracle).measure(space, subnet),
          .widths = experiment.oracle.widths,
          .budget = experiment.budget,
          .device_name = experiment.device.name,
          .preprocessing = datasets::preprocessing_of(splits.options, splits.resolution)};
}

namespace {

Json to_json(const SubnetAccuracy& accuracy, const Metric& metric, const SearchSpace& space) {
  return {{"macs", accuracy.macs},
          {metric.name, accuracy.score},
          {"subnet", Json::parse(search::space::subnet_to_json(space, accuracy.subnet))}};
}

SubnetAccuracy accuracy_from_json(const Json& json, const SearchSpace& space,
                                  const std::string& source) {
  return {search::space::subnet_from_json(space, json.at("subnet").dump(), source),
          count_at(json, "macs"), share_at(json, metric_in(json).name)};
}

}  // namespace

std::string train_result_to_json(const TrainResult& result, const SearchSpace& space) {
  const Metric& metric = *result.test.metric;
  Json json = {{"width", result.width},         {"resolution", result.resolution},
               {"chosen_by", result.chosen_by}, {"device", result.device},
               {"steps", result.steps},         {"seconds", result.seconds},
               {"weights", kWeightsFile}};
  Json search = {{"examples", result.search_examples},
                 {"largest", to_json(result.largest, metric, space)},
                 {"smallest", to_json(result.smallest, metric, space)},
                 {"sampled", Json::array()},
                 {"spearman", nullptr}};
  for (const SubnetAccuracy& accuracy : result.sampled) {
    search["sampled"].push_back(to_json(accuracy, metric, space));
  }
  if (result.spearman) search["spearman"] = *result.spearman;
  json["search"] = search;
  json["test"] = to_json(result.test);
  json["test"][fmt::format("largest_{}", metric.name)] = result.test.value;
  return json.dump() + "\n";
}

TrainResult train_result_from_json(const std::string& text, const SearchSpace& space,
                                   const std::string& source) {
  try {
    const Json json = Json::parse(text);
    const Json& search = json.at("search");
    TrainResult result{.width = number_at(json, "width", 0.01, 8),
                       .resolution = static_cast<int>(integer_at(json, "resolution", 16, 1024)),
                       .chosen_by = json.at("chosen_by"),
                       .device = json.at("device"),
                       .steps = count_at(json, "steps"),
                       .seconds = amount_at(json, "seconds"),
                       .search_examples = count_at(search, "examples"),
                       .largest = accuracy_from_json(search.at("largest"), space, source),
                       .smallest = accuracy_from_json(search.at("smallest"), space, source)};
    for (const Json& sampled : search.at("sampled")) {
      result.sampled.push_back(accuracy_from_json(sampled, space, source));
    }
    if (!search.at("spearman").is_null()) result.spearman = number_at(search, "spearman", -1, 1);
    result.test = score_from_json(json.at("test"));
    result.total_steps = result.steps;
    return result;
  } catch (const std::exception& error) {
    fail_damaged(source, kTrainStage, error);
  }
}

}  // namespace mcunet::pipeline
