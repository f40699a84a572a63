#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "core/error_text.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/supernet/fixed_network.hpp"
#include "pipeline/job.hpp"
#include "pipeline/run_report.hpp"
#include "tiny_run.hpp"

// A run some file of which is damaged: a command says in one line which, and how it comes back;
// nothing else of the run is touched, and it comes back as it was.
namespace mcunet::pipeline {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;
using Json = nlohmann::ordered_json;

class DamagedRun : public TinyRun {
 protected:
  DamagedRun() {
    fs::remove(run_folder() / kWeightsFile);
    // Plots take most of the time of so small a job.
    const fs::path gnuplot = folder_.write("bin/gnuplot", "#!/bin/sh\nexit 1\n");
    fs::permissions(gnuplot, fs::perms::owner_all);
    EXPECT_EQ(resume(), "(no error)");
  }

  Experiment job() const {
    return experiment(
        {"space_optimization={widths: [1], resolutions: [16], samples: 5, sweep: "
         "{sram_kib: [], flash_kib: []}}",
         "train.largest_epochs=1", "train.elastic_epochs=1", "train.correlation_samples=2",
         "finetune.epochs=1", "finetune.quantization_aware.epochs=1",
         "export.emulated_examples=0"});
  }

  // What `mcunet run --resume` does.
  std::string resume() const {
    return error_of([&] {
      const Experiment experiment = job();
      RunDirectory run = open(experiment);
      forget_stages_without_files(run);
      const JobResult result = run_job(experiment, run, {.resume = true});
      EXPECT_TRUE(result.exported.value_or(false));
    });
  }

  std::string contents(const std::string& name) const { return read_file(run_folder() / name); }
  void write(const std::string& name, const std::string& text) const {
    write_file_atomically(run_folder() / name, text);
  }

  const char* path_before_ = std::getenv("PATH");
  ScopedVariable path_{"PATH", (folder_ / "bin").string() + ":" + path_before_};

