// The keys of an experiment's YAML, with what each may be.
#include <fmt/ranges.h>

#include <algorithm>

#include "experiment.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/named_field.hpp"
#include "mcunet/deploy/firmware.hpp"

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

}  // namespace mcunet::pipeline
