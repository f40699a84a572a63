#include "supernet_reuse.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "data_identity.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/json_numbers.hpp"
#include "stages.hpp"

namespace mcunet::pipeline {

namespace fs = std::filesystem;

namespace {

constexpr char kTrainFile[] = "train.json";

void require_trained(const fs::path& run) {
  const std::vector<std::string> stages = completed_stages(run);
  if (std::find(stages.begin(), stages.end(), kTrainStage) != stages.end() &&
      fs::exists(run / kWeightsFile)) {
    return;
  }
  throw Error("{}: has no trained supernet: complete it with mcunet train", run.string());
}

}  // namespace

bool is_run(const fs::path& folder) { return fs::exists(folder / "manifest.json"); }

ConfigNode config_of_reuse(const fs::path& source, const std::optional<std::string>& device) {
  require_trained(source);
  ConfigNode config = read_run_config(source);
  const fs::path file = source / kTrainFile;
  try {
    const auto trained = nlohmann::ordered_json::parse(read_file(file));
    apply_override(config, fmt::format("train.width={}", number_at(trained, "width", 0.01, 8)));
    apply_override(config,
                   fmt::format("train.resolution={}", integer_at(trained, "resolution", 16, 1024)));
  } catch (const std::exception& error) {
    fail_damaged(file, kTrainStage, error);
  }
  if (device) {
    erase_key(config, "budget.sram_kib");
    erase_key(config, "budget.flash_kib");
    apply_override(config, "device=" + *device);
  }
  return config;
}

void take_over_supernet(const fs::path& source, const Experiment& experiment, RunDirectory& run) {
  if (run.is_complete(kTrainStage)) return;
  require_trained(source);
  const std::string weights = read_file(source / kWeightsFile);
  const fs::path own = run.folder() / kWeightsFile;
  // One that was copied before this was interrupted is the same.
  if (fs::exists(own) && read_file(own) != weights) {
    throw Error("{}: is another supernet than that of {}: choose another --out", own.string(),
                source.string());
  }
  run.write(kWeightsFile, weights);
  for (const char* name : {kDataFile, kTrainFile}) {
    if (fs::exists(source / name)) run.write(name, read_file(source / name));
  }
  if (experiment.dataset) run.name_classes(datasets::class_names(*experiment.dataset));
  run.mark_complete(kTrainStage, {});  // which this job had no cost of
  spdlog::info("{} has the supernet of {}", run.folder().string(), source.string());
}

}  // namespace mcunet::pipeline
