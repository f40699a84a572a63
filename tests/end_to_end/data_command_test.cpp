#include "datasets/wav_file.hpp"
#include "run_mcunet.hpp"
#include "shared_data.hpp"

namespace mcunet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr char kSyntheticExperiment[] =
    "device: stm32f746\n"
    "space: proxyless\n"
    "dataset:\n"
    "  kind: synthetic-images\n"
    "  synthetic: {examples: 40, held_out_examples: 12, classes: 4}\n";

class DataCommand : public CommandTest {
 protected:
  DataCommand() { write("synthetic.yaml", kSyntheticExperiment); }
};

TEST_F(DataCommand, ChecksSyntheticData) {
  const Outcome outcome = run({"data", "check", "synthetic.yaml", "--resolution", "32", "--json"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto json = parse_output(outcome);
  EXPECT_EQ(json["examples"], 64);
  EXPECT_EQ(json["unreadable"], 0);
  EXPECT_EQ(json["input"], nlohmann::json::parse("[32, 32, 3]"));
  ASSERT_EQ(json["splits"].size(), 3u);
  EXPECT_EQ(json["splits"][0]["name"], "train");
  EXPECT_EQ(json["splits"][0]["of_class"]["direction_3"], 10);
}

TEST_F(DataCommand, TellsStatistics) {
  const Outcome outcome = run({"data", "stats", "synthetic.yaml", "--resolution", "32", "--set",
                               "dataset.kind=synthetic-audio"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("chirp_3"));
  EXPECT_THAT(outcome.out, HasSubstr("input channel 0: mean"));
}

TEST_F(DataCommand, DrawsAContactSheet) {
  const Outcome outcome = run({"data", "preview", "synthetic.yaml", "--resolution", "32", "--out",
                               "sheet.png", "--columns", "3"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(created(), ElementsAre("sheet.png"));
  EXPECT_THAT(read("sheet.png"), StartsWith("\x89PNG"));
}

TEST_F(DataCommand, ListsUnreadableFilesAndFailsPastTheShare) {
  for (int i = 0; i < 20; ++i) {
    const std::string bytes = datasets::wav_bytes(std::vector<std::int16_t>(4000), 16000);
    for (const char* word : {"yes", "no"}) {
      const bool is_cut = i == 7;
      folder_.write(std::string("work/words/") + word + "/" + std::to_string(i) + "_nohash_0.wav",
                    is_cut ? bytes.substr(0, 1000) : bytes);
    }
  }
  const std::vector<std::string> arguments = {"data",
                                              "check",
                                              "synthetic.yaml",
                                              "--resolution",
                                              "32",
                                              "--set",
                                              "dataset.kind=speech-commands",
                                              "--set",
                                              "dataset.path=words"};
  const Outcome refused = run(arguments);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.out, HasSubstr("unreadable: words/no/7_nohash_0.wav"));
  EXPECT_THAT(refused.out, HasSubstr("unreadable: words/yes/7_nohash_0.wav"));
  EXPECT_THAT(refused.err, HasSubstr("2 of 40 files cannot be read"));
  std::vector<std::string> tolerant = arguments;
  tolerant.insert(tolerant.end(), {"--set", "dataset.max_unreadable_share=0.1"});
  EXPECT_EQ(run(tolerant).exit_code, 0);
}

TEST_F(DataCommand, SaysWhatIsMissing) {
  write("plain.yaml", kSmallExperiment);
  EXPECT_THAT(failure({"data", "check", "plain.yaml"}), HasSubstr("has no section dataset"));
  EXPECT_THAT(failure({"data", "check", "flowers"}), HasSubstr("dataset.path: is not set"));
  EXPECT_THAT(failure({"data", "stats", "flowers", "--set", "dataset.path=absent"}),
              HasSubstr("absent: is no folder"));
  EXPECT_THAT(failure({"data", "stats", "flowers", "--set", "dataset.kind=folders"}),
              HasSubstr("must be one of folder, imagenet, vww"));
}

TEST_F(DataCommand, SpaceAndDatasetMustAgree) {
  write("own.yaml",
        "device: stm32f746\n"
        "space: {classes: 7, stages: [{channels: 24, stride: 2}]}\n"
        "dataset: {kind: synthetic-images}\n");
  EXPECT_THAT(failure({"data", "stats", "own.yaml"}), HasSubstr("is 7, but the dataset's is 4"));
}

}  // namespace
}  // namespace mcunet
