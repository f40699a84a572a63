// Firmware that is fed live: in the emulator, and over a pseudo-terminal that stands for a board's port.
#include <fcntl.h>
#include <pty.h>
#include <signal.h>

#include <chrono>
#include <cmath>
#include <fstream>
#include <thread>

#include "datasets/wav_file.hpp"
#include "deploy/example_project.hpp"
#include "detector_model.hpp"
#include "mcunet/core/process.hpp"
#include "mcunet/deploy/reference_model.hpp"
#include "pnm_file.hpp"
#include "run_mcunet.hpp"
#include "sound_model.hpp"

namespace mcunet {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;

constexpr int kResolution = 32;

class Live : public CommandTest {
 protected:
  void compile_image(const std::string& device = "stm32f412") {
    const datasets::ImagePreprocessing image{.shape = {kResolution, kResolution, 3}};
    pipeline::compile_image_model(image, device, folder_ / "work/model");
  }

  void compile_sound() {
    pipeline::compile_sound_model(datasets::log_mel_parameters(kResolution, 8000, 8000),
                                  "stm32f412", folder_ / "work/sound");
  }

  void write_photos(int count) {
    for (int i = 0; i < count; ++i) {
      write(fmt::format("photos/{:03}.ppm", i), pnm_photo(40 + i % 7, 50, 3, std::uint64_t(i)));
    }
  }

  void write_sweep(const std::string& name, int samples, std::uint32_t rate) {
    std::vector<std::int16_t> values;
    for (int i = 0; i < samples; ++i) {
      values.push_back(static_cast<std::int16_t>(12000 * std::sin(1e-5 * i * i)));
    }
    write(name, datasets::wav_bytes(values, rate));
  }

  static std::vector<json> lines_of(const Outcome& outcome) {
    std::vector<json> lines;
    std::istringstream stream(outcome.out);
    for (std::string line; std::getline(stream, line);) {
      lines.push_back(json::parse(line, nullptr, /*allow_exceptions=*/false));
      EXPECT_TRUE(lines.back().is_object()) << line;
    }
    return lines;
  }

  // What `emulate` tells of the photographs.
  json emulated(const std::vector<std::string>& files) const {
    std::vector<std::string> arguments = {"emulate", "model", "--json", "--input"};
    for (const std::string& file : files) arguments.push_back("photos/" + file);
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return parse_output(outcome)["inferences"];
  }

  // Waits until the program has printed so many lines.
  void wait_for_lines(int count) const {
    for (int turn = 0; turn < 6000; ++turn) {
      std::ifstream out(folder_ / "stdout");
      int lines = 0;
      for (std::string line; std::getline(out, line);) ++lines;
      if (lines >= count) return;
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    ADD_FAILURE() << "the program printed nothing";
  }

  // On more photos than it comes to the end of; its first answers are there.
  pid_t start_on_many_photos() {
    compile_image();
    write_photos(1);
    const std::string photo = read("photos/000.ppm");
    for (int i = 0; i < 2000; ++i) write(fmt::format("photos/many{:04}.ppm", i), photo);
    const pid_t child = start({"live", "model", "--images", "photos"});
    wait_for_lines(2);
    return child;
  }
};

// What the emulation of a file gives, live gives.
TEST_F(Live, AnswersAsTheHostAndTheEmulationDo) {
  MCUNET_REQUIRE_EMULATOR();
  compile_image();
  write_photos(3);
  write("photos/001.jpg", "no image");
  write("photos/notes.txt", "no image either");
  const Outcome outcome = run({"live", "model", "--images", "photos", "--json", "--check"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.err,
              MatchesRegex("mcunet: photos/001.jpg: is no readable image; it is skipped\n"
                           "3 inferences on mps2-an386 \\(emulated\\): latency [^\n]*; [0-9.]+ "
                           "inferences/s; 1 file skipped\n"));
  const std::vector<json> lines = lines_of(outcome);
  ASSERT_EQ(lines.size(), 3u);
  const json expected = emulated({"000.ppm", "001.ppm", "002.ppm"});
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i]["input"], fmt::format("{:03}.ppm", i));
    EXPECT_EQ(lines[i]["index"], i);
    EXPECT_EQ(lines[i]["outputs"], expected[i]["outputs"]);
    EXPECT_EQ(lines[i]["exact"], true);
    EXPECT_GT(lines[i]["confidence"], 0.1);
    EXPECT_LE(lines[i]["confidence"], 1);
    EXPECT_GT(lines[i]["latency_ms"], 0);
    EXPECT_GT(lines[i]["inferences_per_second"], 0);
    EXPECT_NEAR(lines[i]["instructions"], expected[i]["instructions"], 3000);
  }
  EXPECT_NE(lines[0]["outputs"], lines[1]["outputs"]);
}

