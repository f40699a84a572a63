#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/named_config.hpp"
#include "mcunet/core/names.hpp"
#include "mcunet/core/progress.hpp"
#include "mcunet/core/standard_streams.hpp"
#include "mcunet/deploy/cores.hpp"
#include "mcunet/deploy/firmware.hpp"
#include "mcunet/engine/timing/latency_fit.hpp"
#include "pipeline/latency_samples.hpp"
#include "program.hpp"
#include "text_table.hpp"

namespace mcunet::cli {
namespace {

using Json = nlohmann::ordered_json;
using engine::LatencyFit;
using engine::LayerMeasurement;

struct ProfileArguments {
  std::string folder;
  std::string log;
  std::vector<std::string> fit;
  int networks = 0;
  std::string device;
  std::string space = "proxyless";
  std::uint64_t seed = 0;
  std::string out;
  bool json = false;
};

// A file of configs/latency/.
std::string model_text(const LatencyFit& fit, const std::vector<std::string>& files) {
  std::string text = fmt::format(
      "# Cycles per amount of work, by class of layer: mcunet profile --fit {}\n"
      "# Networks held out: {:.1f} % off on average, {:.1f} % at most, of {}.\n"
      "core: {}\nspread: {:.2g}\n",
      on_one_line(fmt::format("{}", fmt::join(files, " "))), 100 * fit.network_error,
      100 * fit.max_network_error, fit.networks, fit.core, fit.spread);
  for (std::size_t layer = 0; layer < engine::kLayerClasses; ++layer) {
    std::vector<std::string> costs;
    for (std::size_t kind = 0; kind < engine::kWorkKinds; ++kind) {
      if (fit.costs[layer][kind] == 0) continue;
      costs.push_back(fmt::format("{}: {:.5g}", name_of(static_cast<engine::WorkKind>(kind)),
                                  fit.costs[layer][kind]));
    }
    text += fmt::format("{}: {{{}}}\n", name_of(static_cast<engine::LayerClass>(layer)),
                        fmt::join(costs, ", "));
  }
  return text;
}

Json to_json(const LatencyFit& fit) {
  Json json = {{"core", fit.core},
               {"spread", fit.spread},
               {"networks", fit.networks},
               {"network_error", fit.network_error},
               {"max_network_error", fit.max_network_error},
               {"classes", Json::array()}};
  for (const engine::FitQuality& quality : fit.classes) {
    json["classes"].push_back({{"layer", name_of(quality.layer)},
                               {"measurements", quality.measurements},
                               {"r2", quality.r2},
                               {"held_out_r2", quality.held_out_r2},
                               {"held_out_error", quality.held_out_error}});
  }
  return json;
}

void print_fit(const LatencyFit& fit) {
  std::vector<std::string> header = {"layers", "measured", "R²", "held out R²", "error %"};
  for (std::size_t kind = 0; kind < engine::kWorkKinds; ++kind) {
    header.push_back(fmt::format("per {}", name_of(static_cast<engine::WorkKind>(kind))));
  }
  TextTable table(header);
  for (const engine::FitQuality& quality : fit.classes) {
    std::vector<std::string> row = {
        std::string(name_of(quality.layer)), std::to_string(quality.measurements),
        fmt::format("{:.4f}", quality.r2), fmt::format("{:.4f}", quality.held_out_r2),
        fmt::format("{:.1f}", 100 * quality.held_out_error)};
    for (double cost : fit.costs[static_cast<std::size_t>(quality.layer)]) {
      row.push_back(cost == 0 ? "-" : fmt::format("{:.4g}", cost));
    }
    table.add_row(row);
  }
  fmt::print("{}\nNetworks held out: {:.1f} % off on average, {:.1f} % at most, of {}\n",
             table.to_string(), 100 * fit.network_error, 100 * fit.max_network_error, fit.networks);
  if (fit.classes.size() < engine::kLayerClasses) {
    fmt::print("Layers that were not measured keep the default costs of an unknown core.\n");
  }
}

int run_fit(const ProfileArguments& arguments) {
  std::vector<LayerMeasurement> measurements;
  for (const std::string& file : arguments.fit) {
    std::vector<LayerMeasurement> of_file = engine::read_measurements(read_file(file), file);
    if (of_file.empty()) throw Error("{}: holds no measurements", file);
    for (LayerMeasurement& m : of_file) {
      try {
        deploy::core_named(m.core);
      } catch (const Error& error) {
        throw Error("{}: {}", file, error.what());
      }
      if (arguments.fit.size() > 1) m.network = file + ":" + m.network;
      measurements.push_back(std::move(m));
    }
  }
  const LatencyFit fit = engine::fit_latency(measurements, engine::LatencyModel::default_costs());
  if (!arguments.out.empty()) {
    write_file_atomically(arguments.out, model_text(fit, arguments.fit));
  }
  if (arguments.json) {
    print_json(to_json(fit));
  } else {
    print_fit(fit);
  }
  return kDone;
}

int report_measurements(const std::vector<LayerMeasurement>& measurements, const char* made_how,
                        const ProfileArguments& arguments) {
  double sum = 0;
  for (const LayerMeasurement& m : measurements) sum += m.cycles();
  write_file_atomically(arguments.out, fmt::format("# {}\n", on_one_line(made_how)) +
                                           write_measurements(measurements));
  if (arguments.json) {
    print_json({{"measurements", measurements.size()}, {"sum", sum}});
  } else {
    fmt::print("{} layers, {:.0f} cycles together: {}\nNext: mcunet profile --fit {}\n",
               measurements.size(), sum, arguments.out, arguments.out);
  }
  return kDone;
}

int run_sample(const ProfileArguments& arguments) {
  const deploy::Device device = deploy::load_device(arguments.device);
  const search::space::SearchSpace space =
      search::space::read_search_space(load_named_config(arguments.space, "spaces"));
  Progress progress("Measuring", arguments.networks, "networks");
  const std::vector<LayerMeasurement> measurements = pipeline::sample_cycles(
      space, device, {.networks = arguments.networks, .seed = arguments.seed},
      [&] { progress.advance(); });
  const std::string how = fmt::format(
      "Estimated cycles of layers on a {}: "
      "mcunet profile --sample {} --device {} --space {} --seed {}",
      device.core, arguments.networks, arguments.device, arguments.space, arguments.seed);
  return report_measurements(measurements, how.c_str(), arguments);
}

int run_log(const ProfileArguments& arguments) {
  const std::vector<engine::LayerShape> layers = pipeline::step_layers(arguments.folder);
  const std::vector<std::int64_t> cycles = pipeline::parse_cycle_log(
      read_file(arguments.log), static_cast<int>(layers.size()), arguments.log);
  const std::string name = deploy::read_model_description(arguments.folder).name;
  const deploy::Device device = deploy::read_project_device(arguments.folder);
  std::vector<LayerMeasurement> measurements;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto measured = static_cast<double>(cycles[i]);
    measurements.push_back({.core = device.core,
                            .network = name,
                            .layer = layers[i],
                            .low = measured,
                            .high = measured});
  }
  const std::string how =
      fmt::format("Cycles of layers on a board with {}: mcunet profile {} --log {}", device.name,
                  arguments.folder, arguments.log);
  return report_measurements(measurements, how.c_str(), arguments);
}

int run_firmware(const ProfileArguments& arguments) {
  const deploy::Device device = deploy::read_project_device(arguments.folder);
  const deploy::FirmwareReport report = deploy::link_profiling_firmware(arguments.folder, device);
  for (const std::string& excess : describe_excess(report)) {
    say("mcunet: does not fit {}: {}\n", device.name, excess);
  }
  if (!report.fits()) return kDoesNotFit;
  if (arguments.json) {
    print_json({{"elf", report.elf.string()}, {"bin", report.bin.string()}});
  } else {
    fmt::print(
        "{}\nWrite it to the board, keep what its console prints, and read that:\n"
        "  mcunet profile {} --log FILE --out cycles.csv\n",
        report.bin.string(), arguments.folder);
  }
  return kDone;
}

int run_profile(const ProfileArguments& arguments) {
  const bool needs_out = arguments.networks > 0 || !arguments.log.empty();
  if (needs_out && arguments.out.empty()) throw Error("--out: says where measurements go");
  if (!arguments.out.empty()) require_replaceable_file(arguments.out);
  if (!arguments.fit.empty()) return run_fit(arguments);
  if (arguments.networks > 0) {
    if (arguments.device.empty()) throw Error("--sample: needs --device, for its core");
    return run_sample(arguments);
  }
  if (arguments.folder.empty()) throw Error("profile: needs DIR, --sample or --fit");
  return arguments.log.empty() ? run_firmware(arguments) : run_log(arguments);
}

}  // namespace

