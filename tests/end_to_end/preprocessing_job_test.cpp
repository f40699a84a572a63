// Whole jobs on files: what their own emulation saw, `emulate` sees in the same files.
#include <cmath>

#include "datasets/wav_file.hpp"
#include "pnm_file.hpp"
#include "shared_data.hpp"
#include "small_job.hpp"

namespace mcunet {
namespace {

using testing::HasSubstr;

class PreprocessingJob : public SmallJobTest {
 protected:
  // A job on a dataset of files, and then the program on the files of its own emulation.
  void expect_the_same_outputs(const std::string& dataset, const std::string& resolution = "32") {
    const Outcome outcome =
        run(job("run", "out",
                {"--set", "dataset=" + dataset, "--set", "train.resolution=" + resolution, "--set",
                 "train.width=0.5", "--set", "export.emulated_examples=8"}));
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    const auto exported = nlohmann::json::parse(read("out/export.json"));
    const auto& expected = exported.at("inferences");
    ASSERT_FALSE(expected.empty());
    std::vector<std::string> arguments = {"-q", "emulate", "out/export", "--json", "--input"};
    std::vector<std::size_t> windows;  // of series: which of a file's
    for (const auto& inference : expected) {
      const std::string name = inference.at("input");
      const std::size_t row = name.find(", row ");
      arguments.push_back(name.substr(0, row));
      windows.push_back(row == std::string::npos ? 0 : std::stoul(name.substr(row + 6)) / 96);
    }
    const Outcome emulated = run(arguments);
    ASSERT_EQ(emulated.exit_code, 0) << emulated.err;
    const auto json = parse_output(emulated);
    const std::size_t per_file = json["inferences"].size() / expected.size();
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const auto& inference = json["inferences"][i * per_file + windows[i]];
      EXPECT_EQ(inference["outputs"][0], expected[i]["outputs"]) << inference["input"];
      EXPECT_EQ(inference["exact"], true);
      EXPECT_EQ(inference["class"], exported["classes"][expected[i]["predicted"].get<int>()]);
    }
    EXPECT_EQ(json["preprocessing"],
              nlohmann::json::parse(read("out/export/model.json")).at("preprocessing"));
  }

  void write_photos(int height, int width) {
    for (int i = 0; i < 60; ++i) {
      write(fmt::format("photos/{}/{}.ppm", i % 2 == 0 ? "even" : "odd", i),
            pnm_photo(height + i % 5, width + i % 7, 3, static_cast<std::uint64_t>(i)));
    }
  }
};

TEST_F(PreprocessingJob, EmulateSeesCroppedPhotosAlike) {
  write_photos(50, 76);
  expect_the_same_outputs("{kind: folder, path: photos}");
  const Outcome eval = run({"eval", "out", "--subnet", "smallest"});
  EXPECT_THAT(eval.out, HasSubstr("input        an image of 32 x 32 pixels, red, green, blue\n"));
}

TEST_F(PreprocessingJob, EmulateSeesStretchedPhotosAlike) {
  write_photos(50, 76);
  expect_the_same_outputs(
      "{kind: folder, path: photos, image: {evaluation: stretch, channels: 1}}");
}

TEST_F(PreprocessingJob, EmulateHearsSoundsAlike) {
  for (int i = 0; i < 60; ++i) {
    std::vector<std::int16_t> samples;
    for (int n = 0; n < 3000 + 100 * i; ++n) {
      samples.push_back(static_cast<std::int16_t>(9000 * std::sin(0.05 * (1 + i % 2) * n + i)));
    }
    write(fmt::format("sounds/{}/{:02}.wav", i % 2 == 0 ? "low" : "high", i),
          datasets::wav_bytes(samples, 8000));
  }
  std::string validation;
  std::string testing;
  for (int i = 0; i < 20; ++i) {
    const std::string line = fmt::format("{}/{:02}.wav\n", i % 2 == 0 ? "low" : "high", i);
    (i < 10 ? validation : testing) += line;
  }
  write("sounds/validation_list.txt", validation);
  write("sounds/testing_list.txt", testing);
  expect_the_same_outputs(
      "{kind: speech-commands, path: sounds, audio: {sample_rate: 8000, clip_ms: 500}}");
}

TEST_F(PreprocessingJob, EmulateCutsRecordingsAlike) {
  for (int i = 0; i < 60; ++i) {
    std::string table = "time,ax,ay,label\n";
    for (int n = 0; n < 290 + i % 3; ++n) {
      table += fmt::format("{},{:.4f},{:.4f},walk\n", n, 3 * std::sin(0.3 * (1 + i % 2) * n + i),
                           9.81 + std::cos(0.7 * n + i));
    }
    write(fmt::format("recordings/{}/{:02}.csv", i % 2 == 0 ? "slow" : "fast", i), table);
  }
  expect_the_same_outputs("{kind: series, path: recordings, series: {window: 96}}");
  const Outcome eval = run({"eval", "out", "--subnet", "smallest"});
  EXPECT_THAT(eval.out, HasSubstr("input        a series of 96 rows of 2 values"));
  // A recording is as many windows as fit, and each has a name.
  std::string table = "ax,ay\n";
  for (int n = 0; n < 200; ++n) table += fmt::format("{},{}\n", n % 5, n % 7);
  write("long.csv", table);
  const auto json =
      parse_output(run({"-q", "emulate", "out/export", "--json", "--input", "long.csv"}));
  ASSERT_EQ(json["inferences"].size(), 2U);  // at rows 0 and 96
  EXPECT_EQ(json["inferences"][1]["input"], "long.csv[1]");
  write("other.csv", "ax,az\n1,2\n");
  const Outcome refused = run({"emulate", "out/export", "--input", "other.csv"});
  EXPECT_EQ(run({"emulate", "out/export", "--input", "long.csv", "--sample-rate", "8000"}).err,
            "mcunet: long.csv: out/export says itself how recordings are read\n");
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_EQ(refused.err,
            "mcunet: other.csv: has no column ay, which dataset.series.channels names; its columns "
            "are ax, az\n");
}

// Real photographs and recordings, by every kind of preprocessing.
class SlowPreprocessingJob : public PreprocessingJob {
 protected:
  void expect_the_same_outputs_of(const std::string& kind, const std::string& folder,
                                  const std::string& more = "") {
    MCUNET_REQUIRE_SHARED_DATA(data);
    const std::string path = std::filesystem::absolute(data / folder).string();
    expect_the_same_outputs(
        fmt::format("{{kind: {}, path: {}, search_split: 40{}}}", kind, path, more));
  }
};

TEST_F(SlowPreprocessingJob, Flowers) { expect_the_same_outputs_of("folder", "flowers"); }

TEST_F(SlowPreprocessingJob, VisualWakeWords) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  expect_the_same_outputs(fmt::format("{{kind: vww, path: {}, search_split: 20}}",
                                      std::filesystem::absolute(data / "coco_tiny").string()));
}

TEST_F(SlowPreprocessingJob, SpokenDigits) {
  expect_the_same_outputs_of("speech-commands", "fsdd", ", audio: {sample_rate: 8000}");
}

TEST_F(SlowPreprocessingJob, SpeechCommands) {
  expect_the_same_outputs_of("speech-commands", "speech_v1_mini");
}

}  // namespace
}  // namespace mcunet