TEST_F(Live, StopsAfterSoManyFrames) {
  MCUNET_REQUIRE_EMULATOR();
  compile_image();
  write_photos(3);
  const Outcome outcome = run({"live", "model", "--images", "photos", "--frames", "1"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(outcome.out,
              MatchesRegex("000.ppm +class [0-9]+ [0-9.]+ %, class [0-9]+ [0-9.]+ % +[0-9.]+ ms +"
                           "[0-9.]+/s  [0-9.]+ M instructions\n"
                           "1 inference on mps2-an386 [^\n]+ inferences/s\n"));
}

// Numbered pictures stand for the frames of a camera; they have its size, as cameras do not crop.
TEST_F(Live, TakesFramesOfACamera) {
  MCUNET_REQUIRE_EMULATOR();
  compile_image();
  for (int i = 0; i < 3; ++i) {
    write(fmt::format("photos/f{}.ppm", i), pnm_photo(kResolution, kResolution, 3, 90 + i));
  }
  const Outcome outcome = run({"live", "model", "--camera", "photos/f%d.ppm", "--json", "--check"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const std::vector<json> lines = lines_of(outcome);
  ASSERT_EQ(lines.size(), 3u);
  const json expected = emulated({"f0.ppm", "f1.ppm", "f2.ppm"});
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i]["input"], fmt::format("frame {}", i));
    EXPECT_EQ(lines[i]["outputs"], expected[i]["outputs"]);
    EXPECT_EQ(lines[i]["exact"], true);
  }
}

TEST_F(Live, CutsSoundIntoClips) {
  MCUNET_REQUIRE_EMULATOR();
  compile_sound();
  write_sweep("sweep.wav", 16000, 8000);  // 2 s, in clips of 1 s
  const Outcome outcome = run(
      {"live", "sound", "--sound", "sweep.wav", "--hop", "0.25", "--no-wait", "--json", "--check"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const std::vector<json> lines = lines_of(outcome);
  ASSERT_EQ(lines.size(), 5u);
  for (const json& line : lines) EXPECT_EQ(line["exact"], true);
  EXPECT_EQ(lines[3]["input"], "0.75 s");
  EXPECT_NE(lines[0]["outputs"], lines[4]["outputs"]);

  write_sweep("short.wav", 3000, 8000);
  const Outcome clip = run({"live", "sound", "--sound", "short.wav", "--json", "--check"});
  ASSERT_EQ(lines_of(clip).size(), 1u) << clip.err;
  EXPECT_EQ(lines_of(clip)[0]["exact"], true);
}

// A program of the recorder's name, which gives two seconds of zeros at once, then fails.
TEST_F(Live, HearsAMicrophone) {
  MCUNET_REQUIRE_EMULATOR();
  compile_sound();
  write("bin/arecord",
        "#!/bin/sh\necho \"$@\" > arguments\nhead -c 32000 /dev/zero\n"
        "while [ ! -e over ]; do sleep 0.05; done\necho 'arecord: no more' >&2\nexit 1\n");
  fs::permissions(folder_ / "work/bin/arecord", fs::perms::owner_all);
  const ScopedVariable path("PATH", (folder_ / "work/bin").string() + ":" + std::getenv("PATH"));
  const Outcome outcome =
      run({"live", "sound", "--microphone", "hw:1", "--frames", "1", "--json", "--check"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  ASSERT_EQ(lines_of(outcome).size(), 1u);
  EXPECT_EQ(lines_of(outcome)[0]["exact"], true);
  EXPECT_EQ(read("arguments"), "-q -t raw -f S16_LE -c 1 -r 8000 -D hw:1\n");
  write("over", "");
  const Outcome ended = run({"live", "sound", "--microphone"});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_EQ(ended.err, "mcunet: arecord: ended: arecord: no more\n");
}

TEST_F(Live, TellsBoxes) {
  MCUNET_REQUIRE_EMULATOR();
  pipeline::compile_detector(pipeline::small_detector(8, 8, 3), "stm32f412",
                             folder_ / "work/model");
  write_photos(2);
  const Outcome outcome = run({"live", "model", "--images", "photos", "--json", "--check"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const std::vector<json> lines = lines_of(outcome);
  ASSERT_EQ(lines.size(), 2u);
  for (const json& line : lines) {
    ASSERT_FALSE(line["detections"].empty());
    EXPECT_EQ(line["detections"][0]["box"].size(), 4u);
    EXPECT_EQ(line["exact"], true) << "outputs and boxes";
  }
  const Outcome text = run({"live", "model", "--images", "photos", "--frames", "1"});
  EXPECT_THAT(text.out, MatchesRegex("000.ppm +class [0-2] [0-9]+ % at [^\n]+\n[^\n]+\n"));
}

// Firmware that asks for its input in rows while it computes.
TEST_F(Live, FeedsFirmwareThatPullsItsInput) {
  MCUNET_REQUIRE_EMULATOR();
  engine::CompileOptions options;
  options.schedule = engine::options_of(engine::SchedulePolicy::kStreaming);
  options.schedule.pulls_input = true;
  pipeline::compile_detector(pipeline::small_detector(8, 8, 3), "stm32f412", folder_ / "work/model",
                             options);
  write_photos(2);
  const Outcome outcome = run({"live", "model", "--images", "photos", "--json", "--check"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  ASSERT_EQ(lines_of(outcome).size(), 2u);
  for (const json& line : lines_of(outcome)) EXPECT_EQ(line["exact"], true);
}

// Firmware that makes its input of a camera's pixels: images become such pixels first.
TEST_F(Live, FeedsFirmwareThatTakesPixels) {
  MCUNET_REQUIRE_EMULATOR();
  engine::CompileOptions options;
  options.schedule = engine::options_of(engine::SchedulePolicy::kStreaming);
  options.schedule.pulls_input = true;
  compile_image();
  write_photos(1);
  std::vector<json> outputs;
  for (const auto format : {engine::PixelFormat::kRgb565, engine::PixelFormat::kYuv422}) {
    options.input_format = format;
    pipeline::compile_model(folder_ / "work/model/model.tflite", deploy::load_device("stm32f412"),
                            options, folder_ / "work/pixels");
    const Outcome outcome = run({"live", "pixels", "--images", "photos", "--json", "--check"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    ASSERT_EQ(lines_of(outcome).size(), 1u);
    EXPECT_EQ(lines_of(outcome)[0]["exact"], true);
    outputs.push_back(lines_of(outcome)[0]["outputs"][0]);
  }
  // Much the same picture.
  for (std::size_t i = 0; i < outputs[0].size(); ++i) {
    EXPECT_NEAR(outputs[0][i].get<int>(), outputs[1][i].get<int>(), 8);
  }
}

TEST_F(Live, EndsWithASummaryWhenInterrupted) {
  MCUNET_REQUIRE_EMULATOR();
  const pid_t child = start_on_many_photos();
  ::kill(child, SIGINT);
  const Outcome outcome = finish(child);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(outcome.out, HasSubstr(" inferences on mps2-an386 (emulated): latency "));
}

TEST_F(Live, EndsWithOneLineWhenTheEmulatorIsKilled) {
  MCUNET_REQUIRE_EMULATOR();
  const pid_t child = start_on_many_photos();
  std::ifstream children(fmt::format("/proc/{0}/task/{0}/children", static_cast<int>(child)));
  pid_t emulator = 0;
  ASSERT_TRUE(children >> emulator);
  ::kill(emulator, SIGKILL);
  const Outcome outcome = finish(child);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.err,
            "mcunet: mps2-an386 (emulated): the emulator was killed by signal 9 (Killed)\n");
  EXPECT_THAT(outcome.out, testing::Not(HasSubstr("inferences on")));
}

TEST_F(Live, RefusesWhatItCannotFeed) {
  MCUNET_REQUIRE_CROSS_COMPILER();
  compile_image();
  write("empty/notes.txt", "");
  EXPECT_EQ(failure({"live", "model", "--images", "none"}),
            "none: cannot be read as a folder: No such file or directory");
  EXPECT_EQ(failure({"live", "model", "--images", "empty"}),
            "empty: holds no images (.jpg, .png, …) and no inputs (.bin, .npy)");
  EXPECT_EQ(failure({"live", "model", "--camera", "/dev/video97"}),
            "/dev/video97: is not there; is the camera connected?");
  EXPECT_EQ(failure({"live", "model", "--camera", "empty/notes.txt"}),
            "empty/notes.txt: cannot be opened as a camera, a film or numbered pictures");
  EXPECT_EQ(failure({"live", "model", "--sound", "word.wav"}),
            "word.wav: model takes in no sound, as it was exported without feature extraction");
  write_photos(1);
  EXPECT_THAT(failure({"live", "model", "--images", "photos", "--port", "/dev/ttyNONE7"}),
              HasSubstr("model: its firmware takes no inputs on its console; compile it with"));
  EXPECT_EQ(failure({"live", "model", "--images", "photos", "--board", "netduinoplus2"}),
            "netduinoplus2: has another serial line than that of live firmware; choose an mps2 "
            "board");
  EXPECT_THAT(failure({"live", "nothing", "--images", "photos"}), HasSubstr("nothing/model.json"));
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{"live", "model"},
        {"live", "model", "--images", "photos", "--camera", "0"},
        {"live", "model", "--images", "photos", "--frames", "0"},
        {"live", "model", "--images", "photos", "--hop", "1"},
        {"live", "model", "--images", "photos", "--baud", "9600"}}) {
    const Outcome outcome = run(wrong);
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_THAT(outcome.err, HasSubstr("(see mcunet live --help)"));
  }
  compile_sound();
  EXPECT_EQ(failure({"live", "sound", "--images", "photos"}),
            "photos: is an image, but the network takes in sound");
  EXPECT_EQ(failure({"live", "sound", "--sound", "none.wav"}), "none.wav: is no readable sound");
}

TEST_F(Live, AFolderOfUnreadableImagesIsAnError) {
  MCUNET_REQUIRE_EMULATOR();
  compile_image();
  write("photos/a.png", "no image");
  const Outcome outcome = run({"live", "model", "--images", "photos"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err,
            "mcunet: photos/a.png: is no readable image; it is skipped\n"
            "mcunet: photos: none of its 1 files could be read\n");
}

TEST_F(Live, HelpTeachesByExamples) {
  const Outcome outcome = run({"live", "--help"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("mcunet live runs/digits/export --sound talk.wav --hop 0.25"));
}

// The firmware of a board in the emulator, behind the port of a terminal.
TEST_F(Live, FeedsABoardOverItsSerialPort) {
  MCUNET_REQUIRE_EMULATOR();
  // The emulator's STM32F405 has an STM32F412's USART and less memory.
  deploy::Device device = deploy::load_device("stm32f412");
  device.sram_banks[0].size_kib = 128;
  const datasets::ImagePreprocessing image{.shape = {kResolution, kResolution, 3}};
  engine::write_tflite(pipeline::image_graph(image.shape), folder_ / "image.tflite");
  pipeline::compile_model(folder_ / "image.tflite", device, {}, folder_ / "work/board",
                          deploy::ConsoleKind::kLive, image);
  write_photos(2);
  int board_end = -1;
  int host_end = -1;
  char port[64];
  ASSERT_EQ(::openpty(&board_end, &host_end, port, nullptr, nullptr), 0);
  ::fcntl(board_end, F_SETFD, FD_CLOEXEC);
  ::fcntl(host_end, F_SETFD, FD_CLOEXEC);
  const pid_t board = start_process(
      {"sh", "-c",
       "cat | qemu-system-arm -M netduinoplus2 -display none -monitor none -chardev "
       "stdio,id=line,signal=off -serial null -serial chardev:line -kernel build/firmware.elf | cat"},
      {.folder = folder_ / "work/board",
       .input = board_end,
       .output = board_end,
       .blocked_signals = {},
       .leads_group = true});
  const Outcome outcome =
      run({"live", "board", "--images", "photos", "--port", port, "--json", "--check"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr(fmt::format("2 inferences on {} at 115200 baud", port)));
  ASSERT_EQ(lines_of(outcome).size(), 2u);
  for (const json& line : lines_of(outcome)) EXPECT_EQ(line["exact"], true);
  ::kill(-board, SIGKILL);
  ::waitpid(board, nullptr, 0);
  ::close(board_end);
  ::close(host_end);
}

using SlowLive = Live;

TEST_F(SlowLive, TwoHundredFramesAreExact) {
  MCUNET_REQUIRE_EMULATOR();
  compile_image();
  write_photos(200);
  const Outcome outcome = run({"live", "model", "--images", "photos", "--json", "--check"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const std::vector<json> lines = lines_of(outcome);
  ASSERT_EQ(lines.size(), 200u);
  deploy::ReferenceModel model(folder_ / "work/model/model.tflite");
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i]["input"], fmt::format("{:03}.ppm", i));
    EXPECT_EQ(lines[i]["exact"], true);
  }
}

TEST_F(SlowLive, TenSecondsOfSoundInRealTimeAreExact) {
  MCUNET_REQUIRE_EMULATOR();
  compile_sound();
  write_sweep("sweep.wav", 80000, 8000);
  const auto start = std::chrono::steady_clock::now();
  const Outcome outcome =
      run({"live", "sound", "--sound", "sweep.wav", "--hop", "0.5", "--json", "--check"});
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::seconds{10});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const std::vector<json> lines = lines_of(outcome);
  // A busy machine may be too slow for some of the 19 clips, and then says so.
  EXPECT_LE(lines.size(), 19u);
  EXPECT_GE(lines.size(), 5u);
  for (const json& line : lines) EXPECT_EQ(line["exact"], true);
}

}  // namespace
}  // namespace mcunet
