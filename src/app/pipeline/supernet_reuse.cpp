#include "supernet_reuse.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "data_identity.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/json_numbers.hpp"
#include "mcunet/search/space/subnet_json.hpp"
#include "search_stage.hpp"
#include "stages.hpp"
#include "train_stage.hpp"

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

// "3"
search::space::Subnet ranked(const std::string& place, const fs::path& run) {
  const std::string name = "rank:" + place;
  std::size_t rank = 0;
  const auto [end, error] = std::from_chars(place.data(), place.data() + place.size(), rank);
  if (error != std::errc() || end != place.data() + place.size() || rank == 0) {
    throw Error("{}: is no place in a ranking, as rank:3 is", name);
  }
  if (!fs::exists(run / "search.json")) {
    throw Error("{}: {} holds no search; run mcunet search into it first", name, run.string());
  }
  const std::vector<search::Candidate> all = read_searches(run).result.ranking();
  if (rank > all.size()) {
    throw Error("{}: the search of {} measured {} networks", name, run.string(), all.size());
  }
  return all[rank - 1].subnet;
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

std::string find_subnet(const std::string& text, const fs::path& run,
                        const Experiment& experiment) {
  using namespace search::space;
  const SearchSpace space = choose_training_space(experiment, run).space;
  constexpr std::string_view kRank = "rank:";
  const auto find = [&]() -> Subnet {
    if (text == "largest") return largest(space);
    if (text == "smallest") return smallest(space);
    if (text.starts_with(kRank)) return ranked(text.substr(kRank.size()), run);
    std::error_code ignored;
    if (!fs::exists(text, ignored)) {
      throw Error("{}: is no sub-network: largest, smallest, rank:N and JSON files are", text);
    }
    return subnet_from_json(space, read_file(text, kMaxTextBytes), text);
  };
  return subnet_to_json(space, find());
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
