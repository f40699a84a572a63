#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "commands.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/scratch_folder.hpp"
#include "mcunet/core/standard_streams.hpp"
#include "mcunet/deploy/device.hpp"
#include "mcunet/engine/planning/plan_validator.hpp"
#include "mcunet/engine/planning/resources.hpp"
#include "memory_option.hpp"
#include "number_range.hpp"
#include "pipeline/compile_stage.hpp"
#include "pipeline/network_source.hpp"
#include "program.hpp"
#include "report/plan_explanation.hpp"
#include "report/plan_report.hpp"
#include "report/plot.hpp"
#include "schedule_option.hpp"
#include "text_table.hpp"

namespace mcunet::cli {
namespace {

using Json = nlohmann::ordered_json;
using engine::Resources;
using pipeline::CompileResult;
using report::StepUse;

struct PlanArguments {
  pipeline::NetworkSource source;
  std::string device;
  std::string out;
  engine::SchedulePolicy schedule = engine::SchedulePolicy::kInPlace;
  engine::ScratchPolicy scratch = engine::ScratchPolicy::kTinyEngine;
  engine::ScratchGrowth memory = engine::ScratchGrowth::kWithinBudget;
  StreamingArguments streaming;
  bool explain = false;
  bool json = false;
};

// The firmware of a .tflite file for a device, made in a folder that is gone afterwards. Nothing,
// and a line that says why, if it cannot be made: a plan needs no cross compiler.
std::optional<CompileResult> link_model(const PlanArguments& arguments,
                                        const deploy::Device& device) {
  const std::filesystem::path model = arguments.source.name_or_file;
  if (model.extension() != ".tflite") return std::nullopt;
  if (arguments.schedule == engine::SchedulePolicy::kTflm) {
    say("mcunet: planned sizes only: {} would be linked with this engine, not TensorFlow Lite Micro\n",
        model.string());
    return std::nullopt;
  }
  if (arguments.source.weight_bits) {
    say("mcunet: planned sizes only: the weights of {} are of its own width, which it would be linked "
        "with\n",
        model.string());
    return std::nullopt;
  }
  try {
    const ScratchFolder scratch;
    engine::CompileOptions options;
    options.schedule = engine::options_of(arguments.schedule);
    options.schedule.pulls_input = arguments.streaming.pulls_input;
    options.schedule.streaming_bytes = arguments.streaming.bytes;
    options.borders = arguments.source.borders;
    options.scratch_growth = arguments.memory;
    return pipeline::compile_model(model, device, options, scratch.path() / "model");
  } catch (const Error& error) {
    say("mcunet: planned sizes only: {}\n", error.what());
    return std::nullopt;
  }
}

Json to_json(const Resources& r, const std::optional<deploy::Device>& device,
             const std::optional<CompileResult>& linked, const std::vector<StepUse>& steps) {
  Json json = {{"macs", r.macs},
               {"params", r.params},
               {"peak_sram_bytes", r.peak_sram_bytes},
               {"lower_bound_bytes", r.lower_bound_bytes},
               {"is_optimal", r.is_optimal},
               {"flash_bytes", r.flash_bytes},
               {"latency_ms", nullptr},
               {"latency_ms_low", nullptr},
               {"latency_ms_high", nullptr},
               {"energy_mj", nullptr},
               {"elf", nullptr},
               {"memory", nullptr},
               {"fits", nullptr}};
  if (device) {
    json["latency_ms"] = r.latency_ms;
    json["latency_ms_low"] = r.latency_ms_low;
    json["latency_ms_high"] = r.latency_ms_high;
    json["energy_mj"] = r.energy_mj;
    json["fits"] = engine::fits(r, device->budget()) && (!linked || linked->firmware.fits());
  }
  if (linked) {
    const deploy::FirmwareReport& firmware = linked->firmware;
    json["elf"] = {{"text", firmware.text_bytes},
                   {"data", firmware.data_bytes},
                   {"bss", firmware.bss_bytes},
                   {"stack", firmware.stack_bytes}};
    json["memory"] = Json::parse(memory_to_json(*linked));
  }
  json["steps"] = Json::array();
  for (const StepUse& step : steps) {
    json["steps"].push_back({{"op", step.op},
                             {"output", step.output},
                             {"block", step.block},
                             {"macs", step.macs},
                             {"live_bytes", step.activation_bytes},
                             {"scratch_bytes", step.scratch_bytes},
                             {"total_bytes", step.total_bytes},
                             {"is_peak", step.is_peak}});
  }
  json["block_peaks_bytes"] = report::block_peaks(steps);
  return json;
}

std::string bar(std::int64_t bytes, std::int64_t peak, int width) {
  const auto length = static_cast<int>(bytes * width / std::max<std::int64_t>(peak, 1));
  std::string text;
  for (int i = 0; i < length; ++i) text += "█";
  return text;
}

void print_steps(const std::vector<StepUse>& steps) {
  std::int64_t peak = 0;
  for (const StepUse& step : steps) peak = std::max(peak, step.total_bytes);
  TextTable table({"step", "block", "operator", "output", "live bytes", "scratch", "total", ""});
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const StepUse& step = steps[i];
    table.add_row({std::to_string(i), std::to_string(step.block), step.op, step.output,
                   std::to_string(step.activation_bytes), std::to_string(step.scratch_bytes),
                   std::to_string(step.total_bytes),
                   bar(step.total_bytes, peak, 24) + (step.is_peak ? " ◄ peak" : "")});
  }
  fmt::print("{}\n", table.to_string());
}

void print_block_peaks(const std::vector<StepUse>& steps) {
  const std::vector<std::int64_t> peaks = report::block_peaks(steps);
  const std::int64_t most = *std::max_element(peaks.begin(), peaks.end());
  TextTable table({"block", "peak of its tensors", ""});
  for (std::size_t block = 0; block < peaks.size(); ++block) {
    table.add_row(
        {std::to_string(block), std::to_string(peaks[block]), bar(peaks[block], most, 40)});
  }
  fmt::print("{}\n", table.to_string());
}

// Planned are the arena with the least scratch, weights, constants and an estimate of the code;
// linked is all of the firmware, but for its stack.
void print_linked(const Resources& r, const CompileResult& linked) {
  const deploy::FirmwareReport& firmware = linked.firmware;
  fmt::print("planned / linked   SRAM {} / {} bytes (stack {} apart), flash {} / {} bytes\n",
             r.peak_sram_bytes, firmware.data_bytes + firmware.bss_bytes, firmware.stack_bytes,
             r.flash_bytes, firmware.flash_bytes());
  for (const std::string& line : describe_memory(linked)) {
    fmt::print("                   {}\n", line);
  }
}

void print_summary(const Resources& r, const engine::ResourceOracle& oracle,
                   std::int64_t state_bytes, const std::optional<deploy::Device>& device) {
  fmt::print("MACs         {:>12}\nparameters   {:>12}\n", r.macs, r.params);
  fmt::print("peak SRAM    {:>12} bytes ({:.1f} KiB)", r.peak_sram_bytes,
             r.peak_sram_bytes / 1024.0);
  if (const std::int64_t fixed = oracle.requests().fixed_bytes; fixed > 0) {
    fmt::print(", of them {} {}", fixed,
               oracle.options().scratch == engine::ScratchPolicy::kTflm
                   ? "that the interpreter keeps of the network"
                   : "scratch beside the arena, as TinyEngine has it (--scratch own: this engine)");
  }
  if (state_bytes > 0) fmt::print(", of them {} kept from one inference to the next", state_bytes);
  fmt::print("\nlower bound  {:>12} bytes, gap {} ({})\n", r.lower_bound_bytes,
             r.peak_sram_bytes - r.lower_bound_bytes,
             r.is_optimal ? "the plan is proven optimal" : "optimality not proven");
  const engine::FlashEstimate& flash = oracle.flash();
  fmt::print(
      "flash        {:>12} bytes: weights {}, biases {}, quantization {}, code {} (estimate)\n",
      r.flash_bytes, flash.weights, flash.biases, flash.quantization, flash.code);
  if (!device) return;
  fmt::print("latency      {:>12.1f} ms (estimate, {:.1f} to {:.1f})\n", r.latency_ms,
             r.latency_ms_low, r.latency_ms_high);
  if (device->power_mw > 0) fmt::print("energy       {:>12.1f} mJ (estimate)\n", r.energy_mj);
  const engine::Budget budget = device->budget();
  if (engine::fits(r, budget)) {
    fmt::print("fits {}: SRAM {} of {} bytes, flash {} of {}\n", device->name, r.peak_sram_bytes,
               *budget.sram_bytes, r.flash_bytes, *budget.flash_bytes);
  }
}

std::string note_on(const std::optional<CompileResult>& linked) {
  if (!linked) return "";
  const std::vector<std::string> lines = describe_memory(*linked);
  return lines.empty() ? "" : fmt::format("The firmware has {}", fmt::join(lines, "; "));
}

int run_plan(const PlanArguments& arguments) {
  if (!arguments.out.empty()) {
    require_writable_folder(arguments.out);
    report::look_for_gnuplot();
  }
  std::optional<deploy::Device> device;
  if (!arguments.device.empty()) device = deploy::load_device(arguments.device);
  const engine::Graph graph = pipeline::load_network(arguments.source);
  engine::OracleOptions options{.schedule = arguments.schedule,
                                .scratch = arguments.scratch,
                                .pulls_input = arguments.streaming.pulls_input,
                                .streaming_bytes = arguments.streaming.bytes};
  if (device) {
    options.latency = device->latency_model();
    options.core = device->code_core();
  }
  engine::ResourceOracle oracle(options);
  const Resources resources = oracle.measure(graph);
  for (const auto& violation : validate_plan(oracle.requests().buffers, oracle.plan(),
                                             oracle.options().planner.alignment)) {
    throw Error("the planner made an invalid plan: {}", violation.message);
  }
  const std::vector<StepUse> steps = report::describe_steps(graph, oracle);
  const engine::Budget budget = device ? device->budget() : engine::Budget{};

  std::optional<CompileResult> linked;
  if (device) linked = link_model(arguments, *device);

  const Json json = to_json(resources, device, linked, steps);
  if (!arguments.out.empty()) {
    report::write_plan_report(graph, oracle,
                              {.network_name = arguments.source.name_or_file,
                               .resources = resources,
                               .budget = budget,
                               .note = note_on(linked)},
                              arguments.out);
    write_file_atomically(std::filesystem::path(arguments.out) / "plan.json", json.dump(2) + "\n");
  }
  if (arguments.json) {
    print_json(json);
  } else {
    print_steps(steps);
    print_block_peaks(steps);
    fmt::print("Memory map: offset in KiB over the steps; letters are tensors, # is scratch\n{}\n",
               report::draw_memory_map(oracle, 24));
    if (arguments.explain) fmt::print("{}\n", report::explain_plan(graph, oracle));
    print_summary(resources, oracle, graph.state_bytes(), device);
    if (linked) print_linked(resources, *linked);
    if (!arguments.out.empty()) fmt::print("Report: {}/index.html\n", arguments.out);
  }
  std::vector<std::string> excess = describe_excess(resources, budget);
  if (linked) {
    for (const std::string& text : describe_excess(linked->firmware))
      excess.push_back("linked " + text);
  }
  for (const std::string& text : excess) {
    say("mcunet: does not fit {}: {}\n", device->name, text);
  }
  return excess.empty() ? kDone : kDoesNotFit;
}

}  // namespace

