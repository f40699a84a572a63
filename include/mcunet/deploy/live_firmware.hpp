#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mcunet/deploy/emulator.hpp"

// Firmware that takes inputs over a serial line and answers with what its network makes of them: on a
// board, or on an emulated one, where it is the same code but for the driver of the line.
namespace mcunet::deploy {

struct LiveOptions {
  std::string port;  // of a board, "/dev/ttyACM0"; empty: the emulator
  int baud = 115200;
  std::string board;                      // of the emulator, as EmulatorOptions::board
  double timeout_seconds = 30;            // for an answer, besides what bytes take on the line
  std::function<bool()> is_stopped = {};  // asked ten times a second while something is waited for
};

struct LiveAnswer {
  std::vector<Int8Bytes> outputs;  // in the model's order
  Int8Bytes detections;            // of a detector, as Inference::detections
  // What the firmware counted from the whole input to the whole answer: clock cycles on a board, 0 if its
  // core has no counter; in the emulator instructions, to 40.
  std::uint32_t cycles = 0;
  double seconds = 0;  // from the first byte of the input on the line to the last of the answer
};

class LiveFirmware {
 public:
  // The project of a network in a folder. A board must run its firmware (ConsoleKind::kLive); for the
  // emulator it is built. Throws Error if there is no such board, no answer, or one of another network.
  LiveFirmware(const std::filesystem::path& folder, const LiveOptions& options);
  ~LiveFirmware();

  // What the firmware makes of an input: ModelDescription::given_bytes(), or the samples of a clip
  // where the network has its features computed. What the line damages goes again. Nothing if it was
  // stopped. Throws Error if the line ends, if there is no answer in time, if the firmware faults.
  std::optional<LiveAnswer> run(const Int8Bytes& given);

  // "mps2-an386 (emulated)", "/dev/ttyACM0 at 115200 baud".
  const std::string& place() const;

  // Frames that went again.
  std::int64_t repeats() const;

 private:
  class Session;
  std::unique_ptr<Session> session_;
};

}  // namespace mcunet::deploy
