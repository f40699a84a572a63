#include "experiment.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "feature_code.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/named_field.hpp"
#include "mcunet/deploy/firmware.hpp"
#include "one_network.hpp"
#include "stages.hpp"

namespace mcunet::pipeline {
namespace {

constexpr double kMaxKib = 1 << 20;

// A size that the file gives in KiB and the program keeps in bytes.
void read_kib(const ConfigNode& node, std::int64_t& bytes) {
  double kib = 0;
  read_value(node, kib);
  check_number(node, between(1, kMaxKib));
  bytes = static_cast<std::int64_t>(kib * 1024);
}

ConfigNode write_kib(std::int64_t bytes) { return write_value(static_cast<double>(bytes) / 1024); }

Field kib(std::string key, std::optional<std::int64_t>& bytes) {
  auto read = [&bytes](const ConfigNode& node) {
    bytes.reset();
    if (node.kind != ConfigNode::Kind::kNull) read_kib(node, bytes.emplace());
  };
  return {std::move(key), std::move(read),
          [&bytes] { return bytes ? write_kib(*bytes) : ConfigNode{}; }};
}

Field kib_list(std::string key, std::vector<std::int64_t>& sizes) {
  auto read = [&sizes](const ConfigNode& node) {
    sizes.clear();
    for (const ConfigNode& item : list_items(node, true)) read_kib(item, sizes.emplace_back());
  };
  auto write = [&sizes] {
    ConfigNode node;
    node.kind = ConfigNode::Kind::kSequence;
    for (std::int64_t bytes : sizes) node.items.push_back(write_kib(bytes));
    return node;
  };
  return {std::move(key), std::move(read), std::move(write)};
}

// Frames per second are a limit on the latency; the resolved configuration has that alone.
Field frames_per_second(std::optional<double>& latency_ms) {
  auto read = [&latency_ms](const ConfigNode& node) {
    std::optional<double> fps;
    read_value(node, fps);
    if (!fps) return;
    check_number(node, positive());
    latency_ms = std::min(latency_ms.value_or(1000 / *fps), 1000 / *fps);
  };
  return {"fps", std::move(read), [] { return ConfigNode{}; }};
}

std::vector<Field> fields_of_budget(engine::Budget& budget) {
  return {kib("sram_kib", budget.sram_bytes), kib("flash_kib", budget.flash_bytes),
          field("latency_ms", budget.latency_ms, positive()), frames_per_second(budget.latency_ms),
          field("energy_mj", budget.energy_mj, positive())};
}

Field sampling(search::space::Sampling& value) {
  return choice("sampling", value,
                {{"uniform-genes", search::space::Sampling::kUniformGenes},
                 {"uniform-networks", search::space::Sampling::kUniformNetworks}});
}

void read_objectives(const ConfigNode& node, std::vector<search::Objective>& objectives) {
  using search::Objective;
  objectives.clear();
  for (const ConfigNode& item : list_items(node, false)) {
    std::string name;
    read_value(item, name);
    std::vector<std::string> known;
    for (Objective objective : {Objective::kAccuracy, Objective::kSram, Objective::kFlash,
                                Objective::kMacs, Objective::kLatency, Objective::kEnergy}) {
      known.emplace_back(name_of(objective));
      if (name == known.back()) objectives.push_back(objective);
    }
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      item.fail(fmt::format("must be one of {}, is {}", fmt::join(known, ", "), name));
    }
    const auto same = std::count(objectives.begin(), objectives.end(), objectives.back());
    if (same > 1) item.fail("stands there twice: " + name);
  }
  if (objectives.size() < 2) node.fail("must be at least two");
}

Field objective_list(std::vector<search::Objective>& objectives) {
  auto write = [&objectives] {
    std::vector<std::string> names;
    for (search::Objective objective : objectives) names.emplace_back(name_of(objective));
    return write_value(names);
  };
  return {"objectives", [&](const ConfigNode& node) { read_objectives(node, objectives); }, write};
}

constexpr double kMaxNetworks = 1'000'000;

std::vector<Field> fields_of_search(SearchStageOptions& options) {
  search::EvolutionOptions& evolution = options.evolution;
  search::FrontOptions& front = options.front;
  return {
      field("population", evolution.population, between(1, kMaxNetworks)),
      field("parents", evolution.parents, between(1, kMaxNetworks)),
      field("crossovers", evolution.crossovers, between(0, kMaxNetworks)),
      field("mutations", evolution.mutations, between(1, kMaxNetworks)),
      field("mutation_probability", evolution.mutation_probability, between(1e-6, 1)),
      field("iterations", evolution.iterations, between(0, kMaxNetworks)),
      field("keep_parents", evolution.keep_parents),
      sampling(evolution.sampling),
      field("attempts_per_candidate", evolution.attempts_per_candidate, between(1, kMaxNetworks)),
      field("screening", evolution.screening, between(1, 1000)),
      field("random_baseline", options.random_baseline),
      section("front",
              {objective_list(front.objectives),
               field("population", front.population, between(2, kMaxNetworks)),
               field("iterations", front.iterations, between(0, kMaxNetworks)),
               field("mutation_probability", front.mutation_probability, between(1e-6, 1))}),
      field("threads", options.threads, between(0, 1024)),
      field("devices", options.devices)};
}

template <typename Policies>
auto with_names(const Policies& policies) {
  std::vector<std::pair<std::string, typename Policies::value_type>> names;
  for (const auto policy : policies) names.emplace_back(name_of(policy), policy);
  return names;
}

std::vector<Field> fields_of_engine(engine::OracleOptions& oracle) {
  return {choice("schedule", oracle.schedule, with_names(engine::kSchedulePolicies)),
          choice("scratch", oracle.scratch, with_names(engine::kScratchPolicies)),
          silent(field("stream_input", oracle.pulls_input), !oracle.pulls_input)};
}

std::vector<Field> fields_of_optimizer(search::SpaceOptimizerOptions& options) {
  return {field("widths", options.widths, between(0.01, 8)),
          field("resolutions", options.resolutions, between(16, 1024)),
          field("samples", options.samples, between(1, 10'000'000)),
          sampling(options.sampling),
          field("min_satisfying_share", options.min_satisfying_share, between(0, 1)),
          field("threads", options.threads, between(0, 1024)),
          silent(field("comparison_samples", options.comparison_samples, between(0, 10'000'000)),
                 options.comparison_samples == search::SpaceOptimizerOptions{}.comparison_samples),
          section("sweep", {kib_list("sram_kib", options.sweep_sram_bytes),
                            kib_list("flash_kib", options.sweep_flash_bytes)})};
}

Field optional_dataset(std::optional<datasets::DatasetOptions>& dataset) {
  auto read = [&dataset](const ConfigNode& node) {
    dataset.reset();
    if (node.kind == ConfigNode::Kind::kNull) return;
    read_fields(node, datasets::fields_of(dataset.emplace()));
  };
  auto write = [&dataset] {
    return dataset ? write_fields(datasets::fields_of(*dataset)) : ConfigNode{};
  };
  return {"dataset", std::move(read), std::move(write)};
}

std::vector<Field> fields_of_train(TrainOptions& options) {
  std::vector<Field> fields = {field("width", options.width, between(0.01, 8)),
                               field("resolution", options.resolution, between(16, 1024)),
                               field("elastic_resolutions", options.elastic_resolutions),
                               field("initial_weights", options.initial_weights)};
  for (Field& field : supernet::fields_of(options.trainer)) fields.push_back(std::move(field));
  fields.push_back(field("calibration_batches", options.calibration_batches, between(0, 10'000)));
  fields.push_back(field("correlation_samples", options.correlation_samples, between(0, 100'000)));
  return fields;
}

// "winner" or nothing, or a description, whose values the space decides on.
Field subnet_field(std::optional<std::string>& subnet) {
  auto read = [&subnet](const ConfigNode& node) {
    subnet.reset();
    if (node.kind == ConfigNode::Kind::kMap) {
      subnet = to_json_text(node);
    } else if (node.kind != ConfigNode::Kind::kNull && node.scalar != "winner") {
      node.fail(
          "must be winner, or a sub-network: {width: ..., resolution: ..., depths: ..., kernels: ..., "
          "expand_ratios: ...}");
    }
  };
  auto write = [&subnet] { return subnet ? parse_config(*subnet, "subnet") : ConfigNode{}; };
  return {"subnet", std::move(read), std::move(write)};
}

std::vector<Field> fields_of_finetune(FinetuneOptions& options) {
  return {subnet_field(options.subnet),
          field("epochs", options.epochs, between(0, 100'000)),
          field("learning_rate", options.learning_rate, positive()),
          field("distillation", options.distillation),
          silent(field("augmentation", options.augmentation, between(0, 100)),
                 options.augmentation == 0),
          section("early_stopping",
                  {field("patience", options.early_stopping_patience, between(0, 100'000))}),
          section("quantization_aware",
                  {field("epochs", options.quantization_aware.epochs, between(0, 100'000)),
                   field("learning_rate", options.quantization_aware.learning_rate, positive())})};
}

Field range_method(std::optional<engine::RangeMethod>& method) {
  auto read = [&method](const ConfigNode& node) {
    std::string text;
    read_value(node, text);
    method.reset();
    if (text == "best") return;
    for (engine::RangeMethod known : engine::kRangeMethods) {
      if (text == name_of(known)) method = known;
    }
    if (!method) node.fail("must be one of best, min-max, percentile, mse, is " + text);
  };
  auto write = [&method] { return write_value(std::string(method ? name_of(*method) : "best")); };
  return {"method", std::move(read), std::move(write)};
}

Field bit_width(const char* key, int& bits) {
  auto read = [&bits](const ConfigNode& node) {
    read_value(node, bits);
    if (bits != 8 && bits != 4) node.fail(fmt::format("must be 8 or 4, is {}", bits));
  };
  return {key, std::move(read), [&bits] { return write_value(bits); }};
}

std::vector<Field> fields_of_quantization(QuantizationOptions& options) {
  return {bit_width("weight_bits", options.widths.weights),
          bit_width("activation_bits", options.widths.activations),
          silent(field("keep_first_last", options.keep_first_last), !options.keep_first_last),
          silent(choice("policy", options.policy,
                        {{"uniform", WidthPolicy::kUniform}, {"mixed", WidthPolicy::kMixed}}),
                 options.policy == WidthPolicy::kUniform),
          kib("flash_kib", options.flash_bytes),
          field("calibration_images", options.calibration_images, between(1, 1'000'000)),
          field("selection_images", options.selection_images, between(1, 1'000'000)),
          range_method(options.method)};
}

Field prefix(engine::ModelNames& names) {
  auto read = [&names](const ConfigNode& node) {
    std::string text;
    read_value(node, text);
    try {
      names = engine::ModelNames(text);
      deploy::require_free_names(names);
    } catch (const Error& error) {
      node.fail(error.what());
    }
  };
  return {"prefix", read, [&names] { return write_value(names.prefix()); }};
}

Field console(std::optional<deploy::ConsoleKind>& kind) {
  std::vector<std::pair<std::string, std::optional<deploy::ConsoleKind>>> names = {{"default", {}}};
  for (const auto& [name, meaning] : deploy::console_kinds()) names.emplace_back(name, meaning);
  return silent(choice("console", kind, std::move(names)), !kind);
}

std::vector<Field> fields_of_export(ExportOptions& options) {
  return {field("emulated_examples", options.emulated_examples, between(0, 10'000)),
          field("test_examples", options.test_examples, at_least(1)), prefix(options.names),
          console(options.console),
          choice("memory", options.memory,
                 {{"least", engine::ScratchGrowth::kWithinArena},
                  {"fastest", engine::ScratchGrowth::kWithinBudget}})};
}

std::vector<Field> fields_of_detection(DetectionOptions& options) {
  return {field("boxes_per_cell", options.boxes_per_cell, between(1, 64)),
          section_list("anchors", options.anchors, datasets::fields_of),
          section("loss", supernet::fields_of(options.loss)),
          section("limits", datasets::fields_of(options.limits)),
          section("evaluation", datasets::fields_of(options.evaluation))};
}

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

// The widths of weights that the section leaves open are decided, and agree with the space.
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

std::vector<Field> fields_of(Experiment& experiment) {
  return {required(named("device", "devices", experiment.device, deploy::read_device,
                         deploy::fields_of)),
          required(named("space", "spaces", experiment.space, search::space::read_search_space,
                         search::space::fields_of)),
          field("seed", experiment.seed),
          section("budget", fields_of_budget(experiment.budget)),
          section("engine", fields_of_engine(experiment.oracle)),
          section("space_optimization", fields_of_optimizer(experiment.space_optimization)),
          optional_dataset(experiment.dataset),
          section("train", fields_of_train(experiment.train)),
          section("search", fields_of_search(experiment.search)),
          section("finetune", fields_of_finetune(experiment.finetune)),
          section("quantization", fields_of_quantization(experiment.quantization)),
          section("detection", fields_of_detection(experiment.detection)),
          section("export", fields_of_export(experiment.exporting))};
}

std::vector<std::string> keys_without_influence() {
  std::vector<std::string> keys = {"space_optimization.threads", "search.threads",
                                   "search.devices"};
  for (const std::string& key : supernet::keys_without_influence()) keys.push_back("train." + key);
  return keys;
}

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
