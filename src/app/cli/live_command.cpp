#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "commands.hpp"
#include "emulate_boxes.hpp"
#include "live_inputs.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/names.hpp"
#include "mcunet/core/standard_streams.hpp"
#include "mcunet/deploy/firmware.hpp"
#include "mcunet/deploy/live_firmware.hpp"
#include "mcunet/deploy/reference_model.hpp"
#include "number_range.hpp"
#include "output_text.hpp"
#include "program.hpp"
#include "stop_signals.hpp"
#include "training_commands.hpp"

namespace mcunet::cli {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;
using deploy::LiveAnswer;
using deploy::ModelDescription;

struct LiveArguments {
  LiveSourceOptions source;
  deploy::LiveOptions firmware;
  std::int64_t frames = 0;  // 0: all
  bool checks = false;
  bool json = false;

  bool is_emulated() const { return firmware.port.empty(); }
};

double seconds_between(Clock::time_point first, Clock::time_point last) {
  return std::chrono::duration<double>(last - first).count();
}

// How often there was an answer lately.
class Rate {
 public:
  void add(Clock::time_point start, Clock::time_point end) {
    latest_.push_back({start, end});
    if (latest_.size() > kLatest) latest_.pop_front();
  }
  double per_second() const {
    const double seconds = seconds_between(latest_.front().start, latest_.back().end);
    return static_cast<double>(latest_.size()) / std::max(seconds, 1e-9);
  }

 private:
  static constexpr std::size_t kLatest = 20;
  struct Answered {
    Clock::time_point start;
    Clock::time_point end;
  };
  std::deque<Answered> latest_;
};

struct Totals {
  std::int64_t frames = 0;
  double latency_seconds = 0;
  double longest_seconds = 0;
  double elapsed_seconds = 0;  // from the first input to the last answer
  std::int64_t wrong = 0;      // that the host computes otherwise
};

// What one answer says, by the kind of the network.
class LiveNetwork {
 public:
  LiveNetwork(const LiveArguments& arguments, ModelDescription model)
      : model_(std::move(model)),
        device_(deploy::read_project_device(arguments.source.model.folder)),
        detector_(read_detector(arguments.source.model.folder, model_)),
        is_emulated_(arguments.is_emulated()) {
    if (model_.state_bytes > 0) {
      throw Error(
          "{}: keeps state from one inference to the next, which an input that is sent again after "
          "a fault of the line would move twice; mcunet emulate runs it",
          arguments.source.model.folder);
    }
    if (!arguments.checks) return;
    const auto file = deploy::find_model_file(arguments.source.model.folder);
    if (!file) {
      throw Error("{}: holds no model to check answers with (model.tflite or model.mcunet)",
                  arguments.source.model.folder);
    }
    reference_.emplace(*file, model_.borders);
  }

  const ModelDescription& model() const { return model_; }

  // Whether the host computes the same; nothing if that is not asked for.
  std::optional<bool> check(const LiveInput& input, const LiveAnswer& answer) {
    if (!reference_) return std::nullopt;
    if (reference_->run(input.input) != answer.outputs) return false;
    return !detector_ || datasets::read_detections(answer.detections) ==
                             decode_int8(*detector_, answer.outputs[0]);
  }

  std::string describe(const LiveAnswer& answer) const {
    if (detector_) return describe_boxes(objects_in(answer));
    const deploy::ModelTensor& tensor = model_.outputs[0];
    if (is_value()) return fmt::format("{:.6g}", real_values_of(answer.outputs[0], tensor)[0]);
    const std::vector<double> shares = probabilities_of(answer.outputs[0], tensor);
    std::string text;
    for (const std::size_t i : order_of_largest(shares, kShownClasses)) {
      text +=
          fmt::format("{}{} {:.1f} %", text.empty() ? "" : ", ", class_name(i), 100 * shares[i]);
    }
    return text;
  }

