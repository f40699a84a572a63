#include "finetune_stage.hpp"

#include <c10/core/GradMode.h>

#include <nlohmann/json.hpp>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/json_numbers.hpp"
#include "mcunet/core/json_text.hpp"
#include "mcunet/search/space/subnet_json.hpp"
#include "mcunet/supernet/evaluation.hpp"
#include "mcunet/supernet/fixed_network.hpp"
#include "mcunet/supernet/module_weights.hpp"
#include "mcunet/supernet/tensor_file.hpp"
#include "network_training.hpp"
#include "stage_run.hpp"
#include "trained_supernet.hpp"

namespace mcunet::pipeline {
namespace fs = std::filesystem;
namespace {

using datasets::Split;
using search::space::SearchSpace;
using search::space::Subnet;
using supernet::FixedNetwork;
using supernet::Supernet;
using Json = nlohmann::ordered_json;

constexpr char kNetworkFile[] = "network.json";
constexpr char kFolder[] = "finetune";

// What the weights depend on.
ConfigNode identity_of(const NetworkTraining& training, const std::string& supernet_identity) {
  Experiment experiment = training.experiment;
  experiment.finetune.quantization_aware = {};
  experiment.detection.limits = {};
  return network_identity({experiment, training.space, training.subnet, training.run},
                          {"seed", "dataset", "finetune", "detection"},
                          {{"supernet", supernet_identity}});
}

// The largest sub-network at the resolution of those that it teaches.
std::function<at::Tensor(const at::Tensor&)> teacher_of(Supernet supernet, int resolution) {
  supernet->train();  // normalizes by the batch, as the statistics of the largest are not its own
  Subnet largest = search::space::largest(supernet->space());
  largest.resolution = resolution;
  return [supernet, largest](const at::Tensor& images) mutable {
    return supernet->forward(images, largest);
  };
}

FinetuneResult read_result(const SearchSpace& space, const fs::path& file) {
  try {
    const Json json = Json::parse(read_file(file));
    const std::string metric = metric_in(json).name;
    FinetuneResult result{
        .subnet = search::space::subnet_from_json(space, json.at("subnet").dump(), file.string()),
        .inherited = share_at(json, "inherited_" + metric),
        .score = share_at(json, metric),
        .test = assessment_from_json(json.at("test")),
        .steps = count_at(json, "steps"),
        .seconds = amount_at(json, "seconds")};
    result.total_steps = result.steps;
    return result;
  } catch (const std::exception& error) {
    fail_damaged(file, kFinetuneStage, error);
  }
}

// A network, and the space in whose weights it trains: its own alone, or, with augmentation, those of the
// supernet.
struct Surroundings {
  SearchSpace space;
  Subnet network;
  bool is_alone;

