#include "pipeline/experiment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"

namespace mcunet::pipeline {
namespace {

using engine::SchedulePolicy;
using engine::ScratchPolicy;
using search::space::Sampling;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::int64_t kKib = 1024;

class ExperimentTest : public testing::Test {
 protected:
  static Experiment read(const std::string& yaml) {
    return read_experiment(parse_config(yaml, "x.yaml"));
  }
  static std::string read_error(const std::string& yaml) {
    return error_of([&] { read(yaml); });
  }
  // The text with a device and a space before it, which takes two lines.
  static Experiment read_rest(const std::string& yaml) {
    return read("device: stm32f746\nspace: proxyless\n" + yaml);
  }
  static std::string rest_error(const std::string& yaml) {
    return error_of([&] { read_rest(yaml); });
  }

  ScopedVariable configs_{"MCUNET_CONFIGS", MCUNET_SOURCE_DIR "/configs"};
};

TEST_F(ExperimentTest, ShippedExperimentsLoad) {
  for (const std::string name : {"stm32f412", "stm32f746", "stm32f765", "stm32h743"}) {
    const Experiment experiment = load_experiment(name, {});
    EXPECT_EQ(experiment.device.name, name);
    EXPECT_EQ(experiment.space.name, "proxyless");
    EXPECT_EQ(experiment.space_optimization.widths.size(), 9u);
    EXPECT_EQ(experiment.space_optimization.resolutions.size(), 12u);
    EXPECT_EQ(experiment.space_optimization.samples, 1000);
    EXPECT_EQ(experiment.budget.sram_bytes, experiment.device.sram_budget_bytes());
    EXPECT_EQ(experiment.budget.flash_bytes, experiment.device.flash_budget_bytes());
  }
}

TEST_F(ExperimentTest, DefaultsAreThoseOfThePaper) {
  const Experiment experiment = read_rest("");
  EXPECT_EQ(experiment.seed, 0u);
  EXPECT_EQ(experiment.oracle.schedule, SchedulePolicy::kInPlace);
  EXPECT_EQ(experiment.oracle.scratch, ScratchPolicy::kOwn) << "as what is linked";
  EXPECT_EQ(experiment.budget.latency_ms, std::nullopt);
  const search::SpaceOptimizerOptions& options = experiment.space_optimization;
  EXPECT_THAT(options.widths, ElementsAre(0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0));
  EXPECT_THAT(options.resolutions,
              ElementsAre(48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224));
  EXPECT_EQ(options.sampling, Sampling::kUniformGenes);
  EXPECT_THAT(options.sweep_sram_bytes,
              ElementsAre(192 * kKib, 256 * kKib, 320 * kKib, 384 * kKib, 448 * kKib, 512 * kKib));
  EXPECT_THAT(options.sweep_flash_bytes,
              ElementsAre(512 * kKib, 1024 * kKib, 1536 * kKib, 2048 * kKib));
}

TEST_F(ExperimentTest, TheOracleTakesTheDevicesLatencyModel) {
  const Experiment experiment = read_rest("");
  EXPECT_EQ(experiment.oracle.latency.clock_mhz, 216);
  EXPECT_EQ(experiment.oracle.latency.memory_stalls, experiment.device.memory_stalls);
  EXPECT_EQ(experiment.oracle.latency.costs, experiment.device.latency.costs);
  EXPECT_EQ(experiment.oracle.latency.power_mw, 155);
}

TEST_F(ExperimentTest, TheSeedReachesTheOptimizer) {
  EXPECT_EQ(read_rest("seed: 17\n").space_optimization.seed, 17u);
}

TEST_F(ExperimentTest, TheFilesBudgetComesBeforeTheDevices) {
  const Experiment experiment =
      read_rest("budget: {sram_kib: 100.5, latency_ms: 200, energy_mj: 3}\n");
  EXPECT_EQ(experiment.budget.sram_bytes, 102'912);
  EXPECT_EQ(experiment.budget.flash_bytes, experiment.device.flash_budget_bytes());
  EXPECT_EQ(experiment.budget.latency_ms, 200);
  EXPECT_EQ(experiment.budget.energy_mj, 3);
}

TEST_F(ExperimentTest, FramesPerSecondLimitTheLatency) {
  EXPECT_EQ(read_rest("budget: {fps: 5}\n").budget.latency_ms, 200);
  EXPECT_EQ(read_rest("budget: {fps: 5, latency_ms: 100}\n").budget.latency_ms, 100);
  EXPECT_EQ(read_rest("budget: {fps: 20, latency_ms: 100}\n").budget.latency_ms, 50);
  EXPECT_EQ(rest_error("budget: {fps: 0}\n"), "x.yaml:3: budget.fps: must be greater than 0, is 0");
}

TEST_F(ExperimentTest, TheSearchSectionIsRead) {
  const Experiment defaults = read_rest("");
  EXPECT_EQ(defaults.search.evolution.population, 100);
  EXPECT_EQ(defaults.search.evolution.parents, 20);
  EXPECT_EQ(defaults.search.evolution.crossovers, 50);
  EXPECT_EQ(defaults.search.evolution.mutations, 50);
  EXPECT_EQ(defaults.search.evolution.mutation_probability, 0.1);
  EXPECT_EQ(defaults.search.evolution.iterations, 30);
  const Experiment experiment = read_rest(
      "seed: 7\n"
      "search: {population: 30, sampling: uniform-networks, "
      "front: {objectives: [accuracy, flash], iterations: 4}}\n");
  EXPECT_EQ(experiment.search.evolution.population, 30);
  EXPECT_EQ(experiment.search.evolution.seed, 7u);
  EXPECT_EQ(experiment.search.front.seed, 7u);
  EXPECT_EQ(experiment.search.front.sampling, search::space::Sampling::kUniformNetworks);
  EXPECT_EQ(experiment.search.front.objectives,
            (std::vector{search::Objective::kAccuracy, search::Objective::kFlash}));
  EXPECT_EQ(rest_error("search: {front: {objectives: [accuracy]}}\n"),
            "x.yaml:3: search.front.objectives: must be at least two");
  EXPECT_EQ(rest_error("search: {front: {objectives: [accuracy, ram]}}\n"),
            "x.yaml:3: search.front.objectives[1]: must be one of accuracy, "
            "sram, flash, macs, latency, energy, is ram");
  EXPECT_EQ(rest_error("search: {mutations: 0}\n"),
            "x.yaml:3: search.mutations: must be between 1 and 1000000, is 0");
}

TEST_F(ExperimentTest, SearchDevicesAreAList) {
  EXPECT_THAT(read_rest("").search.devices, ElementsAre());
  EXPECT_THAT(read_rest("search: {devices: [cuda:0, cuda:1]}\n").search.devices,
              ElementsAre("cuda:0", "cuda:1"));
  EXPECT_EQ(rest_error("search: {devices: cpu}\n"),
            "x.yaml:3: search.devices: must be a list, is cpu");
}

// Each of them is a key that there is.
TEST_F(ExperimentTest, KeysWithoutInfluenceAreKeys) {
  Experiment experiment = read_rest("");
  const ConfigNode whole = write_fields(fields_of(experiment));
  const std::vector<std::string> keys = keys_without_influence();
  EXPECT_THAT(keys, testing::IsSupersetOf({"train.device", "train.threads", "search.devices"}));
  for (const std::string& key : keys) {
    ConfigNode config = whole;
    erase_key(config, key);
    EXPECT_NE(to_json_text(config), to_json_text(whole)) << key;
  }
}

TEST_F(ExperimentTest, TheSectionsAfterTheSearchAreRead) {
  const Experiment defaults = read_rest("");
  EXPECT_EQ(defaults.finetune.subnet, std::nullopt);
  EXPECT_EQ(defaults.finetune.epochs, 30);
  EXPECT_EQ(defaults.finetune.learning_rate, 0.01);
  EXPECT_FALSE(defaults.finetune.distillation);
  EXPECT_EQ(defaults.finetune.quantization_aware.epochs, 0);
  EXPECT_EQ(defaults.finetune.quantization_aware.learning_rate, std::nullopt);
  EXPECT_EQ(defaults.quantization.widths.weights, 8);
  EXPECT_EQ(defaults.oracle.widths.weights, 8);
  EXPECT_EQ(defaults.quantization.calibration_images, 512);
  EXPECT_EQ(defaults.quantization.selection_images, 1000);
  EXPECT_EQ(defaults.quantization.method, std::nullopt);
  EXPECT_EQ(defaults.exporting.emulated_examples, 8);
  EXPECT_EQ(defaults.exporting.test_examples, std::nullopt);
  EXPECT_EQ(defaults.exporting.names.prefix(), "model");
  EXPECT_EQ(defaults.exporting.console, std::nullopt);
  EXPECT_EQ(defaults.exporting.memory, engine::ScratchGrowth::kWithinBudget);
  Experiment experiment = read_rest(
      "finetune: {epochs: 3, learning_rate: 0.2, distillation: true, subnet: {depths: [2]},\n"
      "  quantization_aware: {epochs: 2, learning_rate: 0.005}}\n"
      "quantization: {weight_bits: 4, activation_bits: 4, calibration_images: 7,\n"
      "  selection_images: 9, method: percentile}\n"
      "export: {emulated_examples: 0, test_examples: 50, prefix: digits, memory: least,\n"
      "  console: live}\n");
  EXPECT_EQ(nlohmann::json::parse(experiment.finetune.subnet.value()),
            nlohmann::json::parse(R"({"depths": [2]})"));
  EXPECT_EQ(experiment.finetune.epochs, 3);
  EXPECT_EQ(experiment.finetune.learning_rate, 0.2);
  EXPECT_TRUE(experiment.finetune.distillation);
  EXPECT_EQ(experiment.finetune.quantization_aware.epochs, 2);
  EXPECT_EQ(experiment.finetune.quantization_aware.learning_rate, 0.005);
  EXPECT_EQ(experiment.quantization.widths.weights, 4);
  EXPECT_EQ(experiment.oracle.widths, (engine::BitWidths{.weights = 4, .activations = 4}));
  EXPECT_EQ(experiment.quantization.calibration_images, 7);
  EXPECT_EQ(experiment.quantization.selection_images, 9);
  EXPECT_EQ(experiment.quantization.method, engine::RangeMethod::kPercentile);
  EXPECT_EQ(experiment.exporting.emulated_examples, 0);
  EXPECT_EQ(experiment.exporting.test_examples, 50);
  EXPECT_EQ(experiment.exporting.names.prefix(), "digits");
  EXPECT_EQ(experiment.exporting.memory, engine::ScratchGrowth::kWithinArena);
  EXPECT_EQ(experiment.exporting.console, deploy::ConsoleKind::kLive);
  const std::string text = to_json_text(write_fields(fields_of(experiment)));
  Experiment copy = read_experiment(parse_config(text, "manifest.json"));
  EXPECT_EQ(to_json_text(write_fields(fields_of(copy))), text);
  EXPECT_EQ(copy.quantization.method, engine::RangeMethod::kPercentile);
  EXPECT_EQ(copy.oracle.widths, experiment.oracle.widths);
  EXPECT_EQ(read_rest("quantization: {method: best}\n").quantization.method, std::nullopt);
}

TEST_F(ExperimentTest, TheSectionsAfterTheSearchRefuseBadValues) {
  EXPECT_EQ(rest_error("finetune: {epochs: -1}\n"),
            "x.yaml:3: finetune.epochs: must be between 0 and 100000, is -1");
  EXPECT_EQ(rest_error("finetune: {learning_rate: 0}\n"),
            "x.yaml:3: finetune.learning_rate: must be greater than 0, is 0");
  EXPECT_EQ(rest_error("finetune: {epoch: 3}\n"),
            "x.yaml:3: finetune.epoch: is no known key; did you mean epochs?");
  EXPECT_EQ(rest_error("finetune: {quantization_aware: {epochs: -1}}\n"),
            "x.yaml:3: finetune.quantization_aware.epochs: must be between 0 and 100000, is -1");
  EXPECT_EQ(rest_error("finetune: {quantization_aware: {learning_rate: 0}}\n"),
            "x.yaml:3: finetune.quantization_aware.learning_rate: must be greater than 0, is 0");
  EXPECT_EQ(rest_error("finetune: {quantization_aware: {epoch: 1}}\n"),
            "x.yaml:3: finetune.quantization_aware.epoch: is no known key; did you mean epochs?");
  EXPECT_EQ(
      rest_error("quantization: {method: luck}\n"),
      "x.yaml:3: quantization.method: must be one of best, min-max, percentile, mse, is luck");
  EXPECT_EQ(rest_error("quantization: {weight_bits: 5}\n"),
            "x.yaml:3: quantization.weight_bits: must be 8 or 4, is 5");
  EXPECT_THAT(rest_error("quantization: {weight_bits: four}\n"),
              StartsWith("x.yaml:3: quantization.weight_bits: "));
  EXPECT_EQ(rest_error("quantization: {activation_bits: 2}\n"),
            "x.yaml:3: quantization.activation_bits: must be 8 or 4, is 2");
  EXPECT_EQ(rest_error("quantization: {calibration_images: 0}\n"),
            "x.yaml:3: quantization.calibration_images: must be between 1 and 1000000, is 0");
  EXPECT_EQ(rest_error("export: {emulated_examples: -1}\n"),
            "x.yaml:3: export.emulated_examples: must be between 0 and 10000, is -1");
  EXPECT_EQ(rest_error("export: {prefix: while}\n"),
            "x.yaml:3: export.prefix: \"while\" is a keyword of C; choose another prefix");
  EXPECT_EQ(
      rest_error("export: {prefix: console}\n"),
      "x.yaml:3: export.prefix: \"console\" is in use by the firmware; choose another prefix");
  EXPECT_EQ(rest_error("export: {memory: most}\n"),
            "x.yaml:3: export.memory: must be one of least, fastest, is most");
  EXPECT_EQ(rest_error("export: {test_examples: 0}\n"),
            "x.yaml:3: export.test_examples: must be at least 1, is 0");
}

TEST_F(ExperimentTest, WidthsMayDifferFromLayerToLayer) {
  Experiment experiment = read_rest(
      "quantization: {weight_bits: 4, keep_first_last: true, policy: mixed, flash_kib: 100}\n");
  EXPECT_TRUE(experiment.quantization.keep_first_last);
  EXPECT_TRUE(experiment.oracle.keep_first_last);
  EXPECT_EQ(experiment.quantization.policy, WidthPolicy::kMixed);
  EXPECT_EQ(experiment.quantization.flash_bytes, 100 * kKib);
  const std::string text = to_json_text(write_fields(fields_of(experiment)));
  Experiment copy = read_experiment(parse_config(text, "manifest.json"));
  EXPECT_EQ(to_json_text(write_fields(fields_of(copy))), text);
  EXPECT_TRUE(copy.oracle.keep_first_last);
  const Experiment bounded = read_rest("quantization: {weight_bits: 4, policy: mixed}\n");
  EXPECT_EQ(bounded.quantization.flash_bytes, bounded.budget.flash_bytes);

  // Runs of before these keys were known go on.
  Experiment plain = read_rest("quantization: {policy: uniform, keep_first_last: false}\n");
  const ConfigNode written = write_fields(fields_of(plain));
  ConfigNode before = written;
  for (const char* key : {"policy", "keep_first_last", "flash_kib"}) {
    erase_key(before, std::string("quantization.") + key);
  }
  EXPECT_EQ(first_difference(before, written), "");
}

TEST_F(ExperimentTest, WidthsThatContradictEachOtherAreRefused) {
  EXPECT_EQ(rest_error("quantization: {policy: some}\n"),
            "x.yaml:3: quantization.policy: must be one of uniform, mixed, is some");
  EXPECT_EQ(rest_error("quantization: {policy: mixed}\n"),
            "x.yaml:3: quantization.policy: mixed widens some layers of a network that fits with "
            "weight_bits: 4, which must be stated");
  EXPECT_EQ(
      rest_error("quantization: {flash_kib: 100}\n"),
      "x.yaml:3: quantization.flash_kib: is for the policy mixed; budget.flash_kib is the job's");
  EXPECT_EQ(rest_error("budget: {flash_kib: 90}\n"
                       "quantization: {weight_bits: 4, policy: mixed, flash_kib: 100}\n"),
            "x.yaml:4: quantization.flash_kib: is 100, but the job has 90");
  EXPECT_EQ(read_error("device: stm32f746\n"
                       "space: {extends: proxyless, elastic_weight_bits: [4, 8]}\n"
                       "quantization: {weight_bits: 4, policy: mixed}\n"),
            "x.yaml:3: quantization.policy: mixed would choose again what the search chooses in a "
            "space with elastic_weight_bits");
}

TEST_F(ExperimentTest, ASpaceMayExtendANamedOne) {
  const Experiment experiment = read(
      "device: stm32f746\nspace: {extends: proxyless, elastic_weight_bits: [4, 8], stem_channels: 8}\n");
  EXPECT_EQ(experiment.space.name, "proxyless");
  EXPECT_EQ(experiment.space.stem_channels, 8);
  EXPECT_EQ(experiment.space.stages.size(), 6u);
  EXPECT_EQ(experiment.space.stages[5].weight_bits, (std::vector<int>{4, 8}));
}

TEST_F(ExperimentTest, OverridesApply) {
  const std::vector<std::string> overrides = {"device=stm32f412", "space_optimization.samples=5",
                                              "space_optimization.sampling=uniform-networks",
                                              "engine.scratch=own",
                                              "space_optimization.sweep.sram_kib=[64]"};
  const Experiment experiment = load_experiment("stm32f746", overrides);
  EXPECT_EQ(experiment.device.name, "stm32f412");
  EXPECT_EQ(experiment.space_optimization.samples, 5);
  EXPECT_EQ(experiment.space_optimization.sampling, Sampling::kUniformNetworks);
  EXPECT_EQ(experiment.oracle.scratch, ScratchPolicy::kOwn);
  EXPECT_THAT(experiment.space_optimization.sweep_sram_bytes, ElementsAre(64 * kKib));
}

TEST_F(ExperimentTest, TheScheduleOfTheBaselinesComesWithItsScratch) {
  for (const char* rest : {"engine: {schedule: tflm}\n", "engine: {scratch: tflm}\n",
                           "engine: {schedule: op-by-op, scratch: tflm}\n"}) {
    const engine::OracleOptions oracle = read_rest(rest).oracle;
    EXPECT_EQ(oracle.schedule, SchedulePolicy::kTflm) << rest;
    EXPECT_EQ(oracle.scratch, ScratchPolicy::kTflm) << rest;
  }
  EXPECT_EQ(rest_error("engine: {schedule: tflm, scratch: own}\n"),
            "x.yaml:3: engine.scratch: must be tflm, or left out, of the schedule tflm, is own");
  EXPECT_EQ(
      rest_error("engine: {schedule: in-place, scratch: tflm}\n"),
      "x.yaml:3: engine.schedule: must be tflm or op-by-op where scratch is tflm, is in-place");
}

TEST_F(ExperimentTest, AnInputMayComeInRows) {
  const Experiment experiment = read_rest("engine: {schedule: streaming, stream_input: true}\n");
  EXPECT_TRUE(experiment.oracle.pulls_input);
  EXPECT_EQ(rest_error("engine: {stream_input: true}\n"),
            "x.yaml:3: engine.stream_input: is for the schedule streaming");
  EXPECT_THAT(error_of([&] {
                load_experiment("spoken_digits",
                                std::vector<std::string>{"engine.schedule=streaming",
                                                         "engine.stream_input=true"});
              }),
              HasSubstr("engine.stream_input: is for images"));
}

TEST_F(ExperimentTest, DeviceAndSpaceMayBeFilesOrWrittenOut) {
  const TemporaryFolder folder;
  const auto space = folder.write("space.yaml", "name: mine\nstages: [{channels: 24}]\n");
  const Experiment experiment = read(
      "device:\n  name: board\n  core: cortex-m4\n  clock_mhz: 100\n"
      "  flash: {origin: 0, size_kib: 64}\n  sram_banks: [{name: A, origin: 0x20000000, size_kib: 16}]\n"
      "  arena_banks: [A]\n  latency: cortex-m4\n"
      "space: " +
      space.string() + "\n");
  EXPECT_EQ(experiment.device.name, "board");
  EXPECT_EQ(experiment.budget.sram_bytes, 16 * kKib);
  EXPECT_EQ(experiment.space.name, "mine");
}

// Table 4 of the paper.
TEST_F(ExperimentTest, FourBitJobsAreShippedForEachDevice) {
  for (const char* device : {"stm32f412", "stm32f746", "stm32f765", "stm32h743"}) {
    const Experiment experiment = load_experiment(std::string(device) + "_int4", {});
    EXPECT_EQ(experiment.device.name, device);
    EXPECT_EQ(experiment.budget.flash_bytes, experiment.device.flash_budget_bytes());
    EXPECT_EQ(experiment.oracle.widths, (engine::BitWidths{4, 4}));
    EXPECT_EQ(experiment.finetune.quantization_aware.epochs, 25);
    EXPECT_EQ(experiment.train.trainer.largest_epochs, 150) << "the rest is that of imagenet";
  }
}

TEST_F(ExperimentTest, ErrorsInNamedFilesNameThoseFiles) {
  const TemporaryFolder folder;
  const auto space = folder.write("space.yaml", "name: mine\nstages:\n- {channels: 0}\n");
  EXPECT_EQ(read_error("device: stm32f746\nspace: " + space.string() + "\n"),
            space.string() + ":3: stages[0].channels: must be between 1 and 4096, is 0");
  EXPECT_THAT(
      read_error("device: stm32f747\nspace: proxyless\n"),
      StartsWith(
          "x.yaml:1: device: stm32f747: is no file and no name in configs/devices; did you mean "));
}

TEST_F(ExperimentTest, RefusesBadValues) {
  EXPECT_EQ(read_error("space: proxyless\n"), "x.yaml:1: lacks the key device");
  EXPECT_EQ(rest_error("sead: 1\n"), "x.yaml:3: sead: is no known key; did you mean seed?");
  EXPECT_EQ(rest_error("space_optimization: {samples: 0}\n"),
            "x.yaml:3: space_optimization.samples: must be between 1 and 10000000, is 0");
  EXPECT_EQ(rest_error("space_optimization: {widths: []}\n"),
            "x.yaml:3: space_optimization.widths: must not be empty");
  EXPECT_EQ(rest_error("space_optimization: {resolutions: [48, 8]}\n"),
            "x.yaml:3: space_optimization.resolutions[1]: must be between 16 and 1024, is 8");
  EXPECT_EQ(rest_error("space_optimization: {min_satisfying_share: 1.5}\n"),
            "x.yaml:3: space_optimization.min_satisfying_share: must be between 0 and 1, is 1.5");
  EXPECT_EQ(
      rest_error("engine: {schedule: fastest}\n"),
      "x.yaml:3: engine.schedule: must be one of tflm, op-by-op, in-place, streaming, is fastest");
  EXPECT_EQ(rest_error("budget: {sram_kib: 0}\n"),
            "x.yaml:3: budget.sram_kib: must be between 1 and 1048576, is 0");
  EXPECT_EQ(rest_error("budget: {latency_ms: 0}\n"),
            "x.yaml:3: budget.latency_ms: must be greater than 0, is 0");
  EXPECT_EQ(rest_error("seed: -1\n"), "x.yaml:3: seed: is out of range: -1");
}

TEST_F(ExperimentTest, RefusesLimitsThatTheDeviceDoesNotHave) {
  EXPECT_EQ(
      rest_error("budget: {sram_kib: 312.5}\n"),
      "x.yaml:3: budget.sram_kib: is 312.5, but stm32f746 leaves 312 for a network, after what "
      "it reserves");
  EXPECT_EQ(
      rest_error("budget: {sram_kib: 312, flash_kib: 1024}\n"),
      "x.yaml:3: budget.flash_kib: is 1024, but stm32f746 leaves 992 for a network, after what "
      "it reserves");
  EXPECT_EQ(read_rest("budget: {sram_kib: 312, flash_kib: 992}\n").budget.flash_bytes, 992 * kKib);
}

TEST_F(ExperimentTest, SeriesMakeTheSpaceALine) {
  const Experiment motion = load_experiment("motion", {});
  EXPECT_EQ(motion.space.form, search::space::Form::kLine);
  EXPECT_EQ(motion.space.image_channels, 3);
  EXPECT_THAT(motion.space_optimization.resolutions, ElementsAre(32, 64, 128));
  const auto loaded = [](const std::string& assignment) {
    const std::string overrides[] = {assignment};
    return load_experiment("motion", overrides);
  };
  EXPECT_THAT(loaded("dataset.series.window=90").space_optimization.resolutions,
              ElementsAre(45, 90));
  EXPECT_THAT(loaded("space_optimization.resolutions=[16]").space_optimization.resolutions,
              ElementsAre(16));
  EXPECT_EQ(error_of([&] { loaded("dataset.series.window=1031"); }),
            "space_optimization.resolutions: must be stated, each a divisor of the window of 1031 "
            "rows");
  EXPECT_THAT(error_of([&] { loaded("space_optimization.resolutions=[32, 48]"); }),
              HasSubstr("resolutions: must divide the window of 128 rows, one is 48"));
  EXPECT_THAT(error_of([&] { loaded("train.elastic_resolutions=[48]"); }),
              HasSubstr("elastic_resolutions: must divide the window of 128 rows, one is 48"));
  EXPECT_THAT(error_of([&] { loaded("train.resolution=96"); }),
              HasSubstr("train.resolution: must divide the window of 128 rows, one is 96"));
  const std::string line[] = {"space.form=line"};
  EXPECT_THAT(error_of([&] { load_experiment("quickstart", line); }),
              HasSubstr("form: must be square for this kind of dataset"));
  EXPECT_EQ(load_experiment("quickstart", {}).space.form, search::space::Form::kSquare);
}

TEST_F(ExperimentTest, AnEnergyLimitNeedsADeviceWithPower) {
  const Experiment f746 = read_rest("");
  Experiment copy = f746;
  copy.device.power_mw = 0;
  copy.budget.energy_mj = 1;
  const std::string text = to_json_text(write_fields(fields_of(copy)));
  EXPECT_THAT(error_of([&] { read_experiment(parse_config(text, "x.json")); }),
              EndsWith("budget: energy_mj needs a device with power_mw"));
}

TEST_F(ExperimentTest, TheResolvedConfigurationRoundTrips) {
  Experiment experiment = read_rest(
      "seed: 3\n"
      "budget: {sram_kib: 100.5, latency_ms: 12.25}\n"
      "engine: {schedule: op-by-op, scratch: own}\n"
      "space_optimization:\n"
      "  widths: {from: 0.2, to: 0.4, step: 0.1}\n"
      "  sampling: uniform-networks\n"
      "  sweep: {sram_kib: [64.25], flash_kib: []}\n");
  const std::string text = to_json_text(write_fields(fields_of(experiment)));
  Experiment copy = read_experiment(parse_config(text, "manifest.json"));
  EXPECT_EQ(to_json_text(write_fields(fields_of(copy))), text);
  EXPECT_EQ(copy.budget.sram_bytes, experiment.budget.sram_bytes);
  EXPECT_EQ(copy.budget.energy_mj, std::nullopt);
  EXPECT_EQ(copy.device.sram_budget_bytes(), experiment.device.sram_budget_bytes());
  EXPECT_EQ(copy.oracle.schedule, SchedulePolicy::kOpByOp);
  EXPECT_EQ(copy.oracle.latency.clock_mhz, experiment.oracle.latency.clock_mhz);
  EXPECT_EQ(copy.space.stages.size(), experiment.space.stages.size());
  EXPECT_EQ(copy.space_optimization.seed, 3u);
  EXPECT_THAT(copy.space_optimization.widths, ElementsAre(0.2, 0.3, 0.4));
  EXPECT_THAT(copy.space_optimization.sweep_sram_bytes, ElementsAre(65'792));
  EXPECT_THAT(copy.space_optimization.sweep_flash_bytes, ElementsAre());
}

TEST_F(ExperimentTest, TheResolvedConfigurationOfEveryShippedExperimentRoundTrips) {
  for (const std::string name : {"stm32f412", "stm32f746", "stm32f765", "stm32h743"}) {
    Experiment experiment = load_experiment(name, {});
    const std::string text = to_json_text(write_fields(fields_of(experiment)));
    Experiment copy = read_experiment(parse_config(text, "manifest.json"));
    EXPECT_EQ(to_json_text(write_fields(fields_of(copy))), text) << name;
  }
}

}  // namespace
}  // namespace mcunet::pipeline