  void add_to(Json& json, const LiveAnswer& answer) const {
    const deploy::ModelTensor& tensor = model_.outputs[0];
    if (detector_) {
      json["detections"] = cli::to_json(objects_in(answer), model_.classes);
    } else if (is_value()) {
      json["value"] = real_values_of(answer.outputs[0], tensor)[0];
    } else {
      const std::vector<double> shares = probabilities_of(answer.outputs[0], tensor);
      const std::size_t top = index_of_largest(answer.outputs[0], tensor);
      if (model_.classes.empty()) {
        json["class"] = top;
      } else {
        json["class"] = model_.classes.at(top);
      }
      json["confidence"] = shares[top];
    }
    json["outputs"] = outputs_to_json(model_, answer.outputs);
    if (is_emulated_) {
      json["instructions"] = answer.cycles;
    } else if (answer.cycles > 0) {
      json["cycles"] = answer.cycles;
      json["device_ms"] = device_ms(answer);
    }
  }

  // What the core took for it, where it can tell.
  std::string describe_cost(const LiveAnswer& answer) const {
    if (is_emulated_) return fmt::format("{:.2f} M instructions", answer.cycles / 1e6);
    return answer.cycles == 0 ? "" : fmt::format("core {:.2f} ms", device_ms(answer));
  }

 private:
  static constexpr std::size_t kShownClasses = 2;

  bool is_value() const { return model_.classes.empty() && model_.outputs[0].elements() == 1; }

  double device_ms(const LiveAnswer& answer) const {
    return answer.cycles / (device_.clock_mhz * 1e3);
  }

  std::string class_name(std::size_t i) const {
    return i < model_.classes.size() ? model_.classes[i] : fmt::format("class {}", i);
  }

  FoundObjects objects_in(const LiveAnswer& answer) const {
    FoundObjects found;
    found.detections = datasets::read_detections(answer.detections);
    for (const datasets::Detection& detection : found.detections) {
      if (detection.label < 0 || std::cmp_greater_equal(detection.label, model_.classes.size())) {
        throw Error("the firmware found class {} of {}", detection.label, model_.classes.size());
      }
    }
    return found;
  }

  std::string describe_boxes(const FoundObjects& found) const {
    if (found.detections.empty()) return "nothing";
    std::string text;
    for (const datasets::Detection& detection : found.detections) {
      const datasets::Box& box = detection.box;
      text += fmt::format("{}{} {:.0f} % at {:.2f} {:.2f} {:.2f} {:.2f}", text.empty() ? "" : ", ",
                          class_name(static_cast<std::size_t>(detection.label)),
                          100 * detection.score, box.left, box.top, box.right, box.bottom);
    }
    return text;
  }

