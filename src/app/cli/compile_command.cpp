#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "commands.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/standard_streams.hpp"
#include "mcunet/deploy/device.hpp"
#include "memory_option.hpp"
#include "pipeline/compile_stage.hpp"
#include "program.hpp"
#include "schedule_option.hpp"
#include "text_table.hpp"

namespace mcunet::cli {
namespace {

using Json = nlohmann::ordered_json;
using pipeline::CompileResult;

struct CompileArguments {
  std::string model;
  std::string device;
  std::string out;
  std::optional<deploy::ConsoleKind> console;
  engine::SchedulePolicy schedule = engine::SchedulePolicy::kInPlace;
  StreamingArguments streaming;
  std::optional<engine::PixelFormat> input_format;
  bool no_fusion = false;
  bool no_in_place_depthwise = false;
  bool no_adaptive_im2col = false;
  engine::ScratchGrowth memory = engine::ScratchGrowth::kWithinBudget;
  bool no_specialization = false;
  std::string postprocessing;  // file; empty: none
  std::string borders = "caller";
  engine::ModelNames names;
  bool fold_dead_channels = false;
  bool json = false;
};

Json to_json(const CompileResult& result) {
  const deploy::FirmwareReport& firmware = result.firmware;
  Json regions = Json::array();
  for (const deploy::RegionUse& region : firmware.regions) {
    regions.push_back({{"name", region.name},
                       {"used_bytes", region.used_bytes},
                       {"capacity_bytes", region.capacity_bytes}});
  }
  return {{"macs", result.macs},
          {"peak_sram_bytes", result.peak_sram_bytes()},
          {"lower_bound_bytes", result.lower_bound_bytes},
          {"state_bytes", result.state_bytes},
          {"memory", Json::parse(memory_to_json(result))},
          {"flash_bytes", firmware.flash_bytes()},
          {"constant_bytes", result.constant_bytes},
          {"code_bytes", result.code_bytes()},
          {"elf",
           {{"text", firmware.text_bytes},
            {"data", firmware.data_bytes},
            {"bss", firmware.bss_bytes},
            {"stack", firmware.stack_bytes}}},
          {"regions", regions},
          {"fits", firmware.fits()}};
}

void print_result(const CompileResult& result, const CompileArguments& arguments) {
  const deploy::FirmwareReport& firmware = result.firmware;
  fmt::print("MACs        {:>10}\narena       {:>10} bytes, lower bound {}\n", result.macs,
             result.arena_bytes, result.lower_bound_bytes);
  for (const std::string& line : describe_memory(result)) fmt::print("            {}\n", line);
  if (result.state_bytes > 0) {
    fmt::print("state       {:>10} bytes, kept from one inference to the next\n",
               result.state_bytes);
  }
  fmt::print("linked      {:>10} bytes of flash: constants {}, code {}\n", firmware.flash_bytes(),
             result.constant_bytes, result.code_bytes());
  fmt::print("            {:>10} bytes of SRAM with {} for the stack\n\n", firmware.sram_bytes(),
             firmware.stack_bytes);
  TextTable table({"region", "used", "of", "free"});
  for (const deploy::RegionUse& region : firmware.regions) {
    table.add_row(
        {region.name, std::to_string(region.used_bytes), std::to_string(region.capacity_bytes),
         std::to_string(std::max<std::int64_t>(region.capacity_bytes - region.used_bytes, 0))});
  }
  fmt::print("{}\n", table.to_string());
  if (firmware.fits()) {
    fmt::print("C sources and firmware: {}\nRun it: mcunet emulate {} --input FILE.bin\n",
               arguments.out, arguments.out);
  }
}

std::optional<datasets::Postprocessing> read_postprocessing(const std::string& file) {
  if (file.empty()) return std::nullopt;
  return datasets::read_postprocessing(load_config(file));
}

int run_compile(const CompileArguments& arguments) {
  engine::CompileOptions options;
  options.fuses_padding = !arguments.no_fusion;
  options.scratch_growth =
      arguments.no_adaptive_im2col ? engine::ScratchGrowth::kNone : arguments.memory;
  options.specializes_kernels = !arguments.no_specialization;
  options.schedule = engine::options_of(arguments.schedule);
  options.schedule.pulls_input = arguments.streaming.pulls_input;
  options.schedule.streaming_bytes = arguments.streaming.bytes;
  options.input_format = arguments.input_format;
  if (arguments.no_in_place_depthwise) options.schedule.in_place_depthwise = false;
  options.folds_dead_channels = arguments.fold_dead_channels;
  options.borders = engine::borders_named(arguments.borders);
  options.names = arguments.names;
  const auto postprocessing = read_postprocessing(arguments.postprocessing);
  const deploy::Device device = deploy::load_device(arguments.device);
  const CompileResult result = pipeline::compile_model(
      arguments.model, device, options, arguments.out, arguments.console, {}, "", postprocessing);
  if (!arguments.console && !device.console) {
    say("mcunet: {} has no serial console, so its firmware prints nothing\n", device.name);
  }
  if (arguments.json) {
    print_json(to_json(result));
  } else {
    print_result(result, arguments);
  }
  for (const std::string& excess : describe_excess(result.firmware)) {
    say("mcunet: does not fit {}: {}\n", device.name, excess);
  }
  if (result.firmware.fits()) return kDone;
  const std::string folding = pipeline::describe_folding(arguments.model, options);
  if (!folding.empty()) say("mcunet: {}: --fold-dead-channels\n", folding);
  return kDoesNotFit;
}

}  // namespace

void add_compile_command(CLI::App& program, Run& run) {
  auto arguments = std::make_shared<CompileArguments>();
  CLI::App* command = program.add_subcommand(
      "compile", "Turn a quantized .tflite into a folder of C and firmware for a device");
  command->footer(
      "The folder holds model.h, model.c, weights.c and only the kernels that the model needs;\n"
      "any C11 project can compile it. `make` there links firmware for the device.\n\n"
      "  mcunet compile model.tflite --device stm32f746 --out out/\n"
      "  mcunet compile model.tflite --device stm32f746 --schedule streaming --out out/");
  command
      ->add_option("MODEL", arguments->model,
                   "int8 .tflite file, or a .mcunet that an export wrote")
      ->required();
  command->add_option("--device", arguments->device, "Name in configs/devices/ or a file")
      ->required();
  command->add_option("-o,--out", arguments->out, "Folder to write; replaced if it holds a model")
      ->required();
  command
      ->add_option("--console", arguments->console,
                   "Where the firmware prints outputs and cycles: serial, semihosting or none; or\n"
                   "live: it waits for inputs on its serial line, for mcunet live --port\n"
                   "[serial, where the device has it]")
      ->transform(CLI::CheckedTransformer(deploy::console_kinds()));
  add_schedule_option(*command, arguments->schedule, Schedules::kCompiled);
  add_streaming_options(
      *command, arguments->streaming,
      "Let model_invoke() ask for the input in rows, by a function that the program "
      "defines");
  std::map<std::string, engine::PixelFormat> formats;
  for (const engine::PixelFormat format : engine::kPixelFormats) {
    formats.emplace(name_of(format), format);
  }
  command
      ->add_option(
          "--input-format", arguments->input_format,
          "Pixels that a camera gives for the rows of --stream-input: rgb565, yuv422 or gray. Each\n"
          "row becomes the input as it is read: levels of 0 to 255, less 128 [the input's values]")
      ->transform(CLI::CheckedTransformer(formats))
      ->needs("--stream-input");
  command->add_flag("--no-fusion", arguments->no_fusion, "Run PAD operators on their own");
  command->add_flag("--no-inplace-depthwise", arguments->no_in_place_depthwise,
                    "Give depthwise convolutions an output of their own");
  CLI::Option* memory = add_memory_option(*command, arguments->memory);
  command
      ->add_flag("--no-adaptive-im2col", arguments->no_adaptive_im2col,
                 "Give each kernel the least scratch that it works with")
      ->excludes(memory);
  command->add_flag("--no-specialization", arguments->no_specialization,
                    "Call one general kernel for all windows");
  command
      ->add_option(
          "--borders", arguments->borders,
          "Who converts where the model has float or uint8 at its borders: the caller, who\n"
          "deals in int8 then, or invoke, exactly as TFLite does [caller]")
      ->check(CLI::IsMember({"caller", "invoke"}));
  command
      ->add_option_function<std::string>(
          "--prefix",
          [arguments](const std::string& prefix) {
            try {
              arguments->names = engine::ModelNames(prefix);
              deploy::require_free_names(arguments->names);
            } catch (const Error& error) {
              throw CLI::ValidationError("--prefix", error.what());
            }
          },
          "What files, functions and macros begin with, so that several models link into one\n"
          "program: NAME.h, NAME_invoke(), … [model]")
      ->type_name("NAME");
  command
      ->add_option(
          "--postprocessing", arguments->postprocessing,
          "YAML that says what the output means. Of a YOLOv2 detector: the key `detector`\n"
          "with rows, columns, anchors (width and height as shares of the image's),\n"
          "classes, score, overlap, most; the folder then has detections.h")
      ->type_name("FILE");
  command->add_flag("--fold-dead-channels", arguments->fold_dead_channels,
                    "Leave out channels that are constant or that nothing reads; outputs stay the\n"
                    "same");
  command->add_flag("--json", arguments->json, "Print one JSON object and nothing else");
  command->callback([arguments, memory, &run] {
    check_streaming(arguments->streaming, arguments->schedule);
    if (memory->empty()) arguments->memory = memory_of(arguments->schedule);
    run = [arguments] { return run_compile(*arguments); };
  });
}

}  // namespace mcunet::cli
