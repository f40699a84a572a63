#include "quantization_aware_stage.hpp"

#include <c10/core/GradMode.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "bit_widths.hpp"
#include "finetune_stage.hpp"
#include "float_graph.hpp"
#include "mcunet/core/crc32c.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/json_numbers.hpp"
#include "mcunet/search/space/subnet_json.hpp"
#include "mcunet/supernet/module_weights.hpp"
#include "mcunet/supernet/process_group.hpp"
#include "mcunet/supernet/tensor_file.hpp"
#include "network_training.hpp"
#include "simulated_quantization.hpp"
#include "stage_run.hpp"
#include "trained_supernet.hpp"

namespace mcunet::pipeline {
namespace fs = std::filesystem;
namespace {

using datasets::Dataset;
using datasets::Split;
using supernet::FixedNetwork;
using supernet::Supernet;
using Json = nlohmann::ordered_json;

constexpr char kFolder[] = "quantization_aware";
constexpr char kRangesFile[] = "quantization_aware/ranges.json";
constexpr char kTrainedRangesFile[] = "quantization_aware/trained_ranges.json";
constexpr char kWeights[] = "quantization_aware.pt";
constexpr char kResultFile[] = "quantization_aware.json";

// What training begins from and is compared with.
struct PostTraining {
  QuantizedNetwork quantized;
  Score score;  // on the held-out split
};

Json to_json(std::span<const engine::RealRange> ranges) {
  Json json = Json::array();
  for (const engine::RealRange& range : ranges) json.push_back({range.min, range.max});
  return json;
}

std::vector<engine::RealRange> ranges_from_json(const Json& json) {
  constexpr double kMost = std::numeric_limits<float>::max();
  std::vector<engine::RealRange> ranges;
  for (const Json& range : json) {
    const auto bound = [&](std::size_t i) {
      return static_cast<float>(number_of(range.at(i), -kMost, kMost));
    };
    ranges.push_back({bound(0), bound(1)});
  }
  return ranges;
}

std::string to_json(const PostTraining& post_training) {
  const QuantizedNetwork& quantized = post_training.quantized;
  Json json = {{"method", engine::name_of(quantized.method)},
               {"compared", Json::array()},
               {"score", to_json(post_training.score)},
               {"ranges", to_json(quantized.ranges)}};
  for (const MethodScore& entry : quantized.compared) {
    json["compared"].push_back(to_json(entry));
  }
  if (quantized.mixed) json["mixed"] = to_json(*quantized.mixed);
  return json.dump() + "\n";
}

engine::RangeMethod method_of(const Json& json) {
  const std::string name = json.at("method");
  for (engine::RangeMethod method : engine::kRangeMethods) {
    if (name == name_of(method)) return method;
  }
  throw Error("{} is no method to choose ranges", name);
}

// The inverse of to_json, for a network; `file` is where the text is from.
PostTraining post_training_of(const FloatGraph& trained, const QuantizationOptions& options,
                              const std::string& text, const fs::path& file) {
  try {
    const Json json = Json::parse(text);
    PostTraining result{.quantized = {.method = method_of(json)},
                        .score = score_from_json(json.at("score"))};
    for (const Json& entry : json.at("compared")) {
      result.quantized.compared.push_back({method_of(entry), score_from_json(entry)});
    }
    result.quantized.ranges = ranges_from_json(json.at("ranges"));
    FloatGraph network = at_widths(trained, options);
    if (json.contains("mixed")) {
      result.quantized.mixed = mixed_widths_from_json(json.at("mixed"));
      set_widths(*result.quantized.mixed, network.graph);
    }
    result.quantized.graph = quantize_by(network, result.quantized.ranges);
    return result;
  } catch (const std::exception& error) {
    fail_damaged(file, kQuantizationAwareStage, error);
  }
}

PostTraining read_post_training(const FloatGraph& trained, const QuantizationOptions& options,
                                const fs::path& file) {
  return post_training_of(trained, options, read_file(file), file);
}

std::vector<engine::RealRange> read_trained_ranges(const fs::path& file) {
  try {
    return ranges_from_json(Json::parse(read_file(file)).at("ranges"));
  } catch (const std::exception& error) {
    fail_damaged(file, kQuantizationAwareStage, error);
  }
}

PostTraining quantize_post_training(const Task& task, const FloatGraph& network,
                                    const Dataset& training, const Dataset& held_out,
                                    const Experiment& experiment) {
  const QuantizationOptions& options = experiment.quantization;
  PostTraining result{quantize(task, network, training, held_out, options, experiment.seed)};
  const auto& compared = result.quantized.compared;
  for (const MethodScore& entry : compared) {
    if (entry.method == result.quantized.method) result.score = entry.score;
  }
  if (compared.empty()) {
    result.score = score_of(evaluate_int8(task, result.quantized.graph, held_out, experiment.seed,
                                          options.selection_images));
  }
  return result;
}

// Without dropout and in full precision, which the rounding is finer than; no warm-up, as the
// training goes on.
supernet::TrainerOptions aware_options(const Experiment& experiment) {
  const FinetuneOptions& finetune = experiment.finetune;
  const QuantizationAwareOptions& aware = finetune.quantization_aware;
  supernet::TrainerOptions options = training_options(
      experiment, aware.epochs, aware.learning_rate.value_or(finetune.learning_rate / 10));
  options.warmup_epochs = 0;
  options.dropout = 0;
  options.precision = supernet::Precision::kFloat32;
  return options;
}

ConfigNode aware_identity(const NetworkTraining& training) {
  const auto checksum = [&](const char* name) {
    return fmt::format("{:08x}", crc32c(read_file(training.run / name)));
  };
  Experiment experiment = training.experiment;
  experiment.detection.limits = {};
  return network_identity(
      {experiment, training.space, training.subnet, training.run},
      {"seed", "dataset", "finetune", "detection", "quantization"},
      {{"network", checksum(kFinetunedWeights)}, {"ranges", checksum(kRangesFile)}});
}

// What is no part of a layer.
supernet::TensorDictionary learned_by(const Supernet& network) {
  supernet::TensorDictionary learned;
  for (const auto& entry : network->named_parameters(/*recurse=*/false)) {
    learned.emplace(entry.key(), entry.value());
  }
  return learned;
}

// Trains in the forward pass of `simulated` and measures with it, by rank 0. The teacher, if one is asked
// for, is the network in floats.
supernet::TrainerContext aware_context(const NetworkTraining& training, const Task& task,
                                       FixedNetwork in_floats,
                                       const SimulatedQuantization& simulated,
                                       const Dataset& held_out) {
  const Ranks& ranks = training.ranks;
  supernet::TrainerContext context = training_context(
      training, training.run / kFolder, ranks->leads() ? aware_identity(training) : ConfigNode());
  if (training.experiment.finetune.distillation) {
    in_floats->to(context.device);
    context.teacher = [in_floats](const at::Tensor& images) mutable {
      return in_floats->forward(images);
    };
  }
  context.more_parameters = simulated.learnable();
  context.forward = [&simulated](const Supernet& network, const search::space::Subnet&,
                                 const at::Tensor& images) {
    return simulated.run(network->layers(), images, learned_by(network));
  };
  context.evaluate =
      [&task, &simulated, &held_out, &ranks, seed = training.experiment.seed,
       limit = training.experiment.quantization.selection_images](const Supernet& network) {
        const at::NoGradGuard no_grad;
        const auto outputs = [&](const at::Tensor& images) {
          return simulated.run(network->layers(), images, learned_by(network)).cpu();
        };
        const at::Tensor score = at::zeros({}, at::kDouble);
        if (ranks->leads()) {
          score.fill_(score_of(evaluate_outputs(task, outputs, held_out, seed, limit)).value);
        }
        ranks->sum(score);
        return std::vector<std::pair<std::string, double>>{
            {fmt::format("simulated_int8_{}", task.metric().name), score.item<double>()}};
      };
  return context;
}

QuantizationAwareResult read_result(const fs::path& file) {
  try {
    const Json json = Json::parse(read_file(file));
    QuantizationAwareResult result{.gain = gain_from_json(json),
                                   .widths = widths_from_json(json),
                                   .steps = count_at(json, "steps"),
                                   .seconds = amount_at(json, "seconds")};
    result.total_steps = result.steps;
    return result;
  } catch (const std::exception& error) {
    fail_damaged(file, kQuantizationAwareStage, error);
  }
}

std::string result_to_json(const QuantizationAwareResult& result) {
  Json json = pipeline::to_json(result.gain);
  json.update(pipeline::to_json(result.widths));
  json.update({{"steps", result.steps},
               {"seconds", result.seconds},
               {"weights", kWeights},
               {"ranges", kRangesFile}});
  return json.dump(2) + "\n";
}

// As text. The ranges are kept, so that a training that was stopped goes on with the same whatever they
// depend on.
std::string keep_post_training(const Task& task, const FloatGraph& network, const Dataset& data,
                               const Dataset& held_out, const NetworkTraining& training) {
  const fs::path file = training.run / kRangesFile;
  if (!fs::exists(file)) {
    fs::create_directories(file.parent_path());
    write_file_atomically(
        file, to_json(quantize_post_training(task, network, data, held_out, training.experiment)));
  }
  return read_file(file);
}

// By all ranks, of which rank 0 quantizes and measures. Writes the weights, unless it is stopped.
QuantizationAwareResult train_aware(const NetworkTraining& training, const Begin& begin) {
  const Experiment& experiment = training.experiment;
  const Ranks& ranks = training.ranks;
  use_threads(experiment.train.trainer);
  const FixedNetwork network = load_finetuned(training.run);
  const FloatGraph lowered = lower(network);
  const std::shared_ptr<const Task> task = task_of(experiment);
  const Splits splits{dataset_of(experiment), training.subnet.resolution};
  // Not augmented: the statistics that are folded and the ranges are those of such images, and a
  // network that follows others leaves them.
  const auto data = splits.open(Split::kTrain);
  const auto held_out = splits.open(Split::kSearch);
  std::string chosen;
  if (ranks->leads()) {
    begin();
    empty_unless_resumed(training, training.run / kFolder);
    chosen = keep_post_training(*task, lowered, *splits.open(Split::kTrain), *held_out, training);
    ranks->tell(chosen);
  } else {
    chosen = ranks->hear();
  }
  const PostTraining post_training =
      post_training_of(lowered, experiment.quantization, chosen, training.run / kRangesFile);
  const SimulatedQuantization simulated(post_training.quantized.graph,
                                        post_training.quantized.ranges);
  const supernet::TrainerOptions options = aware_options(experiment);
  supernet::TrainerContext context =
      aware_context(training, *task, load_finetuned(training.run), simulated, *held_out);
  context.objective = task->objective(options, *data);
  supernet::TensorDictionary start = supernet::weights_of(*network);
  start.merge(simulated.learnable());
  const search::space::SearchSpace itself =
      search::space::space_of(training.space, training.subnet);
  const auto trainer = start_trainer(training, itself, *data, options, std::move(context), start);
  QuantizationAwareResult result{
      .gain = {.post_training = post_training.score},
      .widths = widths_of(post_training.quantized.graph, experiment.quantization.widths),
      .total_steps = trainer->total_steps()};
  result.stopped = trainer->train() == supernet::TrainingEnd::kStopped;
  result.steps = trainer->step();
  if (result.stopped || !ranks->leads()) return result;

  const Supernet& weights = trainer->weights();
  const FixedNetwork trained = weights->extract(search::space::largest(weights->space()));
  const std::vector<engine::RealRange> learned = simulated.ranges(learned_by(weights));
  result.gain.quantization_aware = score_of(evaluate_int8(
      *task, quantize_by(at_widths_of(post_training.quantized.graph, lower(trained)), learned),
      *held_out, experiment.seed, experiment.quantization.selection_images));
  if (!simulated.learnable().empty()) {
    write_file_atomically(training.run / kTrainedRangesFile,
                          Json{{"ranges", to_json(learned)}}.dump() + "\n");
  }
  supernet::write_tensor_file(training.run / kWeights, supernet::weights_of(*trained));
  return result;
}

}  // namespace

QuantizationAwareResult run_quantization_aware_stage(const Experiment& experiment,
                                                     const search::space::SearchSpace& space,
                                                     const search::space::Subnet& subnet,
                                                     RunDirectory& run, bool resume,
                                                     const std::function<bool()>& should_stop,
                                                     const Ranks& ranks) {
  const fs::path& folder = run.folder();
  const bool goes_on = resume && !run.is_outdated(kQuantizationAwareStage);
  const auto read = [&] { return read_result(folder / kResultFile); };
  const auto work = [&](QuantizationAwareResult& result, const Begin& begin) {
    call_ranks(ranks, SharedWork::kQuantizationAware, experiment, folder,
               {{"subnet", Json::parse(search::space::subnet_to_json(space, subnet))}});
    result = train_aware({experiment, space, subnet, folder, goes_on, should_stop, ranks}, begin);
    return !result.stopped;
  };
  const auto write = [&](QuantizationAwareResult& result, double seconds) {
    result.seconds = seconds;
    run.write(kResultFile, result_to_json(result));
    if (!result.gain.is_kept()) {
      spdlog::warn("Quantization-aware training made the network worse on the search split");
    }
  };
  return run_stage<QuantizationAwareResult>(
      run, resume, {.name = kQuantizationAwareStage, .read = read, .work = work, .write = write});
}

void take_part_in_quantization_aware(const Experiment& experiment,
                                     const search::space::SearchSpace& space,
                                     const search::space::Subnet& subnet, const fs::path& run,
                                     const Ranks& ranks, const std::function<bool()>& should_stop) {
  train_aware({experiment, space, subnet, run, /*resume=*/false, should_stop, ranks}, [] {});
}

QuantizationAwareNetwork load_quantization_aware(const fs::path& run,
                                                 const QuantizationOptions& options) {
  if (!fs::exists(run / kResultFile)) {
    throw Error("{}: holds no quantization-aware training: {} is not there", run.string(),
                kResultFile);
  }
  const QuantizationGain gain = read_result(run / kResultFile).gain;
  const FloatGraph kept =
      lower(gain.is_kept() ? load_finetuned(run, kWeights) : load_finetuned(run));
  QuantizedNetwork quantized = read_post_training(kept, options, run / kRangesFile).quantized;
  const fs::path learned = run / kTrainedRangesFile;
  if (gain.is_kept() && fs::exists(learned)) {
    quantized.ranges = read_trained_ranges(learned);
    quantized.graph = quantize_by(at_widths_of(quantized.graph, kept), quantized.ranges);
  }
  return {std::move(quantized), gain};
}

}  // namespace mcunet::pipeline
