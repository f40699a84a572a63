#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mcunet/core/config.hpp"
#include "mcunet/core/run_directory.hpp"
#include "mcunet/datasets/detector.hpp"
#include "mcunet/datasets/open_dataset.hpp"
#include "mcunet/deploy/device.hpp"
#include "mcunet/deploy/firmware.hpp"
#include "mcunet/engine/codegen/model_names.hpp"
#include "mcunet/engine/planning/arena.hpp"
#include "mcunet/engine/planning/resources.hpp"
#include "mcunet/engine/quantization/activation_statistics.hpp"
#include "mcunet/search/evolution.hpp"
#include "mcunet/search/nsga.hpp"
#include "mcunet/search/space/search_space.hpp"
#include "mcunet/search/space_optimizer.hpp"
#include "mcunet/supernet/trainer_options.hpp"

// One job, as one YAML file describes it.
namespace mcunet::pipeline {

// The section `train`: what is trained, how, and how it is measured.
struct TrainOptions {
  std::optional<double> width;           // absent: of the optimized space, else of the space
  std::optional<int> resolution;         // likewise
  std::vector<int> elastic_resolutions;  // smaller ones that are trained too
  // What training begins with instead of chance: a run with a supernet, its supernet.pt, or the state
  // dictionary of a published model (published_weights.hpp). Of another number of outputs, as where another
  // task was learnt, the head alone begins anew.
  std::string initial_weights;
  supernet::TrainerOptions trainer;
  // Of 64, for the statistics of a sub-network; 0: it keeps those of the training.
  int calibration_batches = 20;
  int correlation_samples = 30;  // random sub-networks whose accuracy is compared with their MACs
};

// The section `search`.
struct SearchStageOptions {
  search::EvolutionOptions evolution;
  bool random_baseline = true;  // random search at as many evaluations
  // Starts from what evolution evaluated; without iterations the front is of those networks alone.
  search::FrontOptions front{.iterations = 0};
  int threads = 0;  // that plan networks; 0: as many as there are
  // A process that measures accuracies for each: cpu, cuda, cuda:INDEX. All of one kind. None: this
  // process does, on the device of the section `train`.
  std::vector<std::string> devices;
};

// The section `finetune.quantization_aware`: the fine-tuned network trained on with the rounding of
// quantization simulated, without augmentation, warm-up and dropout, in 32-bit floats; its teacher, if
// `finetune` has one, is the fine-tuned network itself.
struct QuantizationAwareOptions {
  int epochs = 0;                       // 0: quantized as it is
  std::optional<double> learning_rate;  // per 256 images; absent: a tenth of the fine-tuning's
};

// The section `finetune`: one network trained on from the weights that it inherits, otherwise as the
// section `train` has it.
struct FinetuneOptions {
  // Another sub-network of the supernet than the search's winner, as JSON (subnet_json.hpp).
  std::optional<std::string> subnet;
  int epochs = 30;              // 0: it keeps the weights that it inherits
  double learning_rate = 0.01;  // per 256 images
  bool distillation = false;    // half of the loss: the probabilities of the largest sub-network
  // What the loss of a larger sub-network counts that contains it and learns from the same images, drawn
  // for each step (NetAug, Cai et al., ICLR 2022). 0: it learns alone.
  double augmentation = 0;
  // Ends after so many epochs without a better accuracy on the search split, see TrainerOptions; also
  // of quantization_aware. 0: after all epochs.
  int early_stopping_patience = 0;
  QuantizationAwareOptions quantization_aware;
};

enum class WidthPolicy {
  kUniform,  // all layers have weight_bits
  kMixed,    // where flash has room for it, layers have 8 bits among those of 4 (mixed_widths.hpp)
};

// The section `quantization`.
struct QuantizationOptions {
  engine::BitWidths widths;  // OracleOptions has them too, for what plans networks
  bool keep_first_last =
      false;  // the first and the last layer have weights of 8, here and in plans
  WidthPolicy policy = WidthPolicy::kUniform;
  std::optional<std::int64_t> flash_bytes;  // limit of kMixed; absent in a file: the budget's
  engine::CodeCore core =
      engine::CodeCore::kCortexM7;  // of the device: what its code takes of that
  int calibration_images = 512;     // of the training data, without augmentation
  int selection_images = 1000;      // of the held-out split, by which the method is chosen
  std::optional<engine::RangeMethod> method;  // absent: the best of all on the held-out split
};

// The section `detection`: of detectors alone, which tell of objects (dataset.targets: boxes).
struct DetectionOptions {
  int boxes_per_cell = 5;                 // anchors, by clusters of the training data's boxes
  std::vector<datasets::Anchor> anchors;  // stated ones instead
  supernet::DetectionLossOptions loss;
  datasets::DetectionLimits limits;  // of the boxes that an exported network tells of
  // Of those that mean average precision is measured by: also what is unlikely.
  datasets::DetectionLimits evaluation{.score = 0.01, .overlap = 0.45, .most = 100};
};

// The section `export`.
struct ExportOptions {
  int emulated_examples = 8;  // of the test set, run on the emulated core; 0: no emulation
  std::optional<std::int64_t> test_examples;   // absent: the whole test set
  engine::ModelNames names;                    // of the C files and what is in them
  std::optional<deploy::ConsoleKind> console;  // absent: the device's default
  // Whether kernels get scratch beyond the least, within the job's limit of SRAM.
  engine::ScratchGrowth memory = engine::ScratchGrowth::kWithinBudget;
};

struct Experiment {
  deploy::Device device;
  search::space::SearchSpace space;
  std::uint64_t seed = 0;
  engine::Budget budget;  // the device's, where the file gives no other limit
  engine::OracleOptions oracle;
  search::SpaceOptimizerOptions space_optimization;
  std::optional<datasets::DatasetOptions> dataset;
  TrainOptions train;
  SearchStageOptions search;
  FinetuneOptions finetune;
  QuantizationOptions quantization;
  DetectionOptions detection;
  ExportOptions exporting;
};

// The keys of configs/experiments/NAME.yaml. `device` and `space` are names or files, or the
// description itself.
std::vector<Field> fields_of(Experiment& experiment);

// The keys that change no result, as paths: where and how fast it is done, and how often something
// is written.
std::vector<std::string> keys_without_influence();

// What may change when a job is resumed: also what only concerns its last stages.
AllowedChanges changes_on_resume();

Experiment read_experiment(const ConfigNode& root);

// `name` is a file or a name in configs/experiments/; overrides have the form "a.b=c". Where the
// space leaves out `classes` or `image_channels`, they are the dataset's; if it states others, that
// is an error. Classes are told by the dataset's folder, so they are left alone while it has no
// path. Throws Error.
Experiment load_experiment(const std::string& name, std::span<const std::string> overrides);
Experiment load_experiment(ConfigNode root, std::span<const std::string> overrides);

}  // namespace mcunet::pipeline
