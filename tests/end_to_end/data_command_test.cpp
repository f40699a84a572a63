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

TEST_F(DataCommand, PreviewsTheResolutionOfTheTraining) {
  const auto resolution = [&](const std::string& assignment) {
    const Outcome outcome =
        run({"-q", "data", "preview", "synthetic.yaml", "--json", "--columns", "1", "--set",
             assignment, "--set", "space_optimization.samples=20"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return parse_output(outcome)["preprocessing"]["image"]["height"];
  };
  EXPECT_EQ(resolution("train.resolution=40"), 40);
  // The space itself has 224.
  const std::string grid = "space_optimization.resolutions=[48, 96]";
  const Outcome ranked = run({"space", "synthetic.yaml", "--out", "ranked", "--set", grid, "--set",
                              "space_optimization.samples=20", "--json"});
  ASSERT_EQ(ranked.exit_code, 0) << ranked.err;
  EXPECT_EQ(resolution(grid),
            nlohmann::json::parse(read("ranked/space.json"))["best"]["resolution"]);
  EXPECT_EQ(
      failure({"-q", "data", "preview", "synthetic.yaml", "--set", grid, "--set",
               "space_optimization.samples=20", "--set", "budget.sram_kib=4"}),
      "no network of the space proxyless fits stm32f746, so there is no resolution to train at; "
      "say one with --resolution");
  const Outcome outcome = run({"data", "preview", "synthetic.yaml", "--resolution", "24"});
  EXPECT_THAT(outcome.out, HasSubstr("input        an image of 24 x 24 pixels"));
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

// Class folders of an image each, read as a dataset of photographs.
class ClassFolders : public DataCommand {
 protected:
  void add_class(const std::string& name) const {
    for (int i = 0; i < 10; ++i) {
      folder_.write("work/photos/" + name + "/" + std::to_string(i) + ".ppm",
                    "P6 4 4 255\n" + std::string(48, 'x'));
    }
  }
  static std::vector<std::string> command(const std::string& action) {
    return {"data",
            action,
            "synthetic.yaml",
            "--resolution",
            "32",
            "--set",
            "dataset.kind=folder",
            "--set",
            "dataset.path=photos"};
  }
  static inline const std::vector<std::string> kNames = {
      "\x1b[31mred", "\"quoted\"", "-rf", "<b>",
      "back\\slash", "new\nline",  "ä",   std::string(255, 'x')};
};

TEST_F(ClassFolders, OfAnyTextAreShownOnOneLineEach) {
  for (const std::string& name : kNames) add_class(name);
  const Outcome stats = run(command("stats"));
  EXPECT_EQ(stats.exit_code, 0) << stats.err;
  EXPECT_TRUE(std::all_of(stats.out.begin(), stats.out.end(),
                          [](unsigned char c) { return c == '\n' || (c >= ' ' && c != 0x7F); }));
  EXPECT_THAT(stats.out, HasSubstr("\\x1b[31mred "));
  EXPECT_THAT(stats.out, HasSubstr("new\\x0aline "));
  std::vector<std::string> json = command("check");
  json.emplace_back("--json");
  const auto classes = parse_output(run(json))["classes"];
  EXPECT_THAT(classes.get<std::vector<std::string>>(), testing::UnorderedElementsAreArray(kNames));
  EXPECT_EQ(run(command("preview")).exit_code, 0);
}

TEST_F(ClassFolders, AreTakenForWhatTheyAre) {
  for (const char* name : {"cat", "dog", "_old"}) add_class(name);
  folder_.write("work/photos/cat/more/20.ppm", "P6 4 4 255\n" + std::string(48, 'x'));
  folder_.write("work/photos/dog/clip.gif.mov", "");
  folder_.write("work/photos/cow/notes.txt", "");
  for (const char* action : {"check", "stats"}) {
    const Outcome outcome = run(command(action));
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_THAT(outcome.out, HasSubstr("\nto know\n"
                                       "classes without examples  cow\n"
                                       "folders left out          _old\n"
                                       "files left out            .mov 1, .txt 1\n"));
  }
  std::vector<std::string> json = command("check");
  json.emplace_back("--json");
  const auto output = parse_output(run(json));
  EXPECT_EQ(output["examples"], 21);
  EXPECT_EQ(output["findings"][0],
            nlohmann::json::parse(R"({"what": "classes without examples", "items": ["cow"]})"));
  EXPECT_EQ(output["findings"][2]["items"], nlohmann::json::parse(R"([".mov 1", ".txt 1"])"));
}

TEST_F(ClassFolders, OfNoTextAreRefusedByName) {
  for (const std::string& name : kNames) add_class(name);
  add_class("caf\xE9");
  for (const char* action : {"check", "stats", "preview"}) {
    EXPECT_EQ(failure(command(action)),
              "photos: the name of its folder caf\\xe9 is not UTF-8; rename the folder");
  }
}

TEST_F(DataCommand, SaysWhatIsMissing) {
  write("plain.yaml", kSmallExperiment);
  EXPECT_THAT(failure({"data", "check", "plain.yaml"}), HasSubstr("has no section dataset"));
  EXPECT_THAT(failure({"data", "check", "flowers"}), HasSubstr("dataset.path: is not set"));
  EXPECT_THAT(failure({"data", "stats", "flowers", "--set", "dataset.path=absent"}),
              HasSubstr("absent: is no folder"));
  EXPECT_THAT(failure({"data", "stats", "flowers", "--set", "dataset.kind=folders"}),
              HasSubstr("must be one of folder, sound-folder, imagenet, vww"));
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
