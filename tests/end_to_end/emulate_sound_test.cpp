// Recordings through the program: feature extraction and network in the firmware.
#include <cmath>

#include "datasets/wav_file.hpp"
#include "deploy/example_project.hpp"
#include "run_mcunet.hpp"
#include "shared_data.hpp"
#include "sound_model.hpp"

namespace mcunet {
namespace {

using testing::HasSubstr;

class EmulateSound : public CommandTest {
 protected:
  std::string compile(bool has_features = true) {
    const auto parameters = datasets::log_mel_parameters(32, 8000, 8000);
    pipeline::compile_sound_model(parameters, "stm32f412", folder_ / "work/sound");
    if (!has_features) {
      pipeline::compile_model(folder_ / "work/sound/model.tflite", deploy::load_device("stm32f412"),
                              {}, folder_ / "work/plain");
    }
    return has_features ? "sound" : "plain";
  }

  // A tone of some length, at some rate.
  void write_tone(const std::string& name, int samples, std::uint32_t rate,
                  std::uint32_t channels) {
    std::vector<std::int16_t> values;
    for (int i = 0; i < samples * static_cast<int>(channels); ++i) {
      values.push_back(static_cast<std::int16_t>(12000 * std::sin(0.3 * i)));
    }
    write(name, datasets::wav_bytes(values, rate, channels));
  }
};

TEST_F(EmulateSound, ComparesFeaturesAndOutputs) {
  MCUNET_REQUIRE_EMULATOR();
  compile();
  write_tone("short.wav", 3000, 8000, 1);
  write_tone("long.wav", 30000, 16000, 2);
  const Outcome outcome = run({"emulate", "sound", "--input", "short.wav", "long.wav", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const nlohmann::json json = parse_output(outcome);
  ASSERT_EQ(json["inferences"].size(), 2u);
  for (const auto& inference : json["inferences"]) {
    EXPECT_EQ(inference["features_exact"], true);
    EXPECT_EQ(inference["exact"], true);
    EXPECT_GT(inference["feature_instructions"], 0);
  }
  EXPECT_EQ(json["inferences"][1]["input"], "long.wav");
  EXPECT_NE(json["inferences"][0]["outputs"], json["inferences"][1]["outputs"]);
  EXPECT_EQ(json["steps"][0]["name"], "log_mel");
  EXPECT_EQ(json["steps"][0]["instructions"], json["inferences"][0]["feature_instructions"]);

  const Outcome table = run({"emulate", "sound", "--input", "short.wav"});
  EXPECT_EQ(table.exit_code, 0) << table.err;
  EXPECT_THAT(table.out, HasSubstr("log_mel"));
  EXPECT_THAT(table.out, HasSubstr("features exact"));
  EXPECT_THAT(table.out, HasSubstr("input        a sound of 8000 samples at 8000 Hz"));
}

TEST_F(EmulateSound, SaysWhichFeaturesDiffer) {
  MCUNET_REQUIRE_EMULATOR();
  compile();
  write_tone("tone.wav", 8000, 8000, 1);
  std::string code = read("sound/features.c");
  const std::size_t gain = code.find(".gain = ");
  ASSERT_NE(gain, std::string::npos);
  code.insert(gain + 8, "1 + ");
  write("sound/features.c", code);
  const Outcome outcome = run({"emulate", "sound", "--input", "tone.wav", "--json"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(parse_output(outcome)["inferences"][0]["features_exact"], false);
  EXPECT_THAT(outcome.err, HasSubstr("mcunet: 1 of 1 features differ from the host's\n"));
}

TEST_F(EmulateSound, StillTakesFeatures) {
  MCUNET_REQUIRE_EMULATOR();
  compile();
  write("features.bin", std::string(32 * 32, '\x11'));
  const Outcome outcome = run({"emulate", "sound", "--input", "features.bin", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const nlohmann::json json = parse_output(outcome);
  EXPECT_EQ(json["inferences"][0]["exact"], true);
  EXPECT_FALSE(json["inferences"][0].contains("features_exact"));
  EXPECT_NE(json["steps"][0]["name"], "log_mel");
}

TEST_F(EmulateSound, RefusesWhatItCannotTakeIn) {
  MCUNET_REQUIRE_CROSS_COMPILER();
  compile(/*has_features=*/false);
  write_tone("tone.wav", 8000, 8000, 1);
  EXPECT_THAT(failure({"emulate", "plain", "--input", "tone.wav"}),
              HasSubstr("tone.wav: the model's input is 32x32x1, "
                        "not a row of samples, and it has no feature extraction"));
  write("bad.wav", "RIFF junk");
  EXPECT_EQ(failure({"emulate", "sound", "--input", "bad.wav"}), "bad.wav: is no readable sound");
  const std::string whole = read("tone.wav");
  write("cut.wav", whole.substr(0, whole.size() / 2));
  EXPECT_EQ(failure({"emulate", "sound", "--input", "cut.wav"}), "cut.wav: is no readable sound");
  EXPECT_EQ(failure({"emulate", "sound", "--input", "none.wav"}), "none.wav: is no readable sound");
  write("empty.wav", datasets::wav_bytes({}, 8000));
  EXPECT_EQ(failure({"emulate", "sound", "--input", "empty.wav"}),
            "empty.wav: is no readable sound");
  write("photo.png", "");
  EXPECT_EQ(failure({"emulate", "sound", "--input", "photo.png"}),
            "photo.png: is an image, but the network takes in sound");
  write("features.bin", std::string(32 * 32, '\x11'));
  EXPECT_EQ(failure({"emulate", "sound", "--input", "tone.wav", "features.bin"}),
            "features.bin: is no sound; give sounds alone, or the network's inputs alone");
  EXPECT_EQ(failure({"emulate", "sound", "--input", "tone.wav", "--sample-rate", "16000"}),
            "--sample-rate: sound takes in sound at 8000 Hz");
}

TEST_F(EmulateSound, TakesRecordings) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  MCUNET_REQUIRE_EMULATOR();
  compile();
  std::vector<std::string> arguments = {"emulate", "sound", "--json", "--input"};
  for (const char* word : {"fsdd/three", "speech_v1_mini/three"}) {
    const std::filesystem::directory_iterator files(data / word);
    arguments.push_back(std::filesystem::absolute(files->path()).string());
  }
  const Outcome outcome = run(arguments);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  for (const auto& inference : parse_output(outcome)["inferences"]) {
    EXPECT_EQ(inference["features_exact"], true);
    EXPECT_EQ(inference["exact"], true);
  }
}

}  // namespace
}  // namespace mcunet
