#include "mcunet/deploy/emulator.hpp"

#include <cstring>
#include <sstream>
#include <utility>

#include "block_profile.hpp"
#include "cross_compiler.hpp"
#include "emulator_board.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/process.hpp"
#include "mcunet/core/scratch_folder.hpp"

// Two programs are built, or three. One is the network as the device runs it, whose outputs,
// instructions and stack are reported. The other has -DMODEL_PROFILE and runs the first input once
// more, for the instructions of each step; or all inputs, if cycles are asked for, while the emulator
// counts blocks. The third, with -DMODEL_TRACE, runs all inputs again and hashes what each step gives.
namespace mcunet::deploy {
namespace fs = std::filesystem;
namespace {

constexpr char kEmulatorPackage[] = "qemu-system-arm";

// What the firmware printed; see templates/emulator_main.c.
struct Console {
  std::vector<std::int64_t> inferences;
  std::vector<std::int64_t> features;
  struct Detections {
    std::int64_t instructions = 0;
    std::int64_t count = 0;
  };
  std::vector<Detections> detections;
  std::vector<std::int64_t> steps;
  std::vector<std::uint64_t> hashes;  // of all steps, inference by inference
  std::int64_t calibration = 0;
  std::int64_t calibration_expected = 0;
  std::int64_t stack_bytes = 0;
  bool is_done = false;
  std::string complaint;  // of the firmware
};

Console parse_console(const std::string& log) {
  Console console;
  std::istringstream stream(log);
  for (std::string line; std::getline(stream, line);) {
    std::istringstream words(line);
    std::string fact;
    std::int64_t first = 0;
    std::int64_t second = 0;
    words >> fact;
    if (fact == "output") {
      std::uint64_t hash = 0;
      words >> first >> hash;
      console.hashes.push_back(hash);
      continue;
    }
    if (fact == "fault" || fact == "error") {
      console.complaint = line;
      break;
    }
    words >> first >> second;
    if (fact == "inference") console.inferences.push_back(second);
    if (fact == "features") console.features.push_back(second);
    if (fact == "detections") {
      std::int64_t count = 0;
      words >> count;
      console.detections.push_back({second, count});
    }
    if (fact == "step") console.steps.push_back(second);
    if (fact == "stack") console.stack_bytes = first;
    if (fact == "done") console.is_done = true;
    if (fact == "calibration") {
      console.calibration = first;
      console.calibration_expected = second;
    }
  }
  return console;
}

void check_console(const Console& console, const ProcessResult& run, const EmulatorBoard& board,
                   double timeout_seconds) {
  if (!console.complaint.empty())
    throw Error("{}: the firmware says: {}", board.name, console.complaint);
  if (run.timed_out) {
    throw Error("{}: the firmware did not end within {} s", board.name, timeout_seconds);
  }
  if (run.signal != 0) {
    throw Error("{}: the emulator was killed by signal {}", board.name, run.signal);
  }
  if (run.exit_code != 0 || !console.is_done) {
    throw Error("{}: the emulator ended with code {}: {}", board.name, run.exit_code,
                run.log.substr(0, run.log.find('\n')));
  }
  if (std::abs(console.calibration - console.calibration_expected) > 40) {
    throw Error("{}: a loop of {} instructions counts as {}: this emulator cannot count",
                board.name, console.calibration_expected, console.calibration);
  }
}

struct BlockProfile {
  cycles::BlockCounts counts;
  cycles::Disassembly disassembly;
};

class Emulation {
 public:
  Emulation(const fs::path& project, const engine::ModelNames& names, const EmulatorBoard& board,
            std::string core, double timeout_seconds)
      : project_(project),
        board_(board),
        core_(std::move(core)),
        timeout_seconds_(timeout_seconds) {
    const std::vector<fs::path> all = model_sources(project, names);
    network_ = all.front();
    std::vector<fs::path> shared(all.begin() + 1, all.end());
    for (const char* name : {"startup.c", "console.c", "semihosting_console.c", "semihosting.c",
                             "instruction_counter.c"}) {
      shared.push_back(project / "firmware" / name);
    }
    shared_objects_ = compile(project_, shared, core_, board_.defines, scratch_.path());
    write_file_atomically(script(), linker_script(board_.map, "Memory of " + board_.name));
  }

  // Builds the program with more compiler flags and runs it in a folder of its own.
  Console run(const std::string& defines, std::span<const Int8Bytes> inputs,
              const std::string& name) const {
    const fs::path folder = make_folder(scratch_.path() / name);
    build(defines, folder);
    return start(inputs, folder, {});
  }

