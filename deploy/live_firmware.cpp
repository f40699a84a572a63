#include "mcunet/deploy/live_firmware.hpp"

#include <algorithm>
#include <utility>

#include "live_emulator.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/deploy/firmware.hpp"
#include "mcunet/deploy/serial_protocol.hpp"
#include "serial_line.hpp"

namespace mcunet::deploy {
namespace fs = std::filesystem;
namespace {

using Clock = SerialLine::Clock;

constexpr int kAttempts = 4;
constexpr int kMostTimeouts = 2;
constexpr double kBitsPerByte = 10;  // with start and stop
constexpr double kBoardHelloSeconds = 1;
constexpr double kEmulatorHelloSeconds = 60;  // to start, on a busy machine
constexpr std::size_t kFrameBytes = 20;       // besides the payload
constexpr std::size_t kDetectionBytes = 12;   // of struct mcunet_detection

Clock::duration as_duration(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

Int8Bytes as_int8(std::string_view bytes) { return {bytes.begin(), bytes.end()}; }

std::string describe_fault(const std::string& payload) {
  if (payload.size() != 12) return "the core faulted";
  const std::string_view facts = payload;
  return fmt::format("fault exception {} at {:#010x} from {:#010x}", read_word(facts),
                     read_word(facts.substr(4)), read_word(facts.substr(8)));
}

}  // namespace

// One line, and what has come over it.
class LiveFirmware::Session {
 public:
  Session(const fs::path& folder, const LiveOptions& options)
      : options_(options),
        model_(read_model_description(folder)),
        is_emulated_(options.port.empty()),
        emulator_(is_emulated_ ? std::make_unique<LiveEmulator>(folder, options.board) : nullptr),
        line_(is_emulated_ ? emulator_->take_socket() : open_port(folder, options),
              options.is_stopped) {
    place = is_emulated_ ? emulator_->board() + " (emulated)"
                         : fmt::format("{} at {} baud", options.port, options.baud);
    given_bytes_ = static_cast<std::size_t>(model_.features ? model_.features->clip_bytes()
                                                            : model_.given_bytes());
    for (const ModelTensor& tensor : model_.outputs) {
      output_bytes_ += static_cast<std::size_t>(tensor.bytes());
    }
    say_hello(folder);
  }

  std::optional<LiveAnswer> run(const Int8Bytes& given) {
    if (given.size() != given_bytes_) {
      throw Error("{}: an input has {} bytes, this one has {}", model_.name, given_bytes_,
                  given.size());
    }
    given_.assign(given.begin(), given.end());
    Frame input{.kind = FrameKind::kInput};
    if (!is_pulled_) input.payload = given_;
    const Clock::time_point start = Clock::now();
    const auto output = exchange(std::move(input), FrameKind::kOutput, options_.timeout_seconds);
    if (!output) return std::nullopt;
    LiveAnswer answer = parse_output(output->payload);
    answer.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return answer;
  }

  std::string place;
  std::int64_t repeats = 0;

 private:
  static int open_port(const fs::path& folder, const LiveOptions& options) {
    if (!is_live_project(folder)) {
      throw Error(
          "{}: its firmware takes no inputs on its console; compile it with --console live and "
          "flash it",
          folder.string());
    }
    return open_serial_port(options.port, options.baud);
  }

  // Until the firmware says who it is. A board may still wait for the rest of an input that a program
  // before this one did not send: it gets as many bytes.
  void say_hello(const fs::path& folder) {
    std::optional<Frame> found;
    const double seconds = is_emulated_ ? kEmulatorHelloSeconds
                                        : std::min(kBoardHelloSeconds, options_.timeout_seconds);
    for (int attempt = 0; attempt < kAttempts && !found; ++attempt) {
      if (attempt > 0) send(std::string(given_bytes_ + kFrameBytes, '\0'), seconds);
      if (is_stopped()) return;
      found = try_exchange({.kind = FrameKind::kHello, .sequence = ++sequence_},
                           FrameKind::kDescription, seconds);
    }
    if (is_stopped()) return;
    if (!found) {
      throw Error(
          "{}: {}; flash the firmware of {} (mcunet flash), and see that --baud is its rate", place,
          reader_.skipped_bytes() == 0 ? "no answer"
                                       : "what comes from there is no answer of live firmware",
          folder.string());
    }
    check_description(folder, found->payload);
  }

  void check_description(const fs::path& folder, const std::string& payload) {
    if (payload.size() != 12) throw Error("{}: says nothing of its network", place);
    const std::string_view facts = payload;
    const std::uint32_t input_bytes = read_word(facts);
    is_pulled_ = input_bytes == 0;
    const bool is_alike =
        (is_pulled_ || input_bytes == given_bytes_) && read_word(facts.substr(4)) == output_bytes_;
    // For the emulator it was built of what the folder holds, whatever that was before.
    const bool is_same =
        is_emulated_ || read_word(facts.substr(8)) == network_checksum(folder, model_.names);
    if (is_alike && is_same) return;
    throw Error("{}: runs another network than that of {}; write it to the board: mcunet flash {}",
                place, folder.string(), folder.string());
  }

  bool is_stopped() const { return options_.is_stopped && options_.is_stopped(); }

  double seconds_on_line(std::size_t bytes) const {
    return is_emulated_ ? 0 : static_cast<double>(bytes) * kBitsPerByte / options_.baud;
  }