  supernet::TensorDictionary weights(const Supernet& supernet, const Subnet& subnet) const {
    return is_alone ? supernet::weights_of(*supernet->extract(subnet))
                    : supernet::weights_of(*supernet);
  }
};

Surroundings surroundings_of(const NetworkTraining& training) {
  const SearchSpace& space = training.space;
  const Subnet& subnet = training.subnet;
  if (training.experiment.finetune.augmentation > 0) {
    return {space.at(subnet.width, subnet.resolution), subnet, /*is_alone=*/false};
  }
  SearchSpace alone = search::space::space_of(space, subnet);
  const Subnet itself = search::space::largest(alone);
  return {std::move(alone), itself, /*is_alone=*/true};
}

supernet::TrainerOptions finetune_options(const Experiment& experiment, bool is_alone) {
  const FinetuneOptions& finetune = experiment.finetune;
  supernet::TrainerOptions options =
      training_options(experiment, finetune.epochs, finetune.learning_rate);
  options.learned_kernel_transforms =
      !is_alone && experiment.train.trainer.learned_kernel_transforms;
  return options;
}

supernet::TrainerContext finetune_context(const NetworkTraining& training,
                                          const std::string& supernet_identity,
                                          const Supernet& supernet,
                                          const Surroundings& surroundings) {
  supernet::TrainerContext context =
      training_context(training, training.run / kFolder, identity_of(training, supernet_identity));
  const FinetuneOptions& options = training.experiment.finetune;
  if (options.distillation) context.teacher = teacher_of(supernet, training.subnet.resolution);
  if (!surroundings.is_alone) {
    context.draw = [&surroundings, weight = options.augmentation](RandomStream& random) {
      const auto& [space, network, is_alone] = surroundings;
      return std::vector<supernet::Learner>{{network},
                                            {sample_containing(space, network, random), weight}};
    };
  }
  return context;
}

void write_network(const FixedNetwork& network, const fs::path& folder) {
  write_file_atomically(folder / kNetworkFile,
                        search::space::network_to_json(network->description()));
  supernet::write_tensor_file(folder / kFinetunedWeights, supernet::weights_of(*network));
}

// By all ranks. Writes the network and its weights, unless it is stopped.
FinetuneResult finetune(const NetworkTraining& training, const Begin& begin) {
  const auto& [experiment, space, subnet, folder, resume, should_stop, ranks] = training;
  use_threads(experiment.train.trainer);
  const std::string supernet_identity = accuracy_identity(experiment, space, folder);
  const Surroundings surroundings = surroundings_of(training);
  const Subnet& itself = surroundings.network;
  const Splits splits{dataset_of(experiment), subnet.resolution};
  const auto data = splits.open(Split::kTrain, /*augment=*/true);
  const auto calibration = splits.open(Split::kTrain);
  const auto held_out = splits.open(Split::kSearch);
  supernet::SubnetEvaluator evaluator(*calibration, *held_out,
                                      evaluator_options(experiment, ranks));
  const std::shared_ptr<const Task> task = task_of(experiment);
  const auto score = [&](const Supernet& network, const Subnet& part) {
    return score_of(assess(*task, evaluator, network, part, *held_out)).value;
  };
  const Supernet supernet = load_supernet(experiment, space, folder);
  supernet::TrainerContext context =
      finetune_context(training, supernet_identity, supernet, surroundings);
  if (ranks->leads()) {
    begin();
    empty_unless_resumed(training, folder / kFolder);
  }
  context.evaluate = [&](const Supernet& network) {
    return std::vector<std::pair<std::string, double>>{
        {task->metric().name, score(network, itself)}};
  };
  context.objective = task->objective(experiment.train.trainer, *data);
  const FinetuneOptions& options = experiment.finetune;
  FinetuneResult result{.subnet = subnet};
  std::unique_ptr<supernet::Trainer> trainer;
  if (options.epochs > 0) {
    trainer = start_trainer(training, surroundings.space, *data,
                            finetune_options(experiment, surroundings.is_alone), std::move(context),
                            surroundings.weights(supernet, subnet));
    result.total_steps = trainer->total_steps();
    result.stopped = trainer->train() == supernet::TrainingEnd::kStopped;
    result.steps = trainer->step();
    if (result.stopped) return result;
  }

  result.inherited = score(supernet, subnet);
  result.score = trainer ? score(trainer->weights(), itself) : result.inherited;
  const auto test = splits.open(Split::kTest);
  supernet::SubnetEvaluator tester(*calibration, *test, evaluator_options(experiment, ranks));
  const bool keeps_inherited = result.keeps_inherited();
  const Supernet& kept = keeps_inherited ? supernet : trainer->weights();
  const Subnet& network_of_it = keeps_inherited ? subnet : itself;
  FixedNetwork network = kept->extract(network_of_it);
  evaluator.recalibrate(network);
  result.test = assess(*task, tester, kept, network_of_it, *test);
  warn_of_defect(result.test, "The fine-tuned network");
  if (ranks->leads()) write_network(network, folder);
  return result;
}

}  // namespace

Subnet chosen_subnet(const Experiment& experiment, const SearchSpace& space, const fs::path& run) {
  if (experiment.finetune.subnet) {
    return search::space::subnet_from_json(space, *experiment.finetune.subnet, "finetune.subnet");
  }
  const fs::path file = run / "search.json";
  if (!fs::exists(file)) {
    throw Error("{}: holds no search; run mcunet search into it first", run.string());
  }
  try {
    const Json json = Json::parse(read_file(file));
    return search::space::subnet_from_json(space, json.at("winner").at("subnet").dump(),
                                           file.string());
  } catch (const std::exception& error) {
    fail_damaged(file, kSearchStage, error);
  }
}

FinetuneResult run_finetune_stage(const Experiment& experiment, const SearchSpace& space,
                                  const Subnet& subnet, RunDirectory& run, bool resume,
                                  const std::function<bool()>& should_stop, const Ranks& ranks) {
  const auto read = [&] { return read_result(space, run.folder() / "finetune.json"); };
  const auto work = [&](FinetuneResult& result, const Begin& begin) {
    call_ranks(ranks, SharedWork::kFinetune, experiment, run.folder(),
               {{"subnet", Json::parse(search::space::subnet_to_json(space, subnet))}});
    result = finetune({experiment, space, subnet, run.folder(), resume, should_stop, ranks}, begin);
    return !result.stopped;
  };
  const auto write = [&](FinetuneResult& result, double seconds) {
    result.seconds = seconds;
    run.write("finetune.json", finetune_to_json(result, space));
  };
  return run_stage<FinetuneResult>(
      run, resume, {.name = kFinetuneStage, .read = read, .work = work, .write = write});
}

void take_part_in_finetuning(const Experiment& experiment, const SearchSpace& space,
                             const Subnet& subnet, const fs::path& run, const Ranks& ranks,
                             const std::function<bool()>& should_stop) {
  finetune({experiment, space, subnet, run, /*resume=*/false, should_stop, ranks}, [] {});
}

std::string finetune_to_json(const FinetuneResult& result, const SearchSpace& space) {
  const Score& test = score_of(result.test);
  const std::string metric = test.metric->name;
  const Json json = {{"inherited_" + metric, result.inherited},
                     {metric, result.score},
                     {"kept", result.keeps_inherited() ? "inherited" : "fine-tuned"},
                     {"test_" + metric, test.value},
                     {"test", to_json(result.test)},
                     {"steps", result.steps},
                     {"seconds", result.seconds},
                     {"network", kNetworkFile},
                     {"weights", kFinetunedWeights},
                     {"subnet", Json::parse(search::space::subnet_to_json(space, result.subnet))}};
  return json_text(json, 2) + "\n";
}

FixedNetwork load_finetuned(const fs::path& run, const std::string& weights_file) {
  const fs::path description = run / kNetworkFile;
  const fs::path weights = run / weights_file;
  for (const fs::path& file : {description, weights}) {
    if (!fs::exists(file)) {
      throw Error("{}: holds no fine-tuned network: {} is not there", run.string(),
                  file.filename().string());
    }
  }
  try {
    FixedNetwork network(
        search::space::network_from_json(read_file(description), description.string()));
    supernet::load_weights(*network, supernet::read_tensor_file(weights), weights.string());
    network->eval();
    return network;
  } catch (const Error& error) {
    throw Error("{}; {}", error.what(), kHowToRestore);
  }
}

}  // namespace mcunet::pipeline
