#include "network_training.hpp"

#include <algorithm>

#include "mcunet/core/error.hpp"
#include "mcunet/search/space/subnet_json.hpp"
#include "mcunet/supernet/device.hpp"
#include "trained_supernet.hpp"

namespace mcunet::pipeline {
namespace fs = std::filesystem;

supernet::TrainerOptions training_options(const Experiment& experiment, int epochs,
                                          double learning_rate) {
  supernet::TrainerOptions options = experiment.train.trainer;
  options.largest_epochs = epochs;
  options.elastic_epochs = 0;
  options.learning_rate = learning_rate;
  options.learned_kernel_transforms = false;
  options.early_stopping_patience = experiment.finetune.early_stopping_patience;
  return options;
}

ConfigNode network_identity(const NetworkTraining& training,
                            std::initializer_list<const char*> sections,
                            std::initializer_list<std::pair<const char*, std::string>> more) {
  Experiment experiment = training.experiment;
  const ConfigNode all = write_fields(fields_of(experiment));
  ConfigNode identity{.kind = ConfigNode::Kind::kMap};
  const auto add = [&](const char* key, ConfigNode value) {
    identity.keys.emplace_back(key);
    identity.items.push_back(std::move(value));
  };
  for (const char* key : sections) add(key, *all.find(key));
  add("subnet", write_value(search::space::subnet_to_json(training.space, training.subnet)));
  for (const auto& [key, value] : more) add(key, write_value(value));
  return identity;
}

void empty_unless_resumed(const NetworkTraining& training, const fs::path& folder) {
  if (training.resume) return;
  std::error_code error;
  fs::remove_all(folder, error);
  if (error) throw Error("{}: {}", folder.string(), error.message());
}

supernet::TrainerContext training_context(const NetworkTraining& training, const fs::path& folder,
                                          ConfigNode identity) {
  const Experiment& experiment = training.experiment;
  return {.folder = folder,
          .identity = std::move(identity),
          .seed = experiment.seed,
          .device = supernet::select_device(experiment.train.trainer.device),
          .group = training.ranks,
          .should_stop = training.should_stop};
}

std::unique_ptr<supernet::Trainer> start_trainer(const NetworkTraining& training,
                                                 const search::space::SearchSpace& space,
                                                 const datasets::Dataset& data,
                                                 const supernet::TrainerOptions& options,
                                                 supernet::TrainerContext context,
                                                 const supernet::TensorDictionary& weights) {
  auto trainer = std::make_unique<supernet::Trainer>(space, data, options, std::move(context));
  if (!training.ranks->leads()) return trainer;
  if (!(training.resume && trainer->resume())) trainer->initialize(weights, "the network");
  return trainer;
}

}  // namespace mcunet::pipeline