  // The same, while blocks are counted.
  Console run(const std::string& defines, std::span<const Int8Bytes> inputs,
              const std::string& name, const engine::ModelNames& names,
              BlockProfile& profile) const {
    const fs::path folder = make_folder(scratch_.path() / name);
    build(defines, folder);
    profile.disassembly = cycles::parse_disassembly(disassemble(folder / kProgram));
    constexpr char kCounts[] = "blocks.txt";
    Console console =
        start(inputs, folder, block_counter_arguments(profile.disassembly, names, kCounts));
    profile.counts = cycles::parse_block_counts(read_file(folder / kCounts));
    return console;
  }

  std::string output_of(const std::string& name) const {
    return read_file(scratch_.path() / name / "output.bin");
  }

 private:
  static constexpr char kProgram[] = "emulator.elf";

  fs::path script() const { return scratch_.path() / "emulator.ld"; }

  Console start(std::span<const Int8Bytes> inputs, const fs::path& folder,
                const std::vector<std::string>& arguments) const {
    std::string input;
    for (const Int8Bytes& bytes : inputs) {
      input.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    write_file_atomically(folder / "input.bin", input);

    std::vector<std::string> command = emulator_command(board_);
    command.insert(command.end(),
                   {"-semihosting-config", "enable=on,target=native", "-kernel", kProgram});
    command.insert(command.end(), arguments.begin(), arguments.end());
    const ProcessResult result = run_process(
        command,
        {.folder = folder, .package = kEmulatorPackage, .timeout_seconds = timeout_seconds_});
    Console console = parse_console(result.log);
    check_console(console, result, board_, timeout_seconds_);
    return console;
  }

  void build(const std::string& defines, const fs::path& folder) const {
    std::vector<fs::path> objects =
        compile(project_, {network_, project_ / "firmware" / "emulator_main.c"}, core_,
                board_.defines + " " + defines, folder);
    objects.insert(objects.end(), shared_objects_.begin(), shared_objects_.end());
    FirmwareReport report;
    if (!link(objects, script(), core_, board_.map, folder / kProgram, report)) {
      throw Error("the network does not fit {}: {}", board_.name, describe_excess(report).at(0));
    }
  }

  fs::path project_;
  fs::path network_;  // model.c
  const EmulatorBoard& board_;
  std::string core_;
  double timeout_seconds_;
  ScratchFolder scratch_;
  std::vector<fs::path> shared_objects_;
};

constexpr std::int64_t kDetectionBytes = 12;  // of struct mcunet_detection

// Outputs lie one after another, inference by inference, behind the features if there are any; behind
// them what was found.
std::vector<Inference> split_outputs(const std::string& bytes, const ModelDescription& model,
                                     const Console& console) {
  std::size_t at = 0;
  const auto take = [&](std::int64_t count) {
    if (count < 0 || std::cmp_less(bytes.size() - at, count)) {
      throw Error("the outputs are not those of model.json");
    }
    Int8Bytes taken(static_cast<std::size_t>(count));
    if (!taken.empty()) std::memcpy(taken.data(), bytes.data() + at, taken.size());
    at += taken.size();
    return taken;
  };
  std::vector<Inference> inferences;
  for (std::size_t i = 0; i < console.inferences.size(); ++i) {
    Inference& inference = inferences.emplace_back();
    inference.instructions = console.inferences[i];
    if (!console.features.empty()) {
      inference.features = take(model.inputs[0].bytes());
      inference.feature_instructions = console.features.at(i);
    }
    for (const ModelTensor& tensor : model.outputs)
      inference.outputs.push_back(take(tensor.bytes()));
    if (!model.is_detector) continue;
    inference.detection_instructions = console.detections.at(i).instructions;
    inference.detections = take(console.detections.at(i).count * kDetectionBytes);
  }
  if (at != bytes.size()) throw Error("the outputs are not those of model.json");
  return inferences;
}

// Hands each inference the hashes of its steps.
void split_hashes(const std::vector<std::uint64_t>& hashes, std::size_t steps,
                  std::vector<Inference>& inferences) {
  if (hashes.size() != steps * inferences.size()) {
    throw Error("{} steps traced in {} inferences of {}", hashes.size(), inferences.size(), steps);
  }
  auto at = hashes.begin();
  for (Inference& inference : inferences) {
    inference.step_hashes.assign(at, at + static_cast<std::ptrdiff_t>(steps));
    at += static_cast<std::ptrdiff_t>(steps);
  }
}

// Segments of an inference: the features if there are any, each step, the way back from the last one,
// the detections if there are any.
void split_cycles(const cycles::CycleEstimate& estimate, bool has_features, bool has_detections,
                  std::size_t steps, EmulationResult& result) {
  const std::size_t of_features = has_features ? 1 : 0;
  const std::size_t each = of_features + steps + 1 + (has_detections ? 1 : 0);
  if (estimate.segments.size() != each * result.inferences.size()) {
    throw Error("{} segments counted in {} inferences of {}", estimate.segments.size(),
                result.inferences.size(), each);
  }
  auto at = estimate.segments.begin();
  for (Inference& inference : result.inferences) {
    if (has_features) inference.feature_cycles = (at++)->cycles;
    for (std::size_t i = 0; i <= steps; ++i) inference.cycles += (at++)->cycles;
    if (has_detections) inference.detection_cycles = (at++)->cycles;
  }
  for (std::size_t i = 0; i < of_features + steps; ++i)
    result.steps[i].cycles = estimate.segments[i].cycles;
  if (has_detections) result.steps.back().cycles = result.inferences[0].detection_cycles;
  result.loops = estimate.loops;
}

void check_inputs(std::span<const Int8Bytes> inputs, const ModelDescription& model,
                  bool takes_samples) {
  if (inputs.empty()) throw Error("{}: nothing to run on: no input", model.name);
  if (takes_samples && !model.features) {
    throw Error("{}: takes in no sound: it was exported without feature extraction", model.name);
  }
  const std::int64_t bytes = takes_samples ? model.features->clip_bytes() : model.given_bytes();
  for (const Int8Bytes& input : inputs) {
    if (static_cast<std::int64_t>(input.size()) != bytes) {
      throw Error("{}: {} has {} bytes, this one has {}", model.name,
                  takes_samples ? "a clip" : "an input", bytes, input.size());
    }
  }
}

}  // namespace

void require_emulator() {
  require_cross_compiler();
  require_program(emulator_command(emulator_boards().front())[0], kEmulatorPackage);
  find_block_counter();
}

EmulationResult emulate(const fs::path& folder, std::span<const Int8Bytes> inputs,
                        const EmulatorOptions& options) {
  const Device device = read_project_device(folder);
  const ModelDescription model = read_model_description(folder);
  const EmulatorBoard& board = choose_board(options.board, device.core);
  if (options.estimates_cycles) cycles::find_core(device.core);  // before anything is built
  check_inputs(inputs, model, options.takes_samples);
  const Emulation emulation(folder, model.names, board, device.core, options.timeout_seconds);

  const std::string defines = options.takes_samples ? "-DMODEL_SAMPLES " : "";
  const Console console = emulation.run(defines, inputs, "network");
  const std::size_t clips = options.takes_samples ? inputs.size() : 0;
  const std::size_t decoded = model.is_detector ? inputs.size() : 0;
  if (console.inferences.size() != inputs.size() || console.features.size() != clips ||
      console.detections.size() != decoded) {
    throw Error("{}: {} inputs, but {} inferences: model.json and model.h disagree", model.name,
                inputs.size(), console.inferences.size());
  }
  EmulationResult result{
      .board = board.name,
      .inferences = split_outputs(emulation.output_of("network"), model, console),
      .steps = {},
      .loops = {},
      .stack_bytes = console.stack_bytes};

  const std::string profiled = defines + "-D" + model.names.macro_prefix() + "_PROFILE";
  BlockProfile blocks;
  const Console profile = options.estimates_cycles
                              ? emulation.run(profiled, inputs, "profile", model.names, blocks)
                              : emulation.run(profiled, inputs.first(1), "profile");
  if (profile.steps.size() != model.steps.size()) {
    throw Error("{}: {} steps in model.json, but {} in model.h", model.name, model.steps.size(),
                profile.steps.size());
  }
  if (options.takes_samples) {
    result.steps.push_back({.name = "log_mel", .instructions = console.features[0], .cycles = {}});
  }
  for (std::size_t i = 0; i < model.steps.size(); ++i) {
    result.steps.push_back(
        {.name = model.steps[i], .instructions = profile.steps[i], .cycles = {}});
  }
  if (model.is_detector) {
    result.steps.push_back(
        {.name = "detections", .instructions = console.detections[0].instructions, .cycles = {}});
  }
  if (options.estimates_cycles) {
    split_cycles(
        cycles::estimate_cycles(blocks.counts, blocks.disassembly, cycles::find_core(device.core)),
        options.takes_samples, model.is_detector, model.steps.size(), result);
  }
  if (options.traces_steps) {
    const Console trace =
        emulation.run(defines + "-D" + model.names.macro_prefix() + "_TRACE", inputs, "trace");
    split_hashes(trace.hashes, model.steps.size(), result.inferences);
  }
  return result;
}

}  // namespace mcunet::deploy