  ModelDescription model_;
  deploy::Device device_;
  std::optional<datasets::DetectionTables> detector_;
  std::optional<deploy::ReferenceModel> reference_;
  bool is_emulated_;
};

// One line, at once.
void show(const LiveArguments& arguments, LiveNetwork& network, const LiveInput& input,
          const LiveAnswer& answer, std::int64_t index, double per_second,
          std::optional<bool> is_exact) {
  const double latency_ms = 1e3 * answer.seconds;
  if (arguments.json) {
    Json json = {{"input", escaped(input.name)}, {"index", index}};
    network.add_to(json, answer);
    json["latency_ms"] = latency_ms;
    json["inferences_per_second"] = per_second;
    if (is_exact) json["exact"] = *is_exact;
    print_json(json);
  } else {
    fmt::print("{:<24} {:<44} {:>8.1f} ms {:>7.1f}/s  {}{}\n", escaped(input.name),
               network.describe(answer), latency_ms, per_second, network.describe_cost(answer),
               !is_exact   ? ""
               : *is_exact ? "  exact"
                           : "  NOT AS ON THE HOST");
  }
  std::fflush(stdout);
}

// Beside the objects of --json, so on standard error there.
void show_summary(const LiveArguments& arguments, const Totals& totals, const LiveLosses& losses,
                  const deploy::LiveFirmware& firmware) {
  const auto frames = static_cast<double>(totals.frames);
  std::string text = fmt::format("{} inference{} on {}", totals.frames,
                                 totals.frames == 1 ? "" : "s", firmware.place());
  if (totals.frames > 0) {
    text += fmt::format(": latency {:.1f} ms in the mean, {:.1f} at most; {:.1f} inferences/s",
                        1e3 * totals.latency_seconds / frames, 1e3 * totals.longest_seconds,
                        frames / std::max(totals.elapsed_seconds, 1e-9));
  }
  const auto add = [&](std::int64_t count, const char* what, const char* fate) {
    if (count > 0) text += fmt::format("; {} {}{} {}", count, what, count == 1 ? "" : "s", fate);
  };
  add(losses.unreadable, "file", "skipped");
  add(losses.left_out, "clip", "left out for time");
  add(firmware.repeats(), "input", "sent again");
  if (arguments.json) {
    say("{}\n", text);
  } else {
    fmt::print("{}\n", text);
  }
}

Totals feed(const LiveArguments& arguments, LiveNetwork& network, const LiveSource& next,
            deploy::LiveFirmware& firmware) {
  Totals totals;
  Rate rate;
  std::optional<Clock::time_point> first;
  while (arguments.frames == 0 || totals.frames < arguments.frames) {
    if (arguments.firmware.is_stopped()) break;
    const std::optional<LiveInput> input = next();
    if (!input) break;
    const auto start = Clock::now();
    const std::optional<LiveAnswer> answer = firmware.run(input->given);
    if (!answer) break;
    const auto end = Clock::now();
    if (!first) first = start;
    rate.add(start, end);
    const std::optional<bool> is_exact = network.check(*input, *answer);
    show(arguments, network, *input, *answer, totals.frames, rate.per_second(), is_exact);
    ++totals.frames;
    totals.latency_seconds += answer->seconds;
    totals.longest_seconds = std::max(totals.longest_seconds, answer->seconds);
    totals.elapsed_seconds = seconds_between(*first, end);
    if (is_exact == false) ++totals.wrong;
  }
  return totals;
}

// Options that say nothing of what is fed.
void check_source(const LiveArguments& arguments) {
  const LiveSourceOptions& source = arguments.source;
  const bool is_sound = !source.sound.empty() || source.microphone.has_value();
  if (source.hop_seconds > 0 && !is_sound) {
    throw CLI::ValidationError("--hop", "is for --sound and --microphone");
  }
  if (!source.in_real_time && source.sound.empty()) {
    throw CLI::ValidationError("--no-wait", "is for --sound");
  }
  if (!source.model.input_range.empty() && is_sound) {
    throw CLI::ValidationError("--input-range", "is for --images and --camera");
  }
}

int run_live(LiveArguments arguments) {
  arguments.firmware.is_stopped = stop_on_signals();
  arguments.source.is_stopped = arguments.firmware.is_stopped;
  const std::string& folder = arguments.source.model.folder;
  LiveNetwork network(arguments, deploy::read_model_description(folder));
  LiveLosses losses;
  const LiveSource next =
      open_live_source(arguments.source, network.model(), pipeline::kMediaReader, losses);
  deploy::LiveFirmware firmware(folder, arguments.firmware);
  const Totals totals = feed(arguments, network, next, firmware);
  if (totals.frames == 0 && losses.unreadable > 0 && !arguments.firmware.is_stopped()) {
    throw Error("{}: none of its {} files could be read", arguments.source.images,
                losses.unreadable);
  }
  show_summary(arguments, totals, losses, firmware);
  if (totals.wrong > 0) {
    say("mcunet: {} of {} answers differ from the host's\n", totals.wrong, totals.frames);
  }
  return totals.wrong == 0 ? kDone : kFailed;
}

constexpr char kFooter[] =
    "DIR is what `mcunet compile` or an export wrote. Without --port its firmware is built for an\n"
    "emulated board with the device's core, and fed over that board's serial line. With --port it runs\n"
    "on a board: compile with --console live (an export: export.console: live), write it to the board\n"
    "with `mcunet flash DIR`, and name the port of its debugger.\n\n"
    "Each line says what was fed, what the network says of it, the latency, from the first byte sent\n"
    "to the last one received, how many inferences there were per second lately, and what the core\n"
    "itself took: clock cycles as milliseconds, or in the emulator instructions. At 115200 baud an input\n"
    "of 27 kB is 2.4 seconds on the line; a higher `baud` in the device's description makes that less.\n"
    "Ctrl-C ends it with a summary.\n\n"
    "A sound is played in real time and cut into clips of the network's length; clips that are over\n"
    "before the firmware is ready are left out, and counted. The microphone is recorded by arecord\n"
    "(package alsa-utils).\n\n"
    "  mcunet live runs/flowers/export --images photos/\n"
    "  mcunet live runs/flowers/export --camera /dev/video0 --frames 100\n"
    "  mcunet live runs/digits/export --sound talk.wav --hop 0.25\n"
    "  mcunet live runs/digits/export --microphone --json\n"
    "  mcunet live runs/flowers/export --images photos/ --check\n"
    "  mcunet live runs/flowers/export --camera 0 --port /dev/ttyACM0 --baud 115200";

}  // namespace

