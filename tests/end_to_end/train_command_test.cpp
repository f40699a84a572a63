#include <fmt/format.h>
#include <signal.h>

#include <chrono>
#include <thread>

#include "end_to_end/run_mcunet.hpp"
#include "end_to_end/small_training.hpp"
#include "mcunet/core/random.hpp"

namespace mcunet {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsSupersetOf;

class TrainCommand : public CommandTest {
 protected:
  TrainCommand() {
    write("small.yaml", std::string(kSmallTraining) + "  width: 0.5\n  resolution: 32\n");
  }

  // Quietly, so that standard error holds the program's own line alone.
  std::vector<std::string> train(const std::string& out, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"-q", "train", "small.yaml", "--out", out});
    return more;
  }
};

class SlowTrainCommand : public TrainCommand {};

TEST_F(TrainCommand, TrainsAndMeasures) {
  const Outcome outcome = run(train("out", {"--json"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto json = parse_output(outcome);
  EXPECT_EQ(outcome.out, read("out/train.json"));
  EXPECT_EQ(json.at("width"), 0.5);
  EXPECT_EQ(json.at("resolution"), 32);
  EXPECT_EQ(json.at("chosen_by"), "width and resolution of the section train");
  EXPECT_EQ(json.at("device"), "cpu");
  EXPECT_EQ(json.at("steps"), 60);
  EXPECT_EQ(json.at("search").at("examples"), 80);
  EXPECT_EQ(json.at("search").at("sampled").size(), 4u);
  EXPECT_GT(json.at("search").at("largest").at("top1"), 0.4);  // chance: 0.25
  EXPECT_GT(json.at("test").at("largest_top1"), 0.4);
  EXPECT_GT(json.at("search").at("largest").at("macs"),
            json.at("search").at("smallest").at("macs"));
  EXPECT_THAT(created(), IsSupersetOf({"out/manifest.json", "out/supernet.pt", "out/train.jsonl",
                                       "out/tensorboard/events.out.tfevents.0.mcunet"}));
}

TEST_F(TrainCommand, ACompleteTrainingIsReadBack) {
  ASSERT_EQ(run(train("out", {"--json"})).exit_code, 0);
  const std::string weights = read("out/supernet.pt");
  const Outcome again = run(train("out", {"--json", "--resume"}));
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_EQ(again.out, read("out/train.json"));
  EXPECT_EQ(again.err, "");
  EXPECT_EQ(read("out/supernet.pt"), weights);
}

TEST_F(TrainCommand, DoesNotOverwriteATraining) {
  ASSERT_EQ(run(train("out")).exit_code, 0);
  const Outcome again = run(train("out"));
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(
      again.err,
      HasSubstr(
          "mcunet: out: holds a training already: go on with --resume, or choose another --out\n"));
}

TEST_F(TrainCommand, StopsOnASignalAndGoesOn) {
  ASSERT_EQ(run(train("whole")).exit_code, 0);
  const pid_t child = start(train("out", {"--set", "train.log_interval_steps=1"}));
  const auto log = folder_ / "work/out/train.jsonl";
  std::error_code error;
  for (int i = 0; i < 60'000 && (std::filesystem::file_size(log, error) == 0 || error); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ::kill(child, SIGTERM);
  const Outcome stopped = finish(child);
  ASSERT_EQ(stopped.exit_code, 1);
  EXPECT_THAT(stopped.err,
              testing::MatchesRegex(
                  "mcunet: stopped at step [0-9]+ of 60; go on with: mcunet train small.yaml "
                  "--out out --set 'train.log_interval_steps=1' --resume\n"));
  ASSERT_EQ(run(train("out", {"--resume"})).exit_code, 0);
  EXPECT_EQ(read("out/supernet.pt"), read("whole/supernet.pt"));
}

TEST_F(TrainCommand, NamesTheKeyThatDiffers) {
  ASSERT_EQ(run(train("out", {"--set", "train.learning_rate=1e30", "--set",
                              "train.checkpoint_interval_steps=1"}))
                .exit_code,
            1);
  const Outcome outcome = run(train("out", {"--resume", "--set", "train.batch_size=8"}));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(
      outcome.err,
      EndsWith(".checkpoint: belongs to another configuration: train.batch_size: was 16, is 8\n"));
}

// Photographs of one colour each, which a run then trains on.
class TrainingOnFiles : public TrainCommand {
 protected:
  TrainingOnFiles() {
    for (int i = 0; i < 40; ++i)
      write_photo(fmt::format("{}/{}.ppm", i % 2 ? "dark" : "light", i), 8);
  }
  void write_photo(const std::string& name, int side) const {
    folder_.write("work/photos/" + name,
                  fmt::format("P6 {} {} 255\n", side, side) +
                      std::string(static_cast<std::size_t>(3 * side * side),
                                  name.starts_with("dark") ? '\x10' : '\xE0'));
  }
  std::vector<std::string> train_on_files(std::vector<std::string> more = {}) const {
    more.insert(more.end(), {"--set", "dataset={kind: folder, path: photos}"});
    return train("out", std::move(more));
  }
};

TEST_F(TrainingOnFiles, DoesNotGoOnWithOthers) {
  ASSERT_EQ(run(train_on_files()).exit_code, 0);
  const auto refusal = [&](const char* change) {
    std::filesystem::remove(folder_ / "work/out/supernet.pt");  // to be made from a checkpoint
    EXPECT_THAT(failure(train_on_files({"--resume"})),
                AllOf(testing::StartsWith(fmt::format(
                          "photos: the data are not those that this run began with: {}", change)),
                      EndsWith("; restore them, or begin anew with another --out")));
    const Outcome search = run({"-q", "search", "small.yaml", "--out", "out", "--set",
                                "dataset={kind: folder, path: photos}"});
    EXPECT_THAT(search.err, HasSubstr(change));
    EXPECT_THAT(run({"eval", "out", "--subnet", "largest"}).err, HasSubstr(change));
  };
  const auto photos = folder_ / "work/photos";
  std::filesystem::rename(photos / "dark/1.ppm", folder_ / "work/1.ppm");
  refusal("class dark had 20 files and has 19");
  std::filesystem::rename(folder_ / "work/1.ppm", photos / "dark/1.ppm");
  write_photo("light/0.ppm", 9);
  refusal("class light had 4060 bytes and has 4111");
  write_photo("light/0.ppm", 8);
  std::filesystem::rename(photos / "dark/1.ppm", photos / "dark/0.ppm");
  refusal("class dark has other files in ");
  std::filesystem::rename(photos / "dark/0.ppm", photos / "dark/1.ppm");
  ASSERT_EQ(run(train_on_files({"--resume"})).exit_code, 0);
}

TEST_F(TrainingOnFiles, WarnsOfWhatIsToBeKnown) {
  folder_.write("work/photos/_old/1.ppm", "");
  folder_.write("work/photos/dark/notes.txt", "");
  std::vector<std::string> arguments = train_on_files();
  arguments.erase(arguments.begin());  // -q
  const Outcome outcome = run(arguments);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("dataset: folders left out: _old\n"));
  EXPECT_THAT(outcome.err, HasSubstr("dataset: files left out: .txt 1\n"));
}

TEST_F(TrainingOnFiles, HoldsToTheShareOfUnreadableFiles) {
  for (int i = 0; i < 4; ++i) folder_.write(fmt::format("work/photos/dark/bad{}.ppm", i), "P6");
  EXPECT_THAT(failure(train_on_files()), HasSubstr("dataset.max_unreadable_share = 0.01"));
  std::vector<std::string> arguments = train_on_files();
  arguments.back() = "dataset={kind: folder, path: photos, max_unreadable_share: 0.2}";
  EXPECT_EQ(run(arguments).exit_code, 0);
}

TEST_F(TrainCommand, TakesTheOptimizedSpace) {
  write("space.yaml",
        "device: stm32f746\n"
        "space: mnasnet\n"
        "space_optimization: {widths: [0.2], resolutions: [48], "
        "samples: 20, sweep: {sram_kib: [], flash_kib: []}}\n"
        "dataset: {kind: synthetic-images, synthetic: {examples: 64, held_out_examples: 32}}\n"
        "train: {largest_epochs: 1, elastic_epochs: 0, "
        "calibration_batches: 1, correlation_samples: 0}\n");
  ASSERT_EQ(run({"space", "space.yaml", "--out", "out", "--no-report"}).exit_code, 0);
  const Outcome outcome = run({"train", "space.yaml", "--out", "out", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto json = parse_output(outcome);
  EXPECT_EQ(json.at("width"), 0.2);
  EXPECT_EQ(json.at("resolution"), 48);
  EXPECT_EQ(json.at("chosen_by"), "out/space.json");
  EXPECT_THAT(read("out/manifest.json"), AllOf(HasSubstr("\"space\": {"), HasSubstr("\"train\"")));
}

TEST_F(TrainCommand, RanksTheSpacesFirst) {
  const std::vector<std::string> unpinned = {"--json", "--set", "train.width=null", "--set",
                                             "train.resolution=null"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.end(), unpinned.begin(), unpinned.end());
    return more;
  };
  const std::vector<std::string> quick =
      with({"--set", "space_optimization={widths: [0.3, 0.5], resolutions: [24, 32], samples: 20}",
            "--set", "train.largest_epochs=1", "--set", "train.elastic_epochs=0"});
  const Outcome outcome = run(train("out", quick));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto ranking = nlohmann::json::parse(read("out/space.json"));
  const auto json = parse_output(outcome);
  EXPECT_EQ(json.at("chosen_by"), "out/space.json");
  EXPECT_EQ(json.at("width"), ranking.at("best").at("width"));
  EXPECT_EQ(json.at("resolution"), ranking.at("best").at("resolution"));

  std::vector<std::string> hopeless = quick;
  hopeless.insert(hopeless.end(), {"--set", "budget.sram_kib=1"});
  const Outcome none = run(train("hopeless", hopeless));
  EXPECT_EQ(none.exit_code, 3);
  EXPECT_THAT(none.err, HasSubstr("nothing fits stm32f746: SRAM: the limit is 1024 bytes"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "work/hopeless"));
}

// By its plan the network has room, but the stack has none.
TEST_F(TrainCommand, WhatCannotLinkIsKnownBefore) {
  write("tiny_device.yaml",
        "name: tiny\ncore: cortex-m4\nclock_mhz: 100\nlatency: cortex-m4\n"
        "flash: {origin: 0x08000000, size_kib: 64}\n"
        "sram_banks: [{name: SRAM, origin: 0x20000000, size_kib: 9}]\narena_banks: [SRAM]\n");
  const Outcome outcome = run(train("out", {"--set", "device=tiny_device.yaml"}));
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_THAT(outcome.err,
              HasSubstr("nothing fits tiny: the smallest network of the space, once linked, needs "
                        "SRAM: "));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "work/out/supernet.pt"));
}

TEST_F(TrainCommand, BadInput) {
  EXPECT_THAT(failure(train("out", {"--set", "train.device=cuda:7"})),
              testing::StartsWith("device: cuda:7 is not there"));
  EXPECT_THAT(failure(train("out", {"--set", "dataset=null"})),
              HasSubstr("training needs the section dataset"));
  EXPECT_THAT(failure(train("out", {"--set", "train.elastic_resolutions=[64]"})),
              HasSubstr("must be at least 16 and smaller than the resolution 32, one is 64"));
  EXPECT_THAT(created(), testing::IsEmpty());
}

// Twenty kills at random moments, of as many trainings as it takes.
TEST_F(SlowTrainCommand, KilledAtAnyMomentItEndsWithTheSameWeights) {
  const std::vector<std::string> options = {"--resume",
                                            "--set",
                                            "train.largest_epochs=10",
                                            "--set",
                                            "train.elastic_epochs=10",
                                            "--set",
                                            "train.checkpoint_interval_steps=7"};
  ASSERT_EQ(run(train("whole", options)).exit_code, 0);
  RandomStream random(20);
  int kills = 0;
  for (int training = 0; kills < 20; ++training) {
    const std::string out = fmt::format("out-{}", training);
    Outcome outcome;
    while (outcome.exit_code != 0) {
      const pid_t child = start(train(out, options));
      if (kills < 20) {
        const auto delay = std::chrono::milliseconds(100 + random.index(1500));
        std::this_thread::sleep_for(delay);
        ::kill(child, SIGKILL);
      }
      outcome = finish(child);
      ASSERT_LE(outcome.exit_code, 0) << outcome.err;
      kills += outcome.exit_code == -1 ? 1 : 0;
    }
    EXPECT_EQ(read(out + "/supernet.pt"), read("whole/supernet.pt")) << out;
  }
}

}  // namespace
}  // namespace mcunet