void add_plan_command(CLI::App& program, Run& run) {
  auto arguments = std::make_shared<PlanArguments>();
  CLI::App* command = program.add_subcommand("plan", "Plan the memory of a network, step by step");
  command->footer(
      "NET is mobilenet_v2, proxyless_mobile, mnasnet_b1, resnet18, small_cifar, a network JSON\n"
      "or a .tflite. With --device a .tflite is compiled and linked too, to show its linked\n"
      "sizes beside the planned ones; that needs arm-none-eabi-gcc.\n\n"
      "  mcunet plan mobilenet_v2 --width 0.35 --resolution 144 --device stm32f746\n"
      "  mcunet plan net.json --resolution 160 --out plan/\n"
      "  mcunet plan net.json --weight-bits 4 --activation-bits 4\n"
      "  mcunet plan net.json --resolution 160 --schedule streaming --explain\n"
      "  mcunet plan model.tflite --schedule tflm\n"
      "  mcunet plan model.tflite --weight-bits 4\n"
      "  mcunet plan model.tflite --device stm32f746");
  command->add_option("NET", arguments->source.name_or_file, "Reference network or file")
      ->required();
  command
      ->add_option("--width", arguments->source.width_multiplier,
                   "Width multiplier of a reference network")
      ->check(number_between(0.01, 8));
  command
      ->add_option("--resolution", arguments->source.resolution,
                   "Columns of the input: the side of a square image")
      ->check(CLI::Range(8, 4096));
  command
      ->add_option(
          "--weight-bits", arguments->source.weight_bits,
          "4 or 8 bits for the weights, whose flash is planned so; of a .tflite, as if its\n"
          "weights were of that width where operators take it, and without linking it "
          "[8; a .tflite's own]")
      ->check(CLI::IsMember({4, 8}));
  command
      ->add_option("--activation-bits", arguments->source.activation_bits,
                   "4 or 8 bits for the feature maps between its operators, which take the SRAM of "
                   "that [8]")
      ->check(CLI::IsMember({4, 8}));
  command->add_option("--device", arguments->device,
                      "Name in configs/devices/ or a file; says whether the network fits");
  add_schedule_option(*command, arguments->schedule, Schedules::kPlanned);
  add_streaming_options(*command, arguments->streaming, "Let the input come in rows");
  const CLI::Option* scratch =
      command
          ->add_option(
              "--scratch", arguments->scratch,
              "How kernel scratch is counted: tinyengine or own [own for a .tflite and what "
              "streams,\nas it will be linked; else tinyengine, as in the papers; of tflm that "
              "library's]")
          ->transform(CLI::CheckedTransformer(std::map<std::string, engine::ScratchPolicy>{
              {"tinyengine", engine::ScratchPolicy::kTinyEngine},
              {"own", engine::ScratchPolicy::kOwn}}));
  command
      ->add_option("--borders", arguments->source.borders,
                   "Who converts where a .tflite has float or uint8 at its borders, as in compile: "
                   "caller or\ninvoke [caller]")
      ->transform(CLI::CheckedTransformer(std::map<std::string, engine::Borders>{
          {"caller", engine::Borders::kCaller}, {"invoke", engine::Borders::kInvoke}}));
  const CLI::Option* memory = add_memory_option(*command, arguments->memory);
  command->add_option("--out", arguments->out, "Folder for plan.json, plots and index.html");
  command->add_flag(
      "--explain", arguments->explain,
      "Say what each schedule would need, what runs in bands of rows, and what binds");
  command->add_flag("--json", arguments->json, "Print one JSON object and nothing else");
  command->callback([arguments, scratch, memory, &run] {
    check_streaming(arguments->streaming, arguments->schedule);
    const bool is_tflm = arguments->schedule == engine::SchedulePolicy::kTflm;
    if (is_tflm && !scratch->empty()) {
      throw CLI::ValidationError("--scratch",
                                 "does not apply to --schedule tflm, which counts CMSIS-NN's");
    }
    arguments->source.fuses_padding = !is_tflm;
    const bool streams = arguments->schedule == engine::SchedulePolicy::kStreaming;
    if (scratch->empty() && (streams || pipeline::is_model_file(arguments->source))) {
      arguments->scratch = engine::ScratchPolicy::kOwn;
    }
    if (memory->empty()) arguments->memory = memory_of(arguments->schedule);
    run = [arguments] { return run_plan(*arguments); };
  });
}

}  // namespace mcunet::cli