  SerialLine::State send(std::string_view bytes, double seconds) {
    const auto deadline = Clock::now() + as_duration(seconds + seconds_on_line(bytes.size()));
    const SerialLine::State state = line_.send(bytes, deadline);
    if (state == SerialLine::State::kEnded) fail_as_ended();
    return state;
  }

  [[noreturn]] void fail_as_ended() const {
    if (is_emulated_) throw Error("{}: the emulator {}", place, emulator_->describe_end());
    throw Error("{}: the connection ended; was the board unplugged?", place);
  }

  // Again while it is damaged on its way or gets lost. Nothing if it is stopped.
  std::optional<Frame> exchange(Frame question, FrameKind wanted, double seconds) {
    int timeouts = 0;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      question.sequence = ++sequence_;
      if (attempt > 0) ++repeats;
      if (auto answer = try_exchange(question, wanted, seconds)) return answer;
      if (is_stopped()) return std::nullopt;
      // Nothing gets lost on the way to the emulator.
      if (is_late_ && (is_emulated_ || ++timeouts == kMostTimeouts)) {
        throw Error("{}: no answer to an input within {} s", place, seconds);
      }
    }
    throw Error("{}: an input or its answer was damaged on the line {} times in turn", place,
                kAttempts);
  }

  // One attempt: nothing if there is no answer in time, if one of both was damaged, if it is stopped.
  std::optional<Frame> try_exchange(const Frame& question, FrameKind wanted, double seconds) {
    const double transmission =
        seconds_on_line(2 * (given_bytes_ + output_bytes_) + 4 * kFrameBytes);
    const auto deadline = Clock::now() + as_duration(seconds + transmission);
    is_late_ = false;
    if (send(encode_frame(question), seconds) != SerialLine::State::kOpen) return std::nullopt;
    for (;;) {
      const std::optional<Frame> frame = reader_.next();
      if (!frame) {
        if (!receive(deadline)) return std::nullopt;
        continue;
      }
      if (frame->is_damaged || frame->kind == FrameKind::kRepeat) return std::nullopt;
      if (frame->kind == FrameKind::kFault) {
        throw Error("{}: the firmware says: {}", place, describe_fault(frame->payload));
      }
      if (frame->kind == FrameKind::kRowsWanted) give_rows(*frame, seconds);
      if (frame->sequence != question.sequence) continue;  // of a question that was given up
      if (frame->kind == FrameKind::kError) {
        throw Error("{}: the firmware says: {}", place, frame->payload);
      }
      if (frame->kind == wanted) return frame;
    }
  }

  bool receive(Clock::time_point deadline) {
    std::string bytes;
    const SerialLine::State state = line_.receive(bytes, deadline);
    if (state == SerialLine::State::kEnded) fail_as_ended();
    is_late_ = state == SerialLine::State::kTimeOver;
    if (is_late_) reader_.abandon();
    reader_.append(bytes);
    return state == SerialLine::State::kOpen;
  }

  // Zeros, if it still asks for an input of long ago.
  void give_rows(const Frame& wanted, double seconds) {
    if (wanted.payload.size() != 8) throw Error("{}: asks for rows without saying which", place);
    const std::string_view facts = wanted.payload;
    const std::size_t first = read_word(facts);
    const std::size_t count = read_word(facts.substr(4));
    if (first > given_bytes_ || count > given_bytes_ - first) {
      throw Error("{}: asks for bytes {} to {} of an input of {}", place, first, first + count,
                  given_bytes_);
    }
    given_.resize(given_bytes_, '\0');
    send(encode_frame({.kind = FrameKind::kRows,
                       .sequence = wanted.sequence,
                       .payload = given_.substr(first, count)}),
         seconds);
  }

  LiveAnswer parse_output(std::string_view payload) const {
    if (payload.size() < 4 + output_bytes_ ||
        (payload.size() - 4 - output_bytes_) % kDetectionBytes != 0) {
      throw Error("{}: answered with {} bytes, where the outputs have {}", place, payload.size(),
                  output_bytes_);
    }
    LiveAnswer answer{.outputs = {}, .detections = {}, .cycles = read_word(payload)};
    payload.remove_prefix(4);
    for (const ModelTensor& tensor : model_.outputs) {
      const auto size = static_cast<std::size_t>(tensor.bytes());
      answer.outputs.push_back(as_int8(payload.substr(0, size)));
      payload.remove_prefix(size);
    }
    answer.detections = as_int8(payload);
    return answer;
  }

  LiveOptions options_;
  ModelDescription model_;
  bool is_emulated_;
  std::unique_ptr<LiveEmulator> emulator_;
  SerialLine line_;
  FrameReader reader_;
  std::size_t given_bytes_ = 0;
  std::size_t output_bytes_ = 0;
  bool is_pulled_ = false;  // the firmware asks for the input in rows
  std::string given_;       // of the inference that runs
  std::uint16_t sequence_ = 0;
  bool is_late_ = false;  // the last attempt ended for lack of time
};

LiveFirmware::LiveFirmware(const fs::path& folder, const LiveOptions& options)
    : session_(std::make_unique<Session>(folder, options)) {}

LiveFirmware::~LiveFirmware() = default;

std::optional<LiveAnswer> LiveFirmware::run(const Int8Bytes& given) { return session_->run(given); }

const std::string& LiveFirmware::place() const { return session_->place; }

std::int64_t LiveFirmware::repeats() const { return session_->repeats; }

}  // namespace mcunet::deploy
