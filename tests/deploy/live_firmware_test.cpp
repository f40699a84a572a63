#include "mcunet/deploy/live_firmware.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "core/error_text.hpp"
#include "example_device.hpp"
#include "example_project.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/process.hpp"
#include "mcunet/deploy/firmware.hpp"
#include "mcunet/deploy/serial_protocol.hpp"

namespace mcunet::deploy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Int8Bytes input_of(int first) {
  Int8Bytes input(16);
  for (std::size_t i = 0; i < input.size(); ++i) {
    input[i] = static_cast<std::int8_t>(first + static_cast<int>(i));
  }
  return input;
}

// The example's network adds 2; its second output is constant.
void expect_answers(LiveFirmware& firmware, int count = 3) {
  for (int i = 0; i < count; ++i) {
    const std::optional<LiveAnswer> answer = firmware.run(input_of(7 * i));
    ASSERT_TRUE(answer);
    EXPECT_THAT(answer->outputs, ElementsAre(input_of(7 * i + 2), Int8Bytes{7, 9}));
    EXPECT_GT(answer->seconds, 0);
  }
}

void write_project(const TemporaryFolder& folder, const std::string& core = "cortex-m4",
                   const ExampleOptions& options = {}) {
  write_example_model(folder, options);
  write_firmware_project(folder.path(), example_device(core));
}

// Of this process.
pid_t only_child() {
  std::ifstream children(fmt::format("/proc/self/task/{}/children", static_cast<int>(::gettid())));
  pid_t child = 0;
  children >> child;
  return child;
}

class LiveEmulator : public testing::TestWithParam<const char*> {};

TEST_P(LiveEmulator, AnswersOverItsUart) {
  MCUNET_REQUIRE_EMULATOR();
  const TemporaryFolder folder;
  write_project(folder, "cortex-m3");
  LiveFirmware firmware(folder.path(), {.board = GetParam()});
  expect_answers(firmware);
  EXPECT_EQ(firmware.place(), std::string(GetParam()) + " (emulated)");
  EXPECT_EQ(firmware.repeats(), 0);
  const auto answer = firmware.run(input_of(1));
  ASSERT_TRUE(answer);
  EXPECT_NEAR(answer->cycles, 2 * 16 * 6, 160) << "6 instructions a byte, twice";
  EXPECT_THAT(error_of([&] { firmware.run(Int8Bytes(15)); }),
              HasSubstr("example: an input has 16 bytes, this one has 15"));
}

INSTANTIATE_TEST_SUITE_P(Boards, LiveEmulator,
                         testing::Values("mps2-an385", "mps2-an386", "mps2-an500"),
                         [](const auto& test) { return std::string(test.param + 5); });

TEST(LiveFirmware, TellsThatTheEmulatorWasKilled) {
  MCUNET_REQUIRE_EMULATOR();
  const TemporaryFolder folder;
  write_project(folder);
  LiveFirmware firmware(folder.path(), {});
  expect_answers(firmware, 1);
  ASSERT_GT(only_child(), 0);
  ::kill(only_child(), SIGKILL);
  EXPECT_THAT(error_of([&] { firmware.run(input_of(0)); }),
              HasSubstr("mps2-an386 (emulated): the emulator was killed by signal 9 (Killed)"));
}

TEST(LiveFirmware, TellsOfAFault) {
  MCUNET_REQUIRE_EMULATOR();
  const TemporaryFolder folder;
  write_project(folder, "cortex-m4", {.second_step = "__builtin_trap();"});
  LiveFirmware firmware(folder.path(), {});
  EXPECT_THAT(error_of([&] { firmware.run(input_of(0)); }),
              HasSubstr("the firmware says: fault exception 3 at 0x0000"));
}

TEST(LiveFirmware, StopsWhenAsked) {
  MCUNET_REQUIRE_EMULATOR();
  const TemporaryFolder folder;
  write_project(folder, "cortex-m4", {.second_step = "for (;;) {}"});
  std::atomic<bool> is_stopped = false;
  LiveFirmware firmware(folder.path(), {.is_stopped = [&] { return is_stopped.load(); }});
  std::thread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
    is_stopped = true;
  });
  EXPECT_FALSE(firmware.run(input_of(0)));
  stopper.join();
}

TEST(LiveFirmware, TellsOfNoAnswerInTime) {
  MCUNET_REQUIRE_EMULATOR();
  const TemporaryFolder folder;
  write_project(folder, "cortex-m4", {.second_step = "for (;;) {}"});
  LiveFirmware firmware(folder.path(), {.timeout_seconds = 0.1});
  EXPECT_THAT(error_of([&] { firmware.run(input_of(0)); }),
              HasSubstr("no answer to an input within 0.1 s"));
}

TEST(LiveFirmware, NeedsAnMps2Board) {
  const TemporaryFolder folder;
  write_project(folder);
  EXPECT_THAT(error_of([&] { LiveFirmware(folder.path(), {.board = "netduinoplus2"}); }),
              HasSubstr("netduinoplus2: has another serial line"));
}

