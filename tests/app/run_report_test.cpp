#include "pipeline/run_report.hpp"

#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "core/error_text.hpp"
#include "mcunet/core/files.hpp"
#include "pipeline/job.hpp"
#include "pipeline/run_summary.hpp"
#include "tiny_run.hpp"

namespace mcunet::pipeline {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class RunReport : public TinyRun {
 protected:
  Experiment job(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> overrides = {
        "space_optimization={widths: [0.5, 1], resolutions: [16], "
        "samples: 20, sweep: {sram_kib: [], flash_kib: []}}",
        "train.largest_epochs=1",
        "train.elastic_epochs=1",
        "train.correlation_samples=2",
        "finetune.epochs=1",
        "export.emulated_examples=1"};
    overrides.insert(overrides.end(), more.begin(), more.end());
    return experiment(overrides);
  }
  std::string page(const std::string& name = "index.html") const {
    return read_file(run_folder() / "report" / name);
  }
};

// What a page refers to, but for its own parts and what is within it.
std::set<std::string> links_of(const std::string& page) {
  static const std::regex kLink("(?:href|src)=[\"']([^\"'#][^\"']{0,9})");
  std::set<std::string> links;
  for (std::sregex_iterator i(page.begin(), page.end(), kLink), end; i != end; ++i) {
    if (!(*i)[1].str().starts_with("data:")) links.insert((*i)[1]);
  }
  return links;
}

// Names of the page and of all pictures in it.
std::vector<std::string> ids_of(const std::string& page) {
  static const std::regex kId("\\bid=[\"']([^\"']+)");
  std::vector<std::string> ids;
  for (std::sregex_iterator i(page.begin(), page.end(), kId), end; i != end; ++i) {
    ids.push_back((*i)[1]);
  }
  return ids;
}

TEST_F(RunReport, OfAWholeJobIsOnePage) {
  const Experiment experiment = job();
  fs::remove(run_folder() / kWeightsFile);
  RunDirectory run = open(experiment);
  const JobResult result = run_job(experiment, run, {});
  ASSERT_TRUE(result.exported.value_or(false));
  const std::string index = page();
  EXPECT_THAT(
      index, AllOf(HasSubstr("A network for stm32f746"), HasSubstr("Search space"),
                   HasSubstr("Supernet"), HasSubstr("Fine-tuning"), HasSubstr("Cost of the design"),
                   HasSubstr("<td>bit-identical to the reference</td><td>yes</td>"),
                   HasSubstr("data:image/jpeg;base64,"), HasSubstr("<table class=\"matrix\">")));
  for (const char* stage : {"space", "train", "search", "finetune", "export", "all"}) {
    EXPECT_THAT(index, HasSubstr("<tr><td>" + std::string(stage) + "</td>"));
  }
  for (const char* plot : {"space_cdf", "space_grid", "search_curve", "front_sram", "front_latency",
                           "memory_map", "block_peaks"}) {
    EXPECT_THAT(index, HasSubstr("id=\"" + std::string(plot) + "-gnuplot_canvas\""));
  }
  EXPECT_THAT(links_of(index), testing::IsEmpty());
  const std::vector<std::string> ids = ids_of(index);
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), ids.size());
  // The interval, and of how many examples, wherever an accuracy of the test set stands.
  const Score int8 = *read_run_summary(run_folder()).int8;
  EXPECT_THAT(index, AllOf(HasSubstr(describe_share(int8)), HasSubstr(describe_examples(int8))));

  // What the arena has for speed is told apart from what the search counted.
  auto exported = nlohmann::ordered_json::parse(read_file(run_folder() / "export.json"));
  const std::string as_exported = exported.dump(2) + "\n";
  exported["peak_sram_bytes"] = 3072;
  exported["memory"]["grown_bytes"] = 1024;
  folder_.write("run/export.json", exported.dump());
  write_run_report(experiment, run);
  EXPECT_THAT(page(),
              HasSubstr("<td>planned SRAM</td><td>3.0 KiB, of them 1.0 KiB for speed</td>"));
  folder_.write("run/export.json", as_exported);
  write_run_report(experiment, run);

  // Drawn again, it is the same.
  write_run_report(experiment, run);
  EXPECT_EQ(page(), index);
  folder_.write("run/export.json", "{}");
  EXPECT_THAT(
      error_of([&] { write_run_report(experiment, run); }),
      StartsWith((run_folder() / "export.json").string() + ": is no result of the export stage: "));
  EXPECT_EQ(page(), index);
}

TEST_F(RunReport, TellsWhatQuantizationAwareTrainingGained) {
  // Next to nothing is learnt, so that both are alike.
  const Experiment experiment = job(
      {"finetune.quantization_aware.epochs=1", "finetune.quantization_aware.learning_rate=1e-30"});
  fs::remove(run_folder() / kWeightsFile);
  RunDirectory run = open(experiment);
  const JobResult result = run_job(experiment, run, {});
  ASSERT_TRUE(result.quantization_aware.has_value());
  ASSERT_TRUE(result.exported.value_or(false));
  const QuantizationGain& gain = result.quantization_aware->gain;
  EXPECT_EQ(gain.quantization_aware, gain.post_training);
  const auto row = [](const std::string& name, const std::string& value) {
    return HasSubstr("<td>" + name + "</td><td>" + value + "</td>");
  };
  const std::string percent =
      describe_share(gain.post_training) + ", " + describe_examples(gain.post_training);
  EXPECT_THAT(page(), AllOf(row("top-1 in int8, search split: post-training", percent),
                            row("top-1 in int8, search split: quantization-aware", percent),
                            row("exported", "the network of quantization-aware training"),
                            HasSubstr("<tr><td>quantization_aware</td>")));
  auto json = nlohmann::ordered_json::parse(read_file(run_folder() / "export.json"));
  auto& aware = json.at("quantization_aware");
  EXPECT_EQ(aware.at("held_out_top1").at("quantization_aware"), gain.quantization_aware.value);
  EXPECT_EQ(aware.at("kept"), true);

  aware = to_json(QuantizationGain{.post_training = top_one(75, 100, 400),
                                   .quantization_aware = top_one(50, 100, 400)});
  folder_.write("run/export.json", json.dump());
  write_run_report(experiment, run);
  EXPECT_THAT(page(), AllOf(row("top-1 in int8, search split: post-training",
                                "75.00 % (65.7 to 82.5), on 100 of 400 examples"),
                            row("top-1 in int8, search split: quantization-aware",
                                "50.00 % (40.4 to 59.6), on 100 of 400 examples"),
                            row("exported",
                                "the fine-tuned network: quantization-aware training is worse")));
}

TEST_F(RunReport, ShowsTheStagesThatAreComplete) {
  const Experiment experiment = job();
  RunDirectory run = open(experiment);
  EXPECT_EQ(error_of([&] { write_run_report(experiment, run); }),
            run_folder().string() + ": holds no complete stage");
  run_train_stage(experiment, run, false, [] { return false; });
  write_run_report(experiment, run);
  EXPECT_THAT(page(), AllOf(HasSubstr("Supernet"), Not(HasSubstr("Fine-tuning")),
                            Not(HasSubstr(">Search<"))));
}

TEST_F(RunReport, OfASpaceAloneIsThePageOfTheSpace) {
  const Experiment experiment = job();
  RunDirectory run = open(experiment);
  run_space_stage(experiment, run);
  write_run_report(experiment, run);
  EXPECT_THAT(page(), HasSubstr("Search space for stm32f746"));
}

}  // namespace
}  // namespace mcunet::pipeline
