// Detectors through the program: compiled with what their output means, and run on images.
#include "deploy/example_project.hpp"
#include "end_to_end/detector_model.hpp"
#include "pnm_file.hpp"
#include "run_mcunet.hpp"

namespace mcunet {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr char kDetector[] = R"(detector:
  rows: 6
  columns: 5
  anchors:
    - {width: 0.1, height: 0.2}
    - {width: 0.3, height: 0.25}
    - {width: 0.6, height: 0.7}
  classes: [person, car, "caf)"
                             "\xc3\xa9"
                             R"("]
  score: 0.05
)";

class EmulateBoxes : public CommandTest {
 protected:
  void SetUp() override {
    const std::vector<std::byte> file =
        engine::write_tflite(pipeline::detector_graph(pipeline::small_detector(6, 5, 3).head));
    write("model.tflite", {reinterpret_cast<const char*>(file.data()), file.size()});
    write("detector.yaml", kDetector);
    write("street.ppm", pnm_photo(70, 90, 3, 1));
  }

  Outcome compile(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"compile",          "model.tflite", "--device",
                                          "stm32f746",        "--out",        "out",
                                          "--postprocessing", "detector.yaml"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }

  std::string compile_failure(const std::string& yaml) {
    write("bad.yaml", yaml);
    return failure({"compile", "model.tflite", "--device", "stm32f746", "--out", "bad",
                    "--postprocessing", "bad.yaml"});
  }

  bool exists(const std::string& file) const {
    return std::filesystem::exists(folder_ / "work" / file);
  }
};

TEST_F(EmulateBoxes, DrawsWhatTheFirmwareFinds) {
  MCUNET_REQUIRE_EMULATOR();
  const Outcome compiled = compile();
  ASSERT_EQ(compiled.exit_code, 0) << compiled.err;
  const Outcome outcome = run({"emulate", "out", "--input", "street.ppm"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("boxes exact"), HasSubstr("detections"),
                                 HasSubstr("picture      street.boxes.png\n"), HasSubstr("pixels"),
                                 Not(HasSubstr("largest outputs")), Not(HasSubstr("NO"))));
  EXPECT_TRUE(read("street.boxes.png").starts_with("\x89PNG"));
}

TEST_F(EmulateBoxes, TellsProgramsOfBoxes) {
  MCUNET_REQUIRE_EMULATOR();
  ASSERT_EQ(compile({"--prefix", "town"}).exit_code, 0);
  write("raw.bin", std::string(24 * 20 * 3, '\x40'));
  const Outcome outcome =
      run({"emulate", "out", "--json", "--cycles", "--input", "street.ppm", "raw.bin"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_FALSE(exists("street.boxes.png"));
  const nlohmann::json json = parse_output(outcome);
  std::size_t boxes = 0;
  for (const auto& inference : json["inferences"]) {
    const bool is_image = inference["input"] == "street.ppm";
    EXPECT_TRUE(inference["exact"]);
    EXPECT_TRUE(inference["detections_exact"]);
    EXPECT_GT(inference["detection_instructions"], 0);
    EXPECT_TRUE(inference.contains("detection_cycles"));
    EXPECT_FALSE(inference.contains("class"));
    for (const auto& found : inference["detections"]) {
      ++boxes;
      EXPECT_THAT(found["class"].get<std::string>(),
                  testing::AnyOf("person", "car", "caf\xc3\xa9"));
      EXPECT_GE(found["score"], 0.05);
      const auto box = found["box"].get<std::vector<double>>();
      EXPECT_LE(0, box[0]);
      EXPECT_LE(box[2], 1);
      ASSERT_EQ(found.contains("pixels"), is_image);
      if (!is_image) continue;
      const auto pixels = found["pixels"].get<std::vector<double>>();
      EXPECT_NEAR(pixels[2], 90 * box[2], 1e-3);
      EXPECT_NEAR(pixels[1], 70 * box[1], 1e-3);
    }
  }
  EXPECT_GT(boxes, 2u);
  EXPECT_EQ(json["steps"].back()["name"], "detections");

  const Outcome drawn =
      run({"emulate", "out", "--json", "--boxes", "drawn", "--input", "street.ppm"});
  EXPECT_EQ(parse_output(drawn)["inferences"][0]["picture"], "drawn/street.boxes.png");
  EXPECT_TRUE(read("drawn/street.boxes.png").starts_with("\x89PNG"));
}

TEST_F(EmulateBoxes, ReplacesNothingButItsPictures) {
  MCUNET_REQUIRE_CROSS_COMPILER();
  ASSERT_EQ(compile().exit_code, 0);
  write("street.boxes.png", "my notes");
  EXPECT_EQ(failure({"emulate", "out", "--input", "street.ppm"}),
            "street.boxes.png: is there and is no PNG; choose another folder by --boxes");
  EXPECT_EQ(read("street.boxes.png"), "my notes");
  write("b/street.ppm", pnm_photo(70, 90, 3, 2));
  std::filesystem::create_directory(folder_ / "work/drawn");
  EXPECT_EQ(
      failure({"emulate", "out", "--boxes", "drawn", "--input", "street.ppm", "b/street.ppm"}),
      "drawn/street.boxes.png: would hold the boxes of two images of that name; give one at a time");
}

TEST_F(EmulateBoxes, RefusesADescriptionThatDoesNotFit) {
  MCUNET_REQUIRE_CROSS_COMPILER();
  std::string three = kDetector;
  three.replace(three.find("person, "), 8, "");
  EXPECT_EQ(
      compile_failure(three),
      "model.tflite: a detector of 6x5 cells, 3 anchors and 2 classes needs an output of int8 "
      "6x5x21, but the network's is int8 of 6x5x24");
  EXPECT_FALSE(exists("bad"));
  EXPECT_THAT(compile_failure("detector: {rows: 6}"), HasSubstr("bad.yaml:1: detector"));
  EXPECT_THAT(compile_failure("classifier: {}"), HasSubstr("bad.yaml"));
  EXPECT_THAT(compile_failure("detector: {rows: [}"), HasSubstr("bad.yaml"));
  EXPECT_THAT(compile_failure(""), HasSubstr("bad.yaml"));
  EXPECT_THAT(failure({"compile", "model.tflite", "--device", "stm32f746", "--out", "bad",
                       "--postprocessing", "missing.yaml"}),
              HasSubstr("missing.yaml"));
}

TEST_F(EmulateBoxes, RefusesADamagedDescription) {
  MCUNET_REQUIRE_EMULATOR();
  ASSERT_EQ(compile().exit_code, 0);
  const std::string whole = read("out/model.json");
  const auto damage = [&](const std::string& from, const std::string& to) {
    std::string text = whole;
    const std::size_t at = text.find(from, text.find("\"postprocessing\""));
    EXPECT_NE(at, std::string::npos) << from;
    write("out/model.json", text.replace(at, from.size(), to));
    return failure({"emulate", "out", "--input", "street.ppm"});
  };
  EXPECT_EQ(damage("\"rows\": 6", "\"rows\": 7"),
            "out/model.json: its detector has another shape than output 0");
  EXPECT_THAT(damage("\"rows\": 6", "\"rows\": -1"), HasSubstr("detector.rows"));
  EXPECT_THAT(damage("\"person\",", ""), HasSubstr("another shape"));
  EXPECT_THAT(damage("\"person\"", "[]"), HasSubstr("model.json"));
  EXPECT_THAT(damage("\"detector\"", "\"regressor\""), HasSubstr("model.json"));
}

}  // namespace
}  // namespace mcunet
