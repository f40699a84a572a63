#include <fmt/format.h>
#include <signal.h>
#include <sys/mount.h>

#include <map>
#include <set>

#include "end_to_end/run_mcunet.hpp"
#include "end_to_end/small_job.hpp"
#include "mcunet/core/random.hpp"
#include "mcunet/core/stopwatch.hpp"

namespace mcunet {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::StartsWith;

class RunCommand : public SmallJobTest {};

// The accuracy alone of what export.json says of a network.
nlohmann::json without_details(const nlohmann::json& classification) {
  nlohmann::json top1;
  for (const char* key : {"top1", "top1_low", "top1_high", "correct", "examples", "of"}) {
    top1[key] = classification.at(key);
  }
  return top1;
}

TEST_F(RunCommand, DoesAWholeJob) {
  const Outcome outcome = run(job("run", "out", {"--json"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto json = parse_output(outcome);
  for (const char* stage : {"space", "train", "search", "finetune", "export"}) {
    EXPECT_EQ(json.at(stage), nlohmann::json::parse(read(fmt::format("out/{}.json", stage))));
  }
  EXPECT_EQ(json.at("space").at("best").at("resolution"), 32);
  EXPECT_EQ(json.at("train").at("chosen_by"), "out/space.json");
  EXPECT_EQ(json.at("search").at("evaluations"), 8);
  EXPECT_EQ(json.at("finetune").at("subnet"), json.at("search").at("winner").at("subnet"));
  EXPECT_EQ(json.at("finetune").at("inherited_top1"),
            json.at("search").at("winner").at("accuracy"));
  const auto& exported = json.at("export");
  EXPECT_EQ(exported.at("fits"), true);
  EXPECT_EQ(exported.at("exact"), true);
  ASSERT_EQ(exported.at("inferences").size(), 2u);
  for (const auto& inference : exported.at("inferences")) EXPECT_EQ(inference.at("exact"), true);
  EXPECT_EQ(exported.at("fp32").at("top1"), json.at("finetune").at("test_top1"));
  EXPECT_LE(exported.at("peak_sram_bytes"), 320 * 1024);
  const auto classes = nlohmann::json::parse(read("out/manifest.json")).at("classes");
  EXPECT_EQ(classes.size(), 4u);
  EXPECT_EQ(exported.at("classes"), classes);
  EXPECT_EQ(nlohmann::json::parse(read("out/export/model.json")).at("classes"), classes);

  // Beside a search for another device and of another space: one page with both.
  ASSERT_EQ(run(job("run", "other",
                    {"--set", "device=stm32h743", "--set", "space_optimization.resolutions=[24]",
                     "--set", "export.emulated_examples=0"}))
                .exit_code,
            0);
  const auto compared = parse_output(run({"report", "out", "other", "--out", "both", "--json"}));
  EXPECT_EQ(compared.at("report"), "both/index.html");
  ASSERT_EQ(compared.at("runs").size(), 2u);
  EXPECT_EQ(compared.at("runs")[0].at("int8"), without_details(exported.at("int8")));
  EXPECT_EQ(compared.at("runs")[1].at("device"), "stm32h743");
  EXPECT_EQ(compared.at("runs")[1].at("resolution"), 24);
  EXPECT_THAT(read("both/index.html"),
              AllOf(HasSubstr("<th>1: out</th><th>2: other</th>"),
                    HasSubstr("<td>device</td><td>stm32f746</td><td>stm32h743</td>"),
                    HasSubstr("id=\"search_curves-gnuplot_canvas\""),
                    HasSubstr("id=\"fronts_sram-gnuplot_canvas\""),
                    HasSubstr("id=\"accuracy_by_space-gnuplot_canvas\"")));

  // A part of the test set, and that it is one.
  const Outcome part = run(job("export", "out", {"--resume", "--set", "export.test_examples=30"}));
  ASSERT_EQ(part.exit_code, 0) << part.err;
  EXPECT_THAT(part.out, HasSubstr("top-1 on 30 of 80 examples of the test split: "));
  EXPECT_THAT(part.out, HasSubstr(classes.at(0).get<std::string>()));
  EXPECT_THAT(
      created(),
      IsSupersetOf({"out/manifest.json", "out/report/index.html", "out/pictures/class_0.jpg",
                    "out/supernet.pt", "out/search.csv", "out/network.json", "out/network.pt",
                    "out/export/model.c", "out/export/model.h", "out/export/model.json",
                    "out/export/model.tflite", "out/export/weights.c"}));
}

TEST_F(RunCommand, TrainsOnWithTheRoundingOfInt8) {
  const Outcome outcome = run(aware_job("run", "out", {"--json"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto json = parse_output(outcome);
  const auto& aware = json.at("quantization_aware");
  EXPECT_EQ(aware, nlohmann::json::parse(read("out/quantization_aware.json")));
  EXPECT_EQ(aware.at("steps"), 20);
  const auto& exported = json.at("export");
  EXPECT_EQ(exported.at("quantization_aware").at("held_out_top1"), aware.at("held_out_top1"));
  EXPECT_EQ(exported.at("quantization_aware").at("kept"), aware.at("kept"));
  EXPECT_EQ(exported.at("exact"), true);

  // All else is as without; what is exported is another network, unless it is worse.
  ASSERT_EQ(run(job("run", "without")).exit_code, 0);
  EXPECT_EQ(read("out/network.pt"), read("without/network.pt"));
  EXPECT_EQ(read("out/export/weights.c") == read("without/export/weights.c"),
            !aware.at("kept").get<bool>());
  EXPECT_FALSE(nlohmann::json::parse(read("without/export.json")).contains("quantization_aware"));
  EXPECT_FALSE(fs::exists(folder_ / "work/without/quantization_aware"));

  // Stage by stage it is the same.
  for (const char* stage : {"space", "train", "search", "finetune", "export"}) {
    const Outcome alone = run(aware_job(stage, "stages", {"--json"}));
    ASSERT_EQ(alone.exit_code, 0) << stage << ": " << alone.err;
    if (std::string(stage) == "finetune") {
      auto result = nlohmann::json::parse(alone.out);
      EXPECT_EQ(result.at("quantization_aware").at("held_out_top1"), aware.at("held_out_top1"));
      EXPECT_EQ(result.at("top1"), json.at("finetune").at("top1"));
    }
  }
  expect_same_results("stages", "out");
  const Outcome told = run(aware_job("finetune", "stages", {"--resume"}));
  EXPECT_THAT(told.out, AllOf(HasSubstr("top-1 in int8 on 32 of 80 examples of the search split: "),
                              HasSubstr(") by quantization-aware training\n")));
  EXPECT_THAT(run(aware_job("export", "stages", {"--resume"})).out,
              HasSubstr("top-1 in int8 on 32 of 80 examples of the search split: "));
}

TEST_F(RunCommand, WeightsOfFourBitsAreThoseOfTheWholeJob) {
  const std::vector<std::string> four = {"--set", "quantization.weight_bits=4"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.end(), four.begin(), four.end());
    return more;
  };
  const Outcome outcome = run(aware_job("run", "out", with({"--json"})));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto json = parse_output(outcome);
  EXPECT_EQ(json.at("quantization_aware").at("weight_bits"), 4);
  const auto& exported = json.at("export");
  EXPECT_EQ(exported.at("weight_bits"), 4);
  EXPECT_EQ(exported.at("exact"), true);
  EXPECT_EQ(exported.at("inferences").size(), 2u);
  EXPECT_THAT(read("out/export/model.c"), HasSubstr("_s4("));
  EXPECT_THAT(read("out/report/index.html"),
              AllOf(HasSubstr("top-1 in int8 with 4-bit weights, test set"),
                    HasSubstr("<td>weights, activations</td><td>4, 8 bits</td>")));

  // The search planned the network with the flash that it takes.
  const auto winner = json.at("search").at("winner").at("resources").at("flash_bytes");
  const auto planned = parse_output(
      run({"plan", "out/network.json", "--weight-bits", "4", "--scratch", "tinyengine", "--json"}));
  EXPECT_EQ(planned.at("flash_bytes"), winner);
  const auto eight = parse_output(run({"plan", "out/network.json", "--json"}));
  EXPECT_GT(eight.at("flash_bytes"), winner);
  const Outcome evaluated = run({"eval", "out", "--subnet", "out/network.json"});
  EXPECT_THAT(evaluated.out, HasSubstr(" bytes, with 4-bit weights\n")) << evaluated.err;
  EXPECT_THAT(run(aware_job("export", "out", with({"--resume"}))).out,
              HasSubstr(" in int8 with 4-bit weights (ranges by "));

  // It does not go on at another width, from whatever stage on.
  EXPECT_EQ(failure(aware_job("run", "out", {"--resume"})),
            "out/manifest.json: belongs to another configuration (quantization.weight_bits: was 4, "
            "is 8); resume with that one or choose another --out");
  const Outcome same =
      run(aware_job("run", "out",
                    with({"--resume", "--set", "quantization.activation_bits=8", "--set",
                          "quantization.calibration_images=31", "--json"})));
  EXPECT_EQ(same.exit_code, 0) << same.err;
  EXPECT_EQ(
      failure(
          aware_job("run", "out", with({"--resume", "--set", "quantization.activation_bits=4"}))),
      "out/manifest.json: belongs to another configuration (quantization.activation_bits: was "
      "8, is 4); resume with that one or choose another --out");
}

// Everything that a stage leaves, but for the report, which every run draws again.
std::map<std::string, fs::file_time_type> times_of(const fs::path& folder) {
  std::map<std::string, fs::file_time_type> times;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().lexically_relative(folder).string();
    if (entry.is_regular_file() && !name.starts_with("report/"))
      times[name] = entry.last_write_time();
  }
  return times;
}

TEST_F(RunCommand, StagesOneByOneGiveTheSameAndAreNotDoneAgain) {
  ASSERT_EQ(run(job("run", "whole")).exit_code, 0);
  for (const char* stage : {"space", "train", "search", "finetune", "export"}) {
    const Outcome outcome = run(job(stage, "out", {"--json"}));
    ASSERT_EQ(outcome.exit_code, 0) << stage << ": " << outcome.err;
    EXPECT_EQ(nlohmann::json::parse(outcome.out),
              nlohmann::json::parse(read(fmt::format("out/{}.json", stage))));
  }
  expect_same_results("out", "whole");

  const auto before = times_of(folder_ / "work/out");
  const Outcome again = run(job("run", "out", {"--resume", "--json"}));
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(times_of(folder_ / "work/out"), before);
  EXPECT_TRUE(fs::exists(folder_ / "work/out/report/index.html"));
  for (const char* stage : {"search", "finetune", "export"}) {
    EXPECT_EQ(run(job(stage, "out", {"--resume"})).exit_code, 0) << stage;
  }
  EXPECT_EQ(times_of(folder_ / "work/out"), before);

  const Outcome refused = run(job("run", "out"));
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_EQ(refused.err,
            "mcunet: out: holds a job already: go on with --resume, or choose another --out\n");
  EXPECT_EQ(times_of(folder_ / "work/out"), before);
}

TEST_F(RunCommand, ASupernetServesOtherDevicesInFoldersOfTheirOwn) {
  ASSERT_EQ(run(job("train", "runs/small")).exit_code, 0);
  const auto before = times_of(folder_ / "work/runs/small");

  const Outcome other = run({"run", "runs/small/", "--device", "stm32f412"});
  ASSERT_EQ(other.exit_code, 0) << other.err;
  EXPECT_THAT(other.err, HasSubstr("runs/small-stm32f412 has the supernet of runs/small/"));
  EXPECT_THAT(other.err, Not(HasSubstr("Training at width")));
  EXPECT_EQ(read("runs/small-stm32f412/supernet.pt"), read("runs/small/supernet.pt"));
  const auto manifest = nlohmann::json::parse(read("runs/small-stm32f412/manifest.json"));
  EXPECT_EQ(manifest.at("config").at("device").at("name"), "stm32f412");
  EXPECT_EQ(manifest.at("config").at("budget").at("flash_kib"), 1024 - 32);
  EXPECT_EQ(manifest.at("classes"),
            nlohmann::json::parse(read("runs/small/manifest.json")).at("classes"));
  EXPECT_EQ(manifest.at("stages").at("train").at("wall_seconds"), 0);
  EXPECT_TRUE(fs::exists(folder_ / "work/runs/small-stm32f412/export/model.tflite"));

  // At another width of the weights, stage by stage; in its own folder without --out.
  const Outcome narrow = run({"-q", "search", "runs/small", "--set", "quantization.weight_bits=4",
                              "--out", "narrow", "--json"});
  ASSERT_EQ(narrow.exit_code, 0) << narrow.err;
  EXPECT_EQ(times_of(folder_ / "work/runs/small"), before);
  const Outcome own = run({"-q", "search", "runs/small", "--json"});
  ASSERT_EQ(own.exit_code, 0) << own.err;
  const auto flash_of = [](const Outcome& outcome) {
    return nlohmann::json::parse(outcome.out)
        .at("winner")
        .at("resources")
        .at("flash_bytes")
        .get<int>();
  };
  EXPECT_LT(flash_of(narrow), flash_of(own));
  // Widths of blocks, of which a supernet knows nothing.
  const Outcome genes = run({"-q", "search", "runs/small", "--set",
                             "space.elastic_weight_bits=[4, 8]", "--out", "genes", "--json"});
  ASSERT_EQ(genes.exit_code, 0) << genes.err;
  EXPECT_TRUE(nlohmann::json::parse(genes.out).at("winner").at("subnet").contains("weight_bits"));

  EXPECT_EQ(
      failure({"-q", "run", "runs/small", "--device", "stm32f412"}),
      "runs/small-stm32f412: holds a job already: go on with --resume, or choose another --out");
  EXPECT_THAT(failure({"-q", "train", "runs/small", "--device", "stm32f746"}),
              StartsWith("runs/small: is the folder of a job, whose supernet is trained"));
  EXPECT_THAT(failure({"-q", "search", "runs/small", "--device", "abacus"}), HasSubstr("abacus"));
  write("foreign/supernet.pt", "another");
  EXPECT_EQ(
      failure({"-q", "search", "runs/small", "--out", "foreign"}),
      "foreign/supernet.pt: is another supernet than that of runs/small: choose another --out");
  EXPECT_EQ(read("foreign/supernet.pt"), "another");
  fs::remove(folder_ / "work/runs/small/supernet.pt");
  EXPECT_EQ(failure({"-q", "search", "runs/small", "--out", "new"}),
            "runs/small: has no trained supernet: complete it with mcunet train");
}

TEST_F(RunCommand, AnySubNetworkOfASupernetIsExported) {
  ASSERT_EQ(run(job("run", "runs/small", {"--set", "export.emulated_examples=0"})).exit_code, 0);
  const auto before = times_of(folder_ / "work/runs/small");
  const auto json_of = [&](const std::string& file) { return nlohmann::json::parse(read(file)); };
  const auto exported = [&](const std::string& subnet, const std::string& folder) {
    const Outcome outcome = run({"-q", "export", "runs/small", "--subnet", subnet, "--json"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(nlohmann::json::parse(outcome.out), json_of(folder + "/export.json"));
    EXPECT_EQ(read(folder + "/supernet.pt"), read("runs/small/supernet.pt"));
    return json_of(folder + "/finetune.json");
  };
  const auto largest = exported("largest", "runs/small-largest");
  EXPECT_EQ(largest.at("subnet"),
            json_of("runs/small/train.json").at("search").at("largest").at("subnet"));
  EXPECT_EQ(largest.at("steps"), 0);
  EXPECT_EQ(largest.at("kept"), "inherited");

  // The first is the winner, with the weights from before its fine-tuning.
  const auto winner = json_of("runs/small/finetune.json");
  const auto first = exported("rank:1", "runs/small-rank1");
  EXPECT_EQ(first.at("subnet"), winner.at("subnet"));
  EXPECT_EQ(first.at("top1"), winner.at("inherited_top1"));

  // After a fine-tuning, in place of a search, with a report.
  const auto smallest = json_of("runs/small/train.json").at("search").at("smallest").at("subnet");
  write("mine.json", smallest.dump());
  const Outcome tuned = run({"-q", "run", "runs/small", "--subnet", "mine.json"});
  ASSERT_EQ(tuned.exit_code, 0) << tuned.err;
  EXPECT_THAT(tuned.out, Not(HasSubstr("Best of")));
  EXPECT_EQ(json_of("runs/small-mine/finetune.json").at("subnet"), smallest);
  EXPECT_GT(json_of("runs/small-mine/finetune.json").at("steps"), 0);
  EXPECT_THAT(read("runs/small-mine/report/index.html"), HasSubstr("after fine-tuning"));
  EXPECT_FALSE(fs::exists(folder_ / "work/runs/small-mine/search.json"));
  EXPECT_GT(json_of("runs/small-largest/export.json").at("flash_bytes"),
            json_of("runs/small-mine/export.json").at("flash_bytes"));
  EXPECT_EQ(times_of(folder_ / "work/runs/small"), before);

  const auto refused = [&](const std::string& subnet) {
    return failure({"-q", "export", "runs/small", "--subnet", subnet, "--out", "refused"});
  };
  EXPECT_EQ(refused("rank:1000"), "rank:1000: the search of runs/small measured 12 networks");
  EXPECT_EQ(refused("rank:0"), "rank:0: is no place in a ranking, as rank:3 is");
  EXPECT_EQ(refused("best"),
            "best: is no sub-network: largest, smallest, rank:N and JSON files are");
  write("foreign.json", R"({"width": 0.1, "resolution": 32})");
  EXPECT_THAT(refused("foreign.json"), StartsWith("foreign.json: "));
  EXPECT_EQ(failure({"-q", "export", "job.yaml", "--subnet", "largest"}),
            "--subnet: is of a job with a trained supernet, and job.yaml is the folder of none");
  EXPECT_FALSE(fs::exists(folder_ / "work/refused"));
}

TEST_F(RunCommand, ASecondJobInAFolderIsRefused) {
  const pid_t first = start(job("run", "out"));
  wait_for_content("out/train.jsonl");
  ::kill(first, SIGSTOP);
  const std::string owner = fmt::format("out: process {} on ", first);
  for (const char* command : {"run", "train", "export"}) {
    EXPECT_THAT(failure(job(command, "out", {"--resume"})),
                AllOf(StartsWith(owner), HasSubstr("works there")))
        << command;
  }
  EXPECT_THAT(failure({"-q", "space", "job.yaml", "--out", "out"}), StartsWith(owner));
  ::kill(first, SIGTERM);
  ::kill(first, SIGCONT);
  EXPECT_EQ(finish(first).exit_code, 1);
  EXPECT_FALSE(fs::exists(folder_ / "work/out/.lock"));
  EXPECT_EQ(run(job("train", "out", {"--resume"})).exit_code, 0);
}

TEST_F(RunCommand, StopsOnASignalAndGoesOn) {
  ASSERT_EQ(run(job("run", "whole")).exit_code, 0);
  // In the training of the supernet, in the search, in the fine-tuning.
  for (const char* file : {"train.jsonl", "search/accuracies.jsonl", "finetune/train.jsonl"}) {
    const pid_t child = start(job("run", "out", {"--resume"}));
    wait_for_content(std::string("out/") + file);
    ::kill(child, SIGTERM);
    const Outcome stopped = finish(child);
    ASSERT_EQ(stopped.exit_code, 1) << file << ": " << stopped.err;
    EXPECT_EQ(stopped.err,
              "mcunet: stopped; go on with: mcunet run job.yaml --out out "
              "--set 'train.largest_epochs=1' --set 'train.elastic_epochs=1' --resume\n");
    EXPECT_EQ(stopped.out, "");
  }
  EXPECT_FALSE(fs::exists(folder_ / "work/out/network.pt"));
  ASSERT_EQ(run(job("run", "out", {"--resume"})).exit_code, 0);
  expect_same_results("out", "whole");
}

TEST_F(RunCommand, NothingFitsTheSpaces) {
  const Outcome outcome = run(job("run", "out", {"--set", "budget.sram_kib=1"}));
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, testing::MatchesRegex(
                               "mcunet: nothing fits stm32f746: SRAM: the limit is 1024 bytes, "
                               "the smallest of the networks needs [0-9]+\n"));
  EXPECT_THAT(created(), testing::IsEmpty());
  // A budget of that many bytes is enough.
  const double bytes = std::stod(outcome.err.substr(outcome.err.rfind(' ')));
  const std::string enough = fmt::format("budget.sram_kib={}", bytes / 1024);
  EXPECT_EQ(run(job("space", "enough", {"--set", enough})).exit_code, 0);
}

TEST_F(RunCommand, NothingFitsAWidthAndResolutionThatAreGiven) {
  const Outcome outcome = run(job(
      "train", "out",
      {"--set", "budget.sram_kib=1", "--set", "train.width=0.5", "--set", "train.resolution=32"}));
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_THAT(outcome.err, testing::MatchesRegex(
                               "mcunet: nothing fits stm32f746: SRAM: the limit is 1024 bytes, "
                               "the smallest of the networks needs [0-9]+\n"));
  EXPECT_THAT(created(), testing::IsEmpty());
}

TEST_F(RunCommand, StagesOutOfOrder) {
  EXPECT_EQ(failure(job("search", "out")),
            "out: holds no trained supernet: supernet.pt is not there");
  EXPECT_EQ(failure(job("finetune", "out")),
            "out: holds no search; run mcunet search into it first");
  EXPECT_EQ(failure(job("export", "out")),
            "out: holds no fine-tuned network: network.json is not there");
  EXPECT_THAT(created(), testing::IsEmpty());
}

TEST_F(RunCommand, BadInput) {
  EXPECT_THAT(failure(job("run", "out", {"--set", "dataset={kind: folder, path: nowhere}"})),
              HasSubstr("nowhere: is no folder"));
  EXPECT_THAT(failure(job("run", "out", {"--set", "dataset={kind: imagenet}"})),
              HasSubstr("dataset.path"));
  EXPECT_EQ(failure(job("run", "out", {"--set", "dataset=null"})),
            "training needs the section dataset in the experiment");
  EXPECT_THAT(
      failure(job("run", "out", {"--set", "quantization.method=luck"})),
      EndsWith("quantization.method: must be one of best, min-max, percentile, mse, is luck"));
  EXPECT_THAT(created(), testing::IsEmpty());
  write("file", "");
  EXPECT_THAT(failure(job("run", "file/out")), StartsWith("file/out: cannot be created: "));
}

// What an error must leave as it was.
class DamagedRun : public SmallJobTest {
 protected:
  void SetUp() override { ASSERT_EQ(run(job("run", "out")).exit_code, 0); }

  // The line of `command` while a file lacks its end.
  std::string error_without_end(const std::string& command, const std::string& file) {
    const std::string whole = read(file);
    folder_.write("work/" + file, whole.substr(0, whole.size() / 2));
    std::string line = failure(job(command, "out", {"--resume"}));
    folder_.write("work/" + file, whole);
    return line;
  }
  // As if the stage had not completed.
  void forget(const std::string& stage) {
    auto manifest = nlohmann::ordered_json::parse(read("out/manifest.json"));
    manifest.at("stages").erase(stage);
    folder_.write("work/out/manifest.json", manifest.dump());
  }
};

TEST_F(DamagedRun, IsToldAndHealed) {
  folder_.write("work/whole.csv", "");
  std::filesystem::copy(folder_ / "work/out", folder_ / "work/whole",
                        std::filesystem::copy_options::recursive);
  for (const char* file : {"space.json", "train.json", "search.json", "finetune.json",
                           "export.json", "supernet.pt", "search/evolution.json"}) {
    EXPECT_THAT(error_without_end("run", fmt::format("out/{}", file)),
                StartsWith(fmt::format("out/{}: ", file)));
  }
  EXPECT_THAT(error_without_end("run", "out/manifest.json"), StartsWith("out/manifest.json: "));

  forget("export");
  for (const char* file : {"network.pt", "network.json"}) {
    EXPECT_THAT(error_without_end("run", fmt::format("out/{}", file)),
                StartsWith(fmt::format("out/{}:", file)));
  }
  forget("search");
  for (const char* file : {"search/evolution.json", "search/random.json", "search/front.json",
                           "search/problem.json"}) {
    EXPECT_THAT(error_without_end("run", fmt::format("out/{}", file)),
                StartsWith(fmt::format("out/{}:", file)));
  }
  ASSERT_EQ(run(job("run", "out", {"--resume"})).exit_code, 0);
  expect_same_results("out", "whole");
}

TEST_F(DamagedRun, ARunOfAnotherConfigurationIsLeftAlone) {
  const auto before = times_of(folder_ / "work/out");
  const std::vector<std::string> other = {"--set", "finetune.epochs=2"};
  for (const char* command : {"run", "train", "search", "finetune", "export"}) {
    for (const bool resume : {false, true}) {
      std::vector<std::string> more = other;
      if (resume) more.emplace_back("--resume");
      EXPECT_EQ(
          failure(job(command, "out", more)),
          "out/manifest.json: belongs to another configuration (finetune.epochs: was 1, is 2); "
          "resume with that one or choose another --out");
    }
  }
  EXPECT_EQ(times_of(folder_ / "work/out"), before);
}

// A file system of a given size in the job's folder, as long as it lives.
class SmallDisk {
 public:
  explicit SmallDisk(const fs::path& folder) : folder_(folder) {
    fs::create_directories(folder);
    is_mounted_ = ::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=64k") == 0;
  }
  ~SmallDisk() {
    if (is_mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool is_mounted() const { return is_mounted_; }
  void resize(int kib) const {
    const std::string options = fmt::format("size={}k", kib);
    ASSERT_EQ(::mount("tmpfs", folder_.c_str(), "tmpfs", MS_REMOUNT, options.c_str()), 0);
  }

 private:
  fs::path folder_;
  bool is_mounted_ = false;
};

class SlowRunCommand : public SmallJobTest {
 protected:
  void SetUp() override {
    const Stopwatch stopwatch;
    ASSERT_EQ(run(aware_job("run", "whole")).exit_code, 0);
    duration_ = std::chrono::duration<double>(stopwatch.seconds());
  }

  std::chrono::duration<double> duration_{};  // of a whole job, on this machine as busy as it is
};

// The disk fills in ever later stages, and is made larger each time.
TEST_F(SlowRunCommand, ADiskThatFillsIsToldAndNothingIsLost) {
  const SmallDisk disk(folder_ / "work/out");
  if (!disk.is_mounted()) GTEST_SKIP() << "a small file system cannot be mounted here";
  int failures = 0;
  for (int kib = 64; kib < 64 * 1024; kib = kib * 5 / 4) {
    disk.resize(kib);
    const Outcome outcome = run(aware_job("run", "out", {"--resume"}));
    if (outcome.exit_code == 0) break;
    ++failures;
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_THAT(outcome.err, AllOf(StartsWith("mcunet: "), HasSubstr("No space left on device")));
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  }
  EXPECT_GE(failures, 4);
  expect_same_results("out", "whole");
}

// Twenty kills at random moments, of as many jobs as it takes.
TEST_F(SlowRunCommand, KilledAtRandomMomentsItEndsWithTheSameNetwork) {
  RandomStream random(20);
  int kills = 0;
  std::set<std::size_t> stages_done;
  for (int attempt = 0; kills < 20; ++attempt) {
    const std::string out = fmt::format("out-{}", attempt);
    Outcome outcome;
    while (outcome.exit_code != 0) {
      const pid_t child = start(aware_job("run", out, {"--resume"}));
      if (kills < 20) {
        std::this_thread::sleep_for(duration_ *
                                    (0.05 + 0.01 * static_cast<double>(random.index(90))));
        ::kill(child, SIGKILL);
      }
      outcome = finish(child);
      ASSERT_LE(outcome.exit_code, 0) << outcome.err;
      if (outcome.exit_code == 0) continue;
      ++kills;
      const fs::path manifest = folder_ / "work" / out / "manifest.json";
      stages_done.insert(fs::exists(manifest)
                             ? nlohmann::json::parse(read_file(manifest)).at("stages").size()
                             : 0);
    }
    expect_same_results(out, "whole");
  }
  EXPECT_GE(stages_done.size(), 2u) << "the kills came all at the same stages";
}

// At the moments between two files, and with what a kill may leave of one.
TEST_F(SlowRunCommand, KilledBetweenTwoFilesItEndsWithTheSameNetwork) {
  for (const char* file : {"space.json",
                           "checkpoints",
                           "supernet.pt",
                           "train.json",
                           "search/problem.json",
                           "search/accuracies.jsonl",
                           "search/evolution.json",
                           "search/random.json",
                           "search/front.json",
                           "search.json",
                           "finetune/train.jsonl",
                           "finetune/checkpoints",
                           "network.json",
                           "network.pt",
                           "finetune.json",
                           "quantization_aware/ranges.json",
                           "quantization_aware/train.jsonl",
                           "quantization_aware/checkpoints",
                           "quantization_aware.pt",
                           "quantization_aware.json",
                           "export",
                           "export.json"}) {
    const pid_t child = start(aware_job("run", "out", {"--resume"}));
    const fs::path path = folder_ / "work/out" / file;
    int status = 0;
    bool ended = false;
    while (!fs::exists(path) && !ended) ended = ::waitpid(child, &status, WNOHANG) != 0;
    ASSERT_FALSE(ended) << file << ": " << read_file(folder_ / "stderr");
    ::kill(child, SIGKILL);
    finish(child);
    const std::string accuracies = "out/search/accuracies.jsonl";
    if (std::string(file) == "search/accuracies.jsonl") {
      folder_.write("work/" + accuracies, read(accuracies) + "{\"accuracy\": 0.");
    }
    folder_.write("work/out/search.json.1.partial", "{");
  }
  fs::remove(folder_ / "work/out/search.json.1.partial");
  ASSERT_EQ(run(aware_job("run", "out", {"--resume"})).exit_code, 0);
  expect_same_results("out", "whole");
  EXPECT_THAT(created(), testing::Not(testing::Contains(HasSubstr(".mcunet-"))));
}

}  // namespace
}  // namespace mcunet
