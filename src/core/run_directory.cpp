#include "mcunet/core/run_directory.hpp"

#include <sys/resource.h>

#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/version.hpp"

namespace mcunet {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

constexpr int kManifestFormat = 1;

StageCost now() {
  const auto wall = std::chrono::steady_clock::now().time_since_epoch();
  timespec cpu{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  rusage children{};
  ::getrusage(RUSAGE_CHILDREN, &children);
  const auto seconds_of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return {std::chrono::duration<double>(wall).count(),
          static_cast<double>(cpu.tv_sec) + 1e-9 * static_cast<double>(cpu.tv_nsec) +
              seconds_of(children.ru_utime) + seconds_of(children.ru_stime)};
}

std::string difference_of(ConfigNode before, ConfigNode now,
                          const std::vector<std::string>& free_keys) {
  for (const std::string& key : free_keys) {
    erase_key(before, key);
    erase_key(now, key);
  }
  return first_difference(before, now);
}

std::map<std::string, StageCost> read_stages(const fs::path& manifest, const ConfigNode& config,
                                             const std::vector<std::string>& free_keys) {
  const Json json = Json::parse(read_file(manifest), nullptr, /*allow_exceptions=*/false);
  try {
    if (json.is_discarded() || json.at("format") != kManifestFormat) {
      throw Error("{}: is no manifest of this version", manifest.string());
    }
    const std::string difference =
        difference_of(parse_config(json.at("config").dump(), manifest.string()), config, free_keys);
    if (!difference.empty()) {
      throw Error(
          "{}: belongs to another configuration ({}); resume with that one or choose another --out",
          manifest.string(), difference);
    }
    std::map<std::string, StageCost> stages;
    for (const auto& [name, cost] : json.at("stages").items()) {
      stages[name] = {cost.at("wall_seconds"), cost.at("cpu_seconds")};
    }
    return stages;
  } catch (const Json::exception& error) {
    throw Error("{}: is damaged: {}", manifest.string(), error.what());
  }
}

}  // namespace

RunDirectory::RunDirectory(fs::path folder, const ConfigNode& resolved_config, std::uint64_t seed,
                           bool resume, const std::vector<std::string>& free_keys)
    : folder_(std::move(folder)), config_json_(to_json_text(resolved_config)), seed_(seed) {
  require_writable_folder(folder_);
  remove_abandoned_files(folder_);
  const fs::path manifest = folder_ / "manifest.json";
  has_manifest_ = resume && fs::exists(manifest);
  if (has_manifest_) stages_ = read_stages(manifest, resolved_config, free_keys);
}

void RunDirectory::write(const fs::path& relative, const std::string& contents) const {
  const fs::path file = folder_ / relative;
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  if (error) throw Error("{}: cannot be created: {}", file.parent_path().string(), error.message());
  if (!has_manifest_) {
    // Until the first stage is complete, an older manifest would vouch for the new results.
    fs::remove(folder_ / "manifest.json", error);
  }
  write_file_atomically(file, contents);
}

void RunDirectory::mark_complete(const std::string& stage, const StageCost& cost) {
  stages_[stage] = cost;
  Json json;
  json["format"] = kManifestFormat;
  json["mcunet_version"] = kVersion;
  json["compiler"] = kCompiler;
  json["seed"] = seed_;
  json["stages"] = Json::object();
  for (const auto& [name, spent] : stages_) {
    json["stages"][name] = {{"wall_seconds", spent.wall_seconds},
                            {"cpu_seconds", spent.cpu_seconds}};
  }
  json["config"] = Json::parse(config_json_);
  write("manifest.json", json.dump(2) + "\n");
  has_manifest_ = true;
}

std::vector<std::string> completed_stages(const fs::path& folder) {
  std::vector<std::string> names;
  const fs::path file = folder / "manifest.json";
  if (!fs::exists(file)) return names;
  const ConfigNode manifest = load_config(file);
  const ConfigNode* stages = manifest.find("stages");
  if (stages == nullptr) manifest.fail("lacks the key stages");
  return stages->keys;
}

ConfigNode read_run_config(const fs::path& folder) {
  // JSON is YAML too.
  const ConfigNode manifest = load_config(folder / "manifest.json");
  const ConfigNode* config = manifest.find("config");
  if (config == nullptr) manifest.fail("lacks the key config");
  return *config;
}

StageClock::StageClock() : start_(now()) {}

StageCost StageClock::elapsed() const {
  const StageCost end = now();
  return {end.wall_seconds - start_.wall_seconds, end.cpu_seconds - start_.cpu_seconds};
}

}  // namespace mcunet