// A pseudo-terminal: the test, or the emulator, is at the board's end.
class PseudoTerminal {
 public:
  PseudoTerminal() {
    char name[64];
    EXPECT_EQ(::openpty(&board_, &host_, name, nullptr, nullptr), 0);
    name_ = name;
    ::fcntl(board_, F_SETFD, FD_CLOEXEC);
    ::fcntl(host_, F_SETFD, FD_CLOEXEC);
  }
  ~PseudoTerminal() {
    unplug();
    ::close(host_);
  }
  PseudoTerminal(const PseudoTerminal&) = delete;
  PseudoTerminal& operator=(const PseudoTerminal&) = delete;

  const std::string& name() const { return name_; }
  int board() const { return board_; }

  void unplug() {
    if (board_ >= 0) ::close(board_);
    board_ = -1;
  }

 private:
  int board_ = -1;
  int host_ = -1;  // keeps the line alive until the program has opened it
  std::string name_;
};

Device shipped(const std::string& name) {
  return load_device(std::string(MCUNET_SOURCE_DIR) + "/configs/devices/" + name + ".yaml");
}

// Live firmware as it is for a board: the emulator's STM32F405 has the USART and the pins of an STM32F412.
TEST(LiveBoard, AnswersOverItsUsart) {
  MCUNET_REQUIRE_EMULATOR();
  Device device = shipped("stm32f412");
  device.sram_banks[0].size_kib = 128;
  const TemporaryFolder folder;
  write_example_model(folder);
  write_firmware_project(folder.path(), device, ConsoleKind::kLive);
  ASSERT_TRUE(link_firmware(folder.path(), device).fits());
  const PseudoTerminal terminal;
  // Between pipes: the emulator would set up a terminal as it sees fit.
  const pid_t board = start_process(
      {"sh", "-c",
       "cat | qemu-system-arm -M netduinoplus2 -display none -monitor none -chardev "
       "stdio,id=line,signal=off -serial null -serial chardev:line -kernel build/firmware.elf | cat"},
      {.folder = folder.path(),
       .input = terminal.board(),
       .output = terminal.board(),
       .blocked_signals = {},
       .leads_group = true});
  {
    LiveFirmware firmware(folder.path(), {.port = terminal.name(), .timeout_seconds = 10});
    expect_answers(firmware);
    EXPECT_EQ(firmware.place(), terminal.name() + " at 115200 baud");
    EXPECT_EQ(firmware.run(input_of(0))->cycles, 0u) << "QEMU has no counter of cycles";
  }
  // What was there before: half of an input, of a program that was killed.
  const int port = ::open(terminal.name().c_str(), O_RDWR | O_NOCTTY);
  const std::string half =
      encode_frame({.kind = FrameKind::kInput, .payload = std::string(16, 'x')}).substr(0, 20);
  EXPECT_EQ(::write(port, half.data(), half.size()), 20);
  ::tcdrain(port);
  ::usleep(100'000);
  {
    LiveFirmware firmware(folder.path(), {.port = terminal.name(), .timeout_seconds = 1});
    expect_answers(firmware);
  }
  ::close(port);
  folder.write("weights.c", read_file(folder / "weights.c") + "// another\n");
  EXPECT_THAT(error_of([&] { LiveFirmware(folder.path(), {.port = terminal.name()}); }),
              HasSubstr(fmt::format(
                  "runs another network than that of {}; write it to the board: mcunet flash",
                  folder.path().string())));
  ::kill(-board, SIGKILL);
  ::waitpid(board, nullptr, 0);
}

// A project whose firmware is live, for a board that the test itself is.
void write_live_project(const TemporaryFolder& folder) {
  write_example_model(folder);
  write_firmware_project(folder.path(), shipped("stm32f412"), ConsoleKind::kLive);
}

// Answers as the example's firmware does. `send` decides what of an answer gets onto the line.
class TestBoard {
 public:
  TestBoard(const TemporaryFolder& folder, int line, std::function<std::string(std::string)> send)
      : network_(network_checksum(folder.path(), {})), line_(line), send_(std::move(send)) {
    thread_ = std::thread([this] { serve(); });
  }
  ~TestBoard() {
    is_over_ = true;
    thread_.join();
  }
  TestBoard(const TestBoard&) = delete;
  TestBoard& operator=(const TestBoard&) = delete;

 private:
  void serve() {
    ::fcntl(line_, F_SETFL, O_NONBLOCK);
    FrameReader reader;
    while (!is_over_) {
      char buffer[256];
      const ssize_t size = ::read(line_, buffer, sizeof buffer);
      if (size <= 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
        continue;
      }
      reader.append({buffer, static_cast<std::size_t>(size)});
      while (const auto frame = reader.next()) answer(*frame);
    }
  }

  void answer(const Frame& frame) {
    Frame answer{.kind = FrameKind::kOutput, .sequence = frame.sequence};
    if (frame.kind == FrameKind::kHello) {
      answer.kind = FrameKind::kDescription;
      answer.payload = word_bytes(16) + word_bytes(18) + word_bytes(network_);
    } else {
      answer.payload = word_bytes(100'000);
      for (const char byte : frame.payload) answer.payload += static_cast<char>(byte + 2);
      answer.payload += "\x07\x09";
    }
    const std::string bytes = send_(encode_frame(answer));
    EXPECT_EQ(::write(line_, bytes.data(), bytes.size()), std::ssize(bytes));
  }

  std::uint32_t network_;
  int line_;
  std::function<std::string(std::string)> send_;
  std::atomic<bool> is_over_ = false;
  std::thread thread_;
};

TEST(LiveBoard, GetsOverANoisyLine) {
  const TemporaryFolder folder;
  write_live_project(folder);
  const PseudoTerminal terminal;
  int answers = 0;
  const TestBoard board(folder, terminal.board(), [&](std::string frame) -> std::string {
    switch (answers++ % 5) {
      case 1:  // a byte that changes
        frame[20] ^= 4;
        return frame;
      case 2:
        return "noise\xB5MCU" + frame;
      case 3:  // a byte that is lost: the host waits for it
        return frame.erase(18, 1);
      default:
        return frame;
    }
  });
  LiveFirmware firmware(folder.path(), {.port = terminal.name(), .timeout_seconds = 0.2});
  expect_answers(firmware, 6);
  EXPECT_GT(firmware.repeats(), 2);
  EXPECT_EQ(firmware.run(input_of(0))->cycles, 100'000u);
}

TEST(LiveBoard, ThatDoesNotAnswerIsAnError) {
  const TemporaryFolder folder;
  write_live_project(folder);
  const PseudoTerminal terminal;
  const LiveOptions options{.port = terminal.name(), .timeout_seconds = 0.05};
  EXPECT_THAT(error_of([&] { LiveFirmware(folder.path(), options); }),
              HasSubstr(terminal.name() + " at 115200 baud: no answer; flash the firmware of"));
  const TestBoard board(folder, terminal.board(), [](const std::string&) { return "inference 0"; });
  EXPECT_THAT(error_of([&] { LiveFirmware(folder.path(), options); }),
              HasSubstr("what comes from there is no answer of live firmware"));
}

TEST(LiveBoard, ThatIsUnpluggedIsAnError) {
  const TemporaryFolder folder;
  write_live_project(folder);
  PseudoTerminal terminal;
  std::optional<TestBoard> board;
  board.emplace(folder, terminal.board(), [](const std::string& frame) { return frame; });
  LiveFirmware firmware(folder.path(), {.port = terminal.name()});
  expect_answers(firmware, 1);
  board.reset();
  terminal.unplug();
  EXPECT_THAT(error_of([&] { firmware.run(input_of(0)); }),
              HasSubstr("the connection ended; was the board unplugged?"));
}

TEST(LiveBoard, PortsThatAreNoneAreErrors) {
  const TemporaryFolder folder;
  write_live_project(folder);
  const auto error_for = [&](const std::string& port, int baud = 115200) {
    return error_of([&] { LiveFirmware(folder.path(), {.port = port, .baud = baud}); });
  };
  EXPECT_THAT(error_for("/dev/ttyNONE7"),
              HasSubstr("/dev/ttyNONE7: cannot be opened: No such file or directory"));
  EXPECT_THAT(error_for((folder / "model.json").string()), HasSubstr("is no serial port"));
  EXPECT_THAT(error_for("/dev/ttyNONE7", 12345),
              HasSubstr("12345 baud: is no rate of serial ports (there are 1200, "));
  write_firmware_project(folder.path(), shipped("stm32f412"));
  EXPECT_THAT(error_for("/dev/ttyNONE7"),
              HasSubstr("its firmware takes no inputs on its console; compile it with "
                        "--console live and flash it"));
}

TEST(LiveBoard, NeedsAPinToReceiveOn) {
  Device device = shipped("stm32f412");
  device.console->rx.reset();
  const TemporaryFolder folder;
  write_example_model(folder);
  EXPECT_THAT(error_of([&] { write_firmware_project(folder.path(), device, ConsoleKind::kLive); }),
              HasSubstr("stm32f412: its console has no rx"));
}

TEST(LiveBoard, LinksForNewerUsarts) {
  MCUNET_REQUIRE_CROSS_COMPILER();
  for (const char* name : {"stm32f746", "stm32h743"}) {
    const TemporaryFolder folder;
    write_example_model(folder);
    const Device device = shipped(name);
    write_firmware_project(folder.path(), device, ConsoleKind::kLive);
    EXPECT_TRUE(is_live_project(folder.path()));
    for (const char* file : {"Makefile", "CMakeLists.txt"}) {
      EXPECT_THAT(read_file(folder / file), HasSubstr("firmware/live_main.c firmware/startup.c"));
    }
    const FirmwareReport report = link_firmware(folder.path(), device);
    EXPECT_TRUE(report.fits());
    EXPECT_LT(report.text_bytes, 2600) << name;
  }
}

}  // namespace
}  // namespace mcunet::deploy
