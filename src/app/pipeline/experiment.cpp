#include "experiment.hpp"

#include <fmt/format.h>

#include "feature_code.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/named_config.hpp"
#include "mcunet/deploy/firmware.hpp"
#include "one_network.hpp"
#include "stages.hpp"

namespace mcunet::pipeline {
namespace {

// The value of a key of the space becomes the dataset's, or is it already.
void agree(const ConfigNode& space, const char* key, int& value, std::size_t of_dataset) {
  const ConfigNode* stated = space.find(key);
  if (stated != nullptr && static_cast<std::size_t>(value) != of_dataset) {
    stated->fail(fmt::format("is {}, but the dataset's is {}", value, of_dataset));
  }
  value = static_cast<int>(of_dataset);
}

void agree_in_form(const ConfigNode& space, search::space::Form& form, bool is_series) {
  using search::space::Form;
  const Form of_dataset = is_series ? Form::kLine : Form::kSquare;
  const ConfigNode* stated = space.find("form");
  if (stated != nullptr && form != of_dataset) {
    stated->fail(fmt::format("must be {} for this kind of dataset", is_series ? "line" : "square"));
  }
  form = of_dataset;
}

void require_divisors(const ConfigNode& root, const char* section, const char* key,
                      const std::vector<int>& resolutions, int window) {
  for (const int samples : resolutions) {
    if (window % samples == 0) continue;
    root.find(section)->find(key)->fail(
        fmt::format("must divide the window of {} rows, one is {}", window, samples));
  }
}

// All resolutions divide the window of a series; those of a grid that the job does not state are a
// quarter, a half and all of it.
void follow_window(const ConfigNode& root, Experiment& experiment) {
  const int window = experiment.dataset->series.window;
  const TrainOptions& train = experiment.train;
  std::vector<int>& grid = experiment.space_optimization.resolutions;
  if (train.resolution) require_divisors(root, "train", "resolution", {*train.resolution}, window);
  require_divisors(root, "train", "elastic_resolutions", train.elastic_resolutions, window);
  const ConfigNode* section = root.find("space_optimization");
  if (section != nullptr && section->find("resolutions") != nullptr) {
    return require_divisors(root, "space_optimization", "resolutions", grid, window);
  }
  grid.clear();
  for (const int averaged : {4, 2, 1}) {
    const int samples = window / averaged;
    if (window % averaged == 0 && samples >= 16 && samples <= 1024) grid.push_back(samples);
  }
  if (grid.empty()) {
    throw Error(
        "space_optimization.resolutions: must be stated, each a divisor of the window of {} rows",
        window);
  }
}

void agree_with_dataset(const ConfigNode& root, Experiment& experiment) {
  if (!experiment.dataset) return;
  const datasets::DatasetOptions& dataset = *experiment.dataset;
  const ConfigNode space = resolve_named_config(*root.find("space"), "spaces");
  const bool is_series = datasets::medium_of(dataset.kind) == datasets::Medium::kSeries;
  agree_in_form(space, experiment.space.form, is_series);
  if (is_series) follow_window(root, experiment);
  const bool is_there = !datasets::needs_path(dataset.kind) || !dataset.path.empty();
  if (is_series && !is_there) return;  // its channels are not known
  agree(space, "image_channels", experiment.space.image_channels,
        static_cast<std::size_t>(datasets::input_channels(dataset)));
  const bool has_boxes = dataset.targets == datasets::TargetKind::kBoxes;
  DetectionOptions& detection = experiment.detection;
  if (!detection.anchors.empty()) {
    agree(*root.find("detection"), "boxes_per_cell", detection.boxes_per_cell,
          detection.anchors.size());
  }
  agree(space, "boxes_per_cell", experiment.space.boxes_per_cell,
        has_boxes ? static_cast<std::size_t>(detection.boxes_per_cell) : 0);
  if (!is_there) return;
  agree(space, "classes", experiment.space.classes, datasets::class_names(dataset).size());
}

// The sweep of the paper, Figure 12.
search::SpaceOptimizerOptions default_optimizer() {
  search::SpaceOptimizerOptions options;
  for (std::int64_t sram : {192, 256, 320, 384, 448, 512}) {
    options.sweep_sram_bytes.push_back(sram * 1024);
  }
  for (std::int64_t flash : {512, 1024, 1536, 2048}) {
    options.sweep_flash_bytes.push_back(flash * 1024);
  }
  return options;
}

// A limit of the job, or the device's where it has none; refused if the device has less.
void limit_to_device(const ConfigNode& root, const char* key, std::optional<std::int64_t>& limit,
                     std::int64_t of_device, const deploy::Device& device) {
  if (limit.value_or(of_device) > of_device) {
    root.find("budget")->find(key)->fail(fmt::format(
        "is {}, but {} leaves {} for a network, after what it reserves",
        static_cast<double>(*limit) / 1024, device.name, static_cast<double>(of_device) / 1024));
  }
  limit = limit.value_or(of_device);
}

// An input comes in rows to what streams, and as the pixels of a frame.
void check_streamed_input(const ConfigNode& root, const Experiment& experiment) {
  if (!experiment.oracle.pulls_input) return;
  const ConfigNode& node = *root.find("engine")->find("stream_input");
  if (experiment.oracle.schedule != engine::SchedulePolicy::kStreaming) {
    node.fail("is for the schedule streaming");
  }
  if (experiment.dataset && medium_of(experiment.dataset->kind) != datasets::Medium::kImage) {
    node.fail("is for images, which are the only inputs that come in rows");
  }
}

// The library of the schedule tflm has scratch of its own, and its scratch is of no other schedule.
void settle_schedule(const ConfigNode& root, engine::OracleOptions& oracle) {
  using engine::SchedulePolicy;
  using engine::ScratchPolicy;
  const ConfigNode* engine_node = root.find("engine");
  const auto stated = [&](const char* key) -> const ConfigNode* {
    return engine_node == nullptr ? nullptr : engine_node->find(key);
  };
  const bool is_tflm = oracle.schedule == SchedulePolicy::kTflm;
  if (is_tflm && stated("scratch") != nullptr && oracle.scratch != ScratchPolicy::kTflm) {
    stated("scratch")->fail(fmt::format("must be tflm, or left out, of the schedule tflm, is {}",
                                        name_of(oracle.scratch)));
  }
  if (is_tflm) oracle.scratch = ScratchPolicy::kTflm;
  if (oracle.scratch != ScratchPolicy::kTflm) return;
  if (stated("schedule") != nullptr && !is_tflm && oracle.schedule != SchedulePolicy::kOpByOp) {
    stated("schedule")
        ->fail(fmt::format("must be tflm or op-by-op where scratch is tflm, is {}",
                           name_of(oracle.schedule)));
  }
  oracle.schedule = SchedulePolicy::kTflm;
}

// The widths of weights that the section leaves open are decided, and agree with the space.
void settle_widths(const ConfigNode& root, Experiment& experiment) {
  QuantizationOptions& options = experiment.quantization;
  const std::int64_t most = *experiment.budget.flash_bytes;
  experiment.oracle.widths = options.widths;
  experiment.oracle.keep_first_last = options.keep_first_last;
  if (options.policy == WidthPolicy::kUniform) {
    if (!options.flash_bytes) return;
    root.find("quantization")
        ->find("flash_kib")
        ->fail("is for the policy mixed; budget.flash_kib is the job's");
  }
  const ConfigNode& policy = *root.find("quantization")->find("policy");
  if (options.widths.weights != 4) {
    policy.fail(
        "mixed widens some layers of a network that fits with weight_bits: 4, which must be stated");
  }
  if (experiment.space.has_elastic_weight_bits()) {
    policy.fail(
        "mixed would choose again what the search chooses in a space with elastic_weight_bits");
  }
  options.flash_bytes = options.flash_bytes.value_or(most);
  if (*options.flash_bytes <= most) return;
  root.find("quantization")
      ->find("flash_kib")
      ->fail(fmt::format("is {}, but the job has {}",
                         static_cast<double>(*options.flash_bytes) / 1024,
                         static_cast<double>(most) / 1024));
}

// Of flash, for what makes a spectrogram, or finds boxes: as linked for a Cortex-M4 and a Cortex-M7, with the
// tables of 40 mel bands and of a few classes.
std::int64_t application_bytes_for(const datasets::DatasetOptions& dataset) {
  constexpr std::int64_t kSpectrogram = 4200;
  constexpr std::int64_t kBoxes = 3650;
  if (datasets::medium_of(dataset.kind) == datasets::Medium::kSound) return kSpectrogram;
  return dataset.targets == datasets::TargetKind::kBoxes ? kBoxes : 0;
}

// All that networks may have in this job.
std::set<int> resolutions_of(const Experiment& experiment) {
  std::set<int> all(experiment.space.resolutions.begin(), experiment.space.resolutions.end());
  const std::vector<int>& grid = experiment.space_optimization.resolutions;
  const std::vector<int>& elastic = experiment.train.elastic_resolutions;
  all.insert(grid.begin(), grid.end());
  all.insert(elastic.begin(), elastic.end());
  if (experiment.train.resolution) all.insert(*experiment.train.resolution);
  return all;
}

}  // namespace

AllowedChanges changes_on_resume() {
  return {.without_influence = keys_without_influence(),
          .of_stages = {{"finetune.quantization_aware", stages_from(kQuantizationAwareStage)},
                        {"quantization.calibration_images", stages_from(kQuantizationAwareStage)},
                        {"quantization.selection_images", stages_from(kQuantizationAwareStage)},
                        {"quantization.method", stages_from(kQuantizationAwareStage)},
                        {"quantization.policy", stages_from(kQuantizationAwareStage)},
                        {"quantization.flash_kib", stages_from(kQuantizationAwareStage)},
                        {"detection.limits", stages_from(kExportStage)},
                        {"device.console", stages_from(kExportStage)},
                        {"export", stages_from(kExportStage)}}};
}

Experiment read_experiment(const ConfigNode& root) {
  Experiment experiment;
  experiment.space_optimization = default_optimizer();
  // Of a job it is the kernels that will be linked.
  experiment.oracle.scratch = engine::ScratchPolicy::kOwn;
  read_fields(root, fields_of(experiment));
  settle_one_network(root, experiment);
  const deploy::Device& device = experiment.device;
  engine::Budget& budget = experiment.budget;
  limit_to_device(root, "sram_kib", budget.sram_bytes, device.sram_budget_bytes(), device);
  limit_to_device(root, "flash_kib", budget.flash_bytes, device.flash_budget_bytes(), device);
  if (budget.energy_mj && device.power_mw == 0) {
    root.find("budget")->fail("energy_mj needs a device with power_mw");
  }
  if (experiment.exporting.console) {
    try {
      deploy::require_console(device, *experiment.exporting.console);
    } catch (const Error& error) {
      root.find("export")->find("console")->fail(error.what());
    }
  }
  experiment.oracle.latency = device.latency_model();
  experiment.oracle.core = device.code_core();
  experiment.quantization.core = device.code_core();
  settle_widths(root, experiment);
  settle_schedule(root, experiment.oracle);
  check_streamed_input(root, experiment);
  if (experiment.dataset) {
    experiment.oracle.application_bytes = application_bytes_for(*experiment.dataset);
  }
  if (experiment.dataset && experiment.oracle.scratch == engine::ScratchPolicy::kOwn) {
    experiment.oracle.staging = input_staging(*experiment.dataset, resolutions_of(experiment));
  }
  experiment.space_optimization.seed = experiment.seed;
  search::EvolutionOptions& evolution = experiment.search.evolution;
  search::FrontOptions& front = experiment.search.front;
  evolution.seed = experiment.seed;
  front.seed = experiment.seed;
  front.sampling = evolution.sampling;
  front.attempts_per_candidate = evolution.attempts_per_candidate;
  return experiment;
}

Experiment load_experiment(const std::string& name, std::span<const std::string> overrides) {
  return load_experiment(load_named_config(name, "experiments"), overrides);
}

Experiment load_experiment(ConfigNode root, std::span<const std::string> overrides) {
  for (const std::string& assignment : overrides) apply_override(root, assignment);
  Experiment experiment = read_experiment(root);
  agree_with_dataset(root, experiment);
  return experiment;
}

}  // namespace mcunet::pipeline