  // Of all files but the reports, which are drawn anew.
  std::map<std::string, std::string> snapshot() const {
    std::map<std::string, std::string> files;
    for (const std::string& name : folder_.list()) {
      if (!fs::is_regular_file(folder_ / name) || name.starts_with("run/report")) continue;
      files[name] = read_file(folder_ / name);
    }
    return files;
  }
};

struct Damage {
  const char* what;
  std::function<std::string(const std::string& good)> of;
};

const std::vector<Damage>& damages() {
  static const std::vector<Damage> all = {
      {"empty", [](const std::string&) { return ""; }},
      {"half", [](const std::string& good) { return good.substr(0, good.size() / 2); }},
      {"a list", [](const std::string&) { return "[]"; }},
      {"nothing in it", [](const std::string&) { return "{}"; }},
      {"noise", [](const std::string&) { return std::string("\xFF\0\x1b[2J\n\n", 8); }},
      {"too deep", [](const std::string&) { return std::string(100'000, '['); }},
  };
  return all;
}

// Sets one value of a JSON file.
std::string with(const std::string& good, const char* pointer, const Json& value) {
  Json json = Json::parse(good);
  json[Json::json_pointer(pointer)] = value;
  return json.dump();
}

TEST_F(DamagedRun, IsToldByTheFile) {
  const std::map<std::string, std::string> before = snapshot();
  for (const char* name : {"manifest.json", "space.json", "train.json", "search.json",
                           "search/problem.json", "search/evolution.json", "search/front.json",
                           "finetune.json", "quantization_aware.json", "export.json"}) {
    const std::string good = contents(name);
    for (const Damage& damage : damages()) {
      SCOPED_TRACE(std::string(name) + ": " + damage.what);
      write(name, damage.of(good));
      const std::string error = resume();
      const std::string file = (run_folder() / name).string();
      // An empty YAML file is one, of another search.
      const bool is_other = error.starts_with((run_folder() / "search").string() + ": holds a se");
      EXPECT_TRUE(error.starts_with(file) || is_other) << error;
      EXPECT_THAT(error, testing::AnyOf(HasSubstr("remove it"), HasSubstr("choose another --out")));
      write(name, good);
    }
  }
  EXPECT_EQ(snapshot(), before);
}

struct BadValue {
  const char* file;
  const char* pointer;
  Json value;
};

TEST_F(DamagedRun, IsToldByTheValue) {
  const std::map<std::string, std::string> before = snapshot();
  const BadValue values[] = {{"manifest.json", "/format", 99},
                             {"manifest.json", "/stages/train/wall_seconds", -1},
                             {"manifest.json", "/stages/train/cpu_seconds", "long"},
                             {"space.json", "/spaces/0/width", -1},
                             {"space.json", "/spaces/0/width", 1e300},
                             {"space.json", "/spaces/0/width", nullptr},
                             {"space.json", "/spaces/0/resolution", 1e9},
                             {"space.json", "/spaces/0/resolution", 4'294'967'312},
                             {"space.json", "/spaces/0/sampled", -5},
                             {"space.json", "/spaces/0/cdf/0/1", 7},
                             {"space.json", "/seconds", "soon"},
                             {"train.json", "/width", 0},
                             {"train.json", "/resolution", 1 << 30},
                             {"train.json", "/steps", -1},
                             {"train.json", "/search/largest/top1", 1.5},
                             {"train.json", "/search/largest/macs", -1},
                             {"train.json", "/search/smallest/subnet/depths/0", 77},
                             {"train.json", "/search/spearman", 2},
                             {"train.json", "/test/top1", nullptr},
                             {"search.json", "/winner/subnet/width", "wide"},
                             {"search.json", "/winner/subnet/kernels/0/0", 4},
                             {"search/evolution.json", "/format", 99},
                             {"search/evolution.json", "/generations/0/evaluated", -5},
                             {"search/evolution.json", "/generations/0/evaluated", 1'000'000},
                             {"search/evolution.json", "/generations/0/planned", 0.5},
                             {"search/evolution.json", "/evaluated/0/2", 1e9},
                             {"search/evolution.json", "/evaluated/0/2", nullptr},
                             {"search/evolution.json", "/evaluated/0/1/0", -1},
                             {"search/evolution.json", "/evaluated/0/0/resolution", 17},
                             {"search/evolution.json", "/seconds", -1},
                             {"search/front.json", "/evaluated/1/1", Json::array()},
                             {"finetune.json", "/top1", 2},
                             {"finetune.json", "/steps", 1.5},
                             {"finetune.json", "/test/correct", 1e9},
                             {"finetune.json", "/test/mistakes/0/label", 99},
                             {"quantization_aware.json", "/held_out/post_training/top1", -0.1},
                             {"quantization_aware.json", "/seconds", nullptr},
                             {"export.json", "/fp32/top1", "good"},
                             {"export.json", "/int8/examples", -1},
                             {"export.json", "/int8/confusion/0", Json::array()},
                             {"export.json", "/fits", 1}};
  for (const auto& [name, pointer, value] : values) {
    SCOPED_TRACE(fmt::format("{} {} {}", name, pointer, value.dump()));
    const std::string good = contents(name);
    write(name, with(good, pointer, value));
    EXPECT_THAT(resume(), AllOf(StartsWith((run_folder() / name).string() + ": is no "),
                                HasSubstr("remove it")));
    write(name, good);
  }
  EXPECT_EQ(snapshot(), before);
}

TEST_F(DamagedRun, WeightsOfNoNumbersAreRefused) {
  for (const char* name : {"supernet.pt", "network.pt"}) {
    const std::string good = contents(name);
    supernet::TensorDictionary weights = supernet::from_archive(good, name);
    weights.begin()->second.fill_(NAN);
    write(name, supernet::to_archive(weights));
    const std::string error = std::string(name) == "network.pt"
                                  ? error_of([&] { load_finetuned(run_folder()); })
                                  : error_of([&] { load_supernet(job(), space(), run_folder()); });
    EXPECT_EQ(error, fmt::format("{}: {}: has elements that are infinite or no numbers; remove it, "
                                 "and mcunet run --resume makes it again",
                                 (run_folder() / name).string(), weights.begin()->first));
    write(name, good);
  }
}

TEST_F(DamagedRun, AFileThatIsRemovedComesBack) {
  for (const char* name : {"manifest.json", "space.json", "train.json", "supernet.pt",
                           "search.json", "search/evolution.json", "search/front.json",
                           "search/problem.json", "finetune.json", "network.json", "network.pt",
                           "quantization_aware.json", "quantization_aware.pt", "export.json"}) {
    SCOPED_TRACE(name);
    const std::string weights = contents("network.pt");
    const std::string accuracies = contents("search/accuracies.jsonl");
    const std::string winner = Json::parse(contents("search.json"))["winner"].dump();
    fs::remove(run_folder() / name);
    EXPECT_EQ(resume(), "(no error)");
    EXPECT_TRUE(fs::exists(run_folder() / name));
    EXPECT_EQ(contents("network.pt"), weights);
    EXPECT_EQ(contents("search/accuracies.jsonl"), accuracies);
    EXPECT_EQ(Json::parse(contents("search.json"))["winner"].dump(), winner);
  }
}

}  // namespace
}  // namespace mcunet::pipeline
