#include <gmock/gmock.h>

#include "deploy/example_device.hpp"
#include "deploy/example_project.hpp"
#include "end_to_end/run_mcunet.hpp"
#include "mcunet/deploy/firmware.hpp"
#include "mcunet/deploy/npy.hpp"
#include "mcunet/engine/tflite/writer.hpp"

namespace mcunet {
namespace {

using testing::HasSubstr;

class EmulateCommand : public CommandTest {
 protected:
  EmulateCommand() {
    deploy::write_example_model(project_);
    deploy::write_firmware_project(project_.path(), deploy::example_device());
  }

  std::string project() const { return project_.path().string(); }

  TemporaryFolder project_;
};

TEST_F(EmulateCommand, PrintsOneJsonObject) {
  MCUNET_REQUIRE_EMULATOR();
  write("two.bin", std::string(16, '\x01') + std::string(16, '\x05'));
  deploy::write_npy(folder_ / "work/one.npy",
                    {.shape = {1, 4, 4, 1}, .bytes = std::vector<std::int8_t>(16, -1)});
  const Outcome outcome =
      run({"emulate", project(), "--input", "two.bin", "one.npy", "--json", "--out", "out.npy"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const nlohmann::json json = parse_output(outcome);
  ASSERT_EQ(json["inferences"].size(), 3u);
  EXPECT_EQ(json["inferences"][0]["input"], "two.bin[0]");
  EXPECT_EQ(json["inferences"][1]["outputs"][0], std::vector<int>(16, 7));
  EXPECT_EQ(json["inferences"][2]["input"], "one.npy");
  EXPECT_EQ(json["inferences"][2]["outputs"][0], std::vector<int>(16, 1));
  EXPECT_EQ(json["inferences"][2]["outputs"][1], (std::vector<int>{7, 9}));
  EXPECT_TRUE(json["inferences"][0]["exact"].is_null());
  EXPECT_GT(json["inferences"][0]["instructions"], 0);
  EXPECT_GT(json["stack_bytes"], 0);
  EXPECT_EQ(json["steps"][1]["name"], "second");
  const deploy::TensorValues out = deploy::parse_npy(read("out.npy"), "out.npy");
  EXPECT_EQ(out.shape, (std::vector<std::int64_t>{3, 16}));
  EXPECT_EQ(out.bytes[16], 7);
}

TEST_F(EmulateCommand, PrintsTablesForPeople) {
  MCUNET_REQUIRE_EMULATOR();
  write("one.bin", std::string(16, '\x01'));
  const Outcome outcome = run({"emulate", project(), "--input", "one.bin"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  for (const char* part : {"first", "second", "one.bin", "0: 3  1: 3  2: 3", "mps2-an386"}) {
    EXPECT_THAT(outcome.out, HasSubstr(part));
  }
}

TEST_F(EmulateCommand, NamesTheClassesThatTheModelKnows) {
  MCUNET_REQUIRE_EMULATOR();
  const std::string file = (project_ / "model.json").string();
  auto description = nlohmann::json::parse(read_file(file));
  std::vector<std::string> classes;
  for (int i = 0; i < 16; ++i) classes.push_back("class " + std::to_string(i));
  description["classes"] = classes;
  write_file_atomically(file, description.dump());
  write("one.bin", std::string(7, '\x01') + '\x05' + std::string(8, '\x01'));
  EXPECT_EQ(parse_output(run({"emulate", project(), "--input", "one.bin", "--json"}))
                .at("inferences")[0]
                .at("class"),
            "class 7");
  EXPECT_THAT(run({"emulate", project(), "--input", "one.bin"}).out,
              HasSubstr("class 7: 5  class 0: 3  class 1: 3"));
  description["classes"].erase(0);
  write_file_atomically(file, description.dump());
  EXPECT_EQ(failure({"emulate", project(), "--input", "one.bin"}),
            file + ": describes no generated network: it names 15 classes of 16 values");
}

// What the example computes where nothing overflows: a zero point that is larger by 2.
engine::Graph example_graph() {
  engine::Graph graph;
  const engine::TensorId input = engine::add_input(graph, {.height = 4, .width = 4, .channels = 1});
  const engine::TensorId output =
      engine::append_op(graph, {.kind = engine::OpKind::kQuantize, .has_bias = false}, {input});
  engine::edit_info(graph, input) = {.name = "in", .quantization = {0.5F, -3}};
  engine::edit_info(graph, output) = {.name = "out", .quantization = {0.5F, -1}};
  graph.outputs = {output};
  return graph;
}

TEST_F(EmulateCommand, ComparesWithTheReferenceExecutor) {
  MCUNET_REQUIRE_EMULATOR();
  deploy::write_example_model(project_, {.one_output = true});
  engine::write_tflite(example_graph(), project_ / "model.tflite");
  write("good.bin", std::string(16, '\x01'));
  const Outcome good = run({"emulate", project(), "--input", "good.bin", "--json"});
  EXPECT_EQ(good.exit_code, 0) << good.err;
  EXPECT_EQ(parse_output(good)["inferences"][0]["exact"], true);

  // The reference saturates, the example wraps around.
  write("large.bin", std::string(16, '\x7f'));
  const Outcome wrong = run({"emulate", project(), "--input", "good.bin", "large.bin", "--json"});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_EQ(parse_output(wrong)["inferences"][1]["exact"], false);
  EXPECT_EQ(wrong.err, "mcunet: 1 of 2 outputs differ from the reference executor's\n");
}

TEST_F(EmulateCommand, RefusesBadInputs) {
  write("short.bin", std::string(17, '\x01'));
  EXPECT_EQ(failure({"emulate", project(), "--input", "short.bin"}),
            "short.bin: has 17 bytes, which is no multiple of an input's 16");
  write("empty.bin", "");
  EXPECT_THAT(failure({"emulate", project(), "--input", "empty.bin"}), HasSubstr("0 bytes"));
  write("photo.gif", "GIF");
  EXPECT_EQ(
      failure({"emulate", project(), "--input", "photo.gif"}),
      "photo.gif: must be .bin, .npy, or an image or sound that is read here: .jpg, .jpeg, .png, "
      ".bmp, .webp, .tif, .tiff, .ppm, .pgm, .wav, .flac, .ogg");
  EXPECT_THAT(failure({"emulate", "nowhere", "--input", "short.bin"}), HasSubstr("model.json"));
}

// Gray, of the size of the example's input, all pixels alike.
std::string gray_image(char pixel) {
  std::string text = "P5 4 4 255\n";
  text.append(16, pixel);
  return text;
}

TEST_F(EmulateCommand, TakesImages) {
  MCUNET_REQUIRE_EMULATOR();
  write("black.pgm", gray_image('\x00'));
  write("white.PGM", gray_image('\xff'));
  const auto first_output = [&](const std::string& image, const std::string& range) {
    const Outcome outcome =
        run({"emulate", project(), "--input", image, "--input-range", range, "--json"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return parse_output(outcome)["inferences"][0]["outputs"][0];
  };
  // Quantized with scale 0.5 and zero point -3; the example adds 2.
  EXPECT_EQ(first_output("black.pgm", "-1,1"), std::vector<int>(16, -2 - 3 + 2));
  EXPECT_EQ(first_output("white.PGM", "-1,1"), std::vector<int>(16, 2 - 3 + 2));
  EXPECT_EQ(first_output("black.pgm", "0,1"), std::vector<int>(16, -3 + 2));
  EXPECT_EQ(first_output("white.PGM", "0,255"), std::vector<int>(16, -127)) << "127 + 2";
}

// A WAV of 16 bits, one channel.
std::string wav(const std::vector<std::int16_t>& samples, std::uint32_t rate) {
  const auto word = [](std::uint32_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
    return text;
  };
  const auto size = static_cast<std::uint32_t>(2 * samples.size());
  std::string text = "RIFF" + word(36 + size, 4) + "WAVEfmt " + word(16, 4) + word(1, 2) +
                     word(1, 2) + word(rate, 4) + word(2 * rate, 4) + word(2, 2) + word(16, 2) +
                     "data" + word(size, 4);
  for (const std::int16_t sample : samples) text += word(static_cast<std::uint16_t>(sample), 2);
  return text;
}

TEST_F(EmulateCommand, TakesSounds) {
  MCUNET_REQUIRE_EMULATOR();
  write("sound.wav", wav({-32768, 16384, 32767, 0}, 8000));
  EXPECT_THAT(failure({"emulate", project(), "--input", "sound.wav"}),
              HasSubstr("the model's input is 4x4x1, not a row of samples"));
  std::string description = read_file(project_ / "model.json");
  const std::string shape = R"("height": 4, "width": 4)";
  description.replace(description.find(shape), shape.size(), R"("height": 1, "width": 16)");
  project_.write("model.json", description);
  const Outcome outcome = run({"emulate", project(), "--input", "sound.wav", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  std::vector<int> expected(16, -3 + 2);
  expected[0] += -2;
  expected[1] += 1;
  expected[2] += 2;
  EXPECT_EQ(parse_output(outcome)["inferences"][0]["outputs"][0], expected);
  const Outcome faster =
      run({"emulate", project(), "--input", "sound.wav", "--sample-rate", "32000", "--json"});
  EXPECT_EQ(faster.exit_code, 0) << faster.err;
  EXPECT_NE(parse_output(faster)["inferences"][0]["outputs"][0], expected);
}

TEST_F(EmulateCommand, RefusesDamagedMedia) {
  write("bad.jpg", "junk");
  EXPECT_THAT(failure({"emulate", project(), "--input", "bad.jpg"}),
              HasSubstr("bad.jpg: is no readable image"));
  EXPECT_THAT(failure({"emulate", project(), "--input", "none.png"}),
              HasSubstr("none.png: is no readable image"));
  std::string description = read_file(project_ / "model.json");
  const std::string channels = R"("channels": 1,)";
  description.replace(description.find(channels), channels.size(), R"("channels": 5,)");
  project_.write("model.json", description);
  write("image.pgm", gray_image('\x01'));
  EXPECT_THAT(failure({"emulate", project(), "--input", "image.pgm"}),
              HasSubstr("an image has 1 or 3 channels, the model's input has 5"));
  EXPECT_EQ(run({"emulate", project(), "--input", "image.pgm", "--input-range", "1,2"}).exit_code,
            2);
}

TEST_F(EmulateCommand, ImagesNeedTheTrainingProgram) {
  write("image.pgm", gray_image('\x01'));
  const std::filesystem::path alone = folder_ / "mcunet";
  std::filesystem::copy_file(MCUNET_BINARY, alone);
  const Outcome outcome = run({"emulate", project(), "--input", "image.pgm"}, alone.string());
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, HasSubstr("mcunet-train: is not there"));
}

}  // namespace
}  // namespace mcunet
