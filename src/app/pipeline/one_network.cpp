#include "one_network.hpp"

#include "mcunet/core/named_config.hpp"
#include "mcunet/search/space/network_space.hpp"
#include "mcunet/search/space/subnet_json.hpp"

namespace mcunet::pipeline {
namespace {

bool is_stated(const ConfigNode& root, const char* section, const char* key) {
  const ConfigNode* node = root.find(section);
  return node != nullptr && node->find(key) != nullptr;
}

}  // namespace

void settle_one_network(const ConfigNode& root, Experiment& experiment) {
  using namespace search::space;
  if (!is_network(resolve_named_config(*root.find("space"), "spaces"))) return;
  const auto settle = [&](const char* section, const char* key, auto& value, const auto& decided) {
    if (!is_stated(root, section, key)) value = decided;
  };
  TrainOptions& train = experiment.train;
  settle("train", "width", train.width, experiment.space.widths.front());
  settle("train", "resolution", train.resolution, experiment.space.resolutions.front());
  settle("train", "elastic_epochs", train.trainer.elastic_epochs, 0);
  settle("train", "correlation_samples", train.correlation_samples, 0);
  const bool is_trained = train.trainer.largest_epochs > 0 || train.trainer.elastic_epochs > 0 ||
                          experiment.finetune.epochs > 0;
  if (!is_trained) settle("train", "calibration_batches", train.calibration_batches, 0);

  const SearchSpace trained =
      experiment.space.at(train.width.value_or(experiment.space.widths.front()),
                          train.resolution.value_or(experiment.space.resolutions.front()));
  settle("space_optimization", "widths", experiment.space_optimization.widths, trained.widths);
  settle("space_optimization", "resolutions", experiment.space_optimization.resolutions,
         trained.resolutions);
  settle("finetune", "subnet", experiment.finetune.subnet,
         subnet_to_json(trained, largest(trained)));
}

}  // namespace mcunet::pipeline
