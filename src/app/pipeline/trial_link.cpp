#include "trial_link.hpp"

#include <fmt/format.h>

#include "compile_stage.hpp"
#include "mcunet/core/scratch_folder.hpp"
#include "mcunet/engine/quantization/random_weights.hpp"
#include "mcunet/engine/tflite/writer.hpp"
#include "mcunet/search/subnet_oracle.hpp"

namespace mcunet::pipeline {
namespace {

using deploy::FirmwareReport;
using engine::Resources;
using search::space::SearchSpace;
using search::space::Subnet;

constexpr int kSamples = 100;

bool takes_sound(const Experiment& experiment) {
  return experiment.dataset &&
         datasets::medium_of(experiment.dataset->kind) == datasets::Medium::kSound;
}

struct Trial {
  Subnet subnet;
  Resources planned;
};

Trial choose_trial(const Experiment& experiment, const SearchSpace& space) {
  search::SubnetOracle oracle(experiment.oracle);
  const Subnet smallest = search::space::smallest(space);
  Trial trial{smallest, oracle.measure(space, smallest)};
  for (int i = 0; i < kSamples; ++i) {
    RandomStream random(experiment.seed, {static_cast<std::uint64_t>(i)});
    Trial other{search::space::sample(space, search::space::Sampling::kUniformGenes, random), {}};
    other.planned = oracle.measure(space, other.subnet);
    if (engine::fits(other.planned, experiment.budget) &&
        other.planned.peak_sram_bytes > trial.planned.peak_sram_bytes) {
      trial = other;
    }
  }
  return trial;
}

engine::Graph make_model(const Experiment& experiment, const SearchSpace& space,
                         const Subnet& subnet) {
  RandomStream random(experiment.seed);
  engine::Graph graph = engine::with_random_weights(
      search::lower_for(experiment.oracle, search::space::build_network(space, subnet)), random);
  if (takes_sound(experiment)) {
    engine::edit_info(graph, graph.inputs[0]).quantization = {.scale = 1.0F / 128, .zero_point = 0};
  }
  return graph;
}

// What finds boxes takes memory beside what is planned. Nothing if it is no detector.
std::optional<datasets::Postprocessing> detector_of(const Experiment& experiment,
                                                    const engine::Graph& graph) {
  if (!experiment.dataset || experiment.dataset->targets != datasets::TargetKind::kBoxes) {
    return std::nullopt;
  }
  const engine::Shape& shape = graph.tensors[graph.outputs[0]].shape;
  const auto boxes = static_cast<std::size_t>(experiment.space.boxes_per_cell);
  datasets::Detector detector{.head = {.rows = shape.height,
                                       .columns = shape.width,
                                       .anchors = {boxes, datasets::Anchor{0.5, 0.5}},
                                       .classes = experiment.space.classes},
                              .limits = experiment.detection.limits};
  detector.classes.resize(static_cast<std::size_t>(experiment.space.classes), "object");
  return detector;
}

FirmwareReport link(const Experiment& experiment, const SearchSpace& space, const Subnet& subnet) {
  const ScratchFolder scratch;
  std::optional<datasets::LogMelParameters> spectrogram;
  if (takes_sound(experiment)) {
    spectrogram = datasets::spectrogram_of(*experiment.dataset, subnet.resolution);
  }
  const engine::Graph graph = make_model(experiment, space, subnet);
  const std::filesystem::path model = scratch.path() / engine::model_file_name(graph);
  engine::write_model(graph, model);
  engine::ScheduleOptions schedule = engine::options_of(experiment.oracle.schedule);
  schedule.pulls_input = experiment.oracle.pulls_input;
  const engine::CompileOptions options{.schedule = schedule,
                                       .scratch_growth = engine::ScratchGrowth::kWithinArena,
                                       .sram_budget_bytes = experiment.budget.sram_bytes,
                                       .names = experiment.exporting.names};
  return compile_model(model, experiment.device, options, scratch.path() / "linked", std::nullopt,
                       spectrogram, /*name=*/"", detector_of(experiment, graph))
      .firmware;
}

// What lies in a region beside what is planned does not grow with the network.
void warn_at_limit(const deploy::RegionUse& region, std::int64_t planned, std::int64_t limit,
                   const char* key, std::vector<std::string>& warnings) {
  const std::int64_t excess = limit - planned + region.used_bytes - region.capacity_bytes;
  if (excess <= 0) return;
  std::string warning = fmt::format(
      "a network planned at the limit of {} bytes would need about {} bytes more {} than there are "
      "once it is linked",
      limit, excess, region.name);
  if (limit - excess >= 1024) {
    warning += fmt::format("; {}: {} leaves room for them", key, (limit - excess) / 1024);
  }
  warnings.push_back(std::move(warning));
}

}  // namespace

TrialLink try_to_link(const Experiment& experiment, const SearchSpace& space) {
  const Trial trial = choose_trial(experiment, space);
  const FirmwareReport linked = link(experiment, space, trial.subnet);
  TrialLink result;
  warn_at_limit(linked.regions.at(0), trial.planned.flash_bytes, *experiment.budget.flash_bytes,
                "budget.flash_kib", result.warnings);
  warn_at_limit(linked.regions.at(1), trial.planned.peak_sram_bytes, *experiment.budget.sram_bytes,
                "budget.sram_kib", result.warnings);
  if (linked.fits()) return result;
  const FirmwareReport smallest = link(experiment, space, search::space::smallest(space));
  for (const std::string& excess : deploy::describe_excess(smallest)) {
    result.failures.push_back("the smallest network of the space, once linked, needs " + excess);
  }
  return result;
}

}  // namespace mcunet::pipeline