void add_live_command(CLI::App& program, Run& run) {
  auto arguments = std::make_shared<LiveArguments>();
  CLI::App* command = program.add_subcommand("live", description_of("live"));
  command->footer(kFooter);
  command->add_option("DIR", arguments->source.model.folder, "Folder of a firmware project")
      ->required();
  CLI::Option_group* source = command->add_option_group("Source", "Where inputs come from, one of");
  source->add_option(
      "--images", arguments->source.images,
      "Folder of images, or of raw inputs (.bin, .npy), in the order of their names.\n"
      "What cannot be read is said, skipped and counted");
  source->add_option("--camera", arguments->source.camera,
                     "/dev/videoN or N; or a film, or numbered pictures such as frame%03d.png");
  source->add_option("--sound", arguments->source.sound, "Sound file (.wav, .flac, .ogg)");
  source
      ->add_option_function<std::string>(
          "--microphone",
          [arguments](const std::string& device) { arguments->source.microphone = device; },
          "Device of ALSA, as arecord -L lists them [default]")
      ->expected(0, 1)
      ->default_str("");
  source->require_option(1);
  command
      ->add_option(
          "--hop", arguments->source.hop_seconds,
          "Seconds from the beginning of a clip of sound to that of the next [half a clip]")
      ->check(number_between(0.001, 3600));
  command->add_flag_callback(
      "--no-wait", [arguments] { arguments->source.in_real_time = false; },
      "Feed all clips of --sound as fast as they are answered");
  command
      ->add_option("--input-range", arguments->source.model.input_range,
                   "What black and white of an image are to a model that does not say so: 0,1,\n"
                   "-1,1 or 0,255 [-1,1]")
      ->check(CLI::IsMember({"0,1", "-1,1", "0,255"}));
  CLI::Option* port = command->add_option("--port", arguments->firmware.port,
                                          "Serial port of a board: /dev/ttyACM0 [the emulator]");
  command->add_option("--baud", arguments->firmware.baud, "Rate of that port [115200]")
      ->needs(port);
  command
      ->add_option("--board", arguments->firmware.board,
                   "mps2-an385, mps2-an386 or mps2-an500 [by the device's core]")
      ->excludes(port);
  command->add_option("--frames", arguments->frames, "Stop after so many inputs [all]")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40));
  command
      ->add_option("--timeout", arguments->firmware.timeout_seconds,
                   "Seconds for an answer, besides what its bytes take on the line [30]")
      ->check(number_between(0.001, 1e6));
  command->add_flag(
      "--check", arguments->checks,
      "Compare each answer with the reference executor's; exit with 1 if one differs");
  command->add_flag(
      "--json", arguments->json,
      "Print one JSON object a line for each input; the summary goes to standard error");
  command->callback([arguments, &run] {
    check_source(*arguments);
    run = [arguments] { return run_live(*arguments); };
  });
}

}  // namespace mcunet::cli