void add_profile_command(CLI::App& program, Run& run) {
  auto arguments = std::make_shared<ProfileArguments>();
  CLI::App* command =
      program.add_subcommand("profile", "Measure layers and fit a latency model to them");
  command->footer(
      "Layers are measured on a board, in cycles:\n\n"
      "  mcunet profile out/                               # firmware that prints cycles per step\n"
      "  mcunet profile out/ --log console.txt --out cycles.csv\n\n"
      "or estimated on an emulated core, whose memory never waits:\n\n"
      "  mcunet profile --sample 24 --device stm32f746 --out cortex-m7.csv\n\n"
      "A model of either is what `latency` names in the device's description, as a file or as a\n"
      "name in configs/latency/. One of a board knows its memory: it goes with\n"
      "`memory_stalls: 0`:\n\n"
      "  mcunet profile --fit cycles.csv --out my-board.yaml");
  command->add_option("DIR", arguments->folder, "Folder that mcunet compile wrote");
  auto* log = command->add_option("--log", arguments->log, "What the board's console printed");
  auto* sample = command
                     ->add_option("--sample", arguments->networks,
                                  "Estimate so many random networks on an emulated core")
                     ->check(CLI::Range(1, 10'000));
  auto* fit = command->add_option("--fit", arguments->fit, "Measurements to fit a model to");
  log->excludes(sample)->excludes(fit);
  sample->excludes(fit);
  command->add_option("--device", arguments->device, "Device whose core --sample emulates");
  command->add_option("--space", arguments->space, "Search space of half of the random networks")
      ->capture_default_str();
  command->add_option("--seed", arguments->seed, "Of the random networks")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("-o,--out", arguments->out, "File for measurements, or for the model");
  command->add_flag("--json", arguments->json, "Print one JSON object and nothing else");
  command->callback([arguments, &run] { run = [arguments] { return run_profile(*arguments); }; });
}

}  // namespace mcunet::cli
