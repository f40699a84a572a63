#include "mcunet/core/run_directory.hpp"

#include <sys/resource.h>

#include <ctime>
#include <nlohmann/json.hpp>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/json_numbers.hpp"
#include "mcunet/core/json_text.hpp"
#include "mcunet/core/version.hpp"

namespace mcunet {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

constexpr int kManifestFormat = 1;

// Of this process and the children that have ended.
double cpu_seconds() {
  timespec cpu{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  rusage children{};
  ::getrusage(RUSAGE_CHILDREN, &children);
  const auto seconds_of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return static_cast<double>(cpu.tv_sec) + 1e-9 * static_cast<double>(cpu.tv_nsec) +
         seconds_of(children.ru_utime) + seconds_of(children.ru_stime);
}

void erase_keys(ConfigNode& config, const std::vector<std::string>& keys) {
  for (const std::string& key : keys) erase_key(config, key);
}

// But for one of them, the keys that may change what some stages do.
void erase_sections(ConfigNode& config, const AllowedChanges& allowed, const std::string& but) {
  for (const auto& [key, stages] : allowed.of_stages) {
    if (key != but) erase_key(config, key);
  }
}

// What is outdated if the configuration was `before`. Throws Error for a change that is not
// allowed.
std::set<std::string> outdated_stages(ConfigNode before, ConfigNode now,
                                      const AllowedChanges& allowed, const fs::path& manifest) {
  erase_keys(before, allowed.without_influence);
  erase_keys(now, allowed.without_influence);
  const auto difference_in = [&](const std::string& key) {
    ConfigNode old_values = before;
    ConfigNode new_values = now;
    erase_sections(old_values, allowed, key);
    erase_sections(new_values, allowed, key);
    return first_difference(old_values, new_values);
  };
  const std::string difference = difference_in("");
  if (!difference.empty()) {
    throw Error(
        "{}: belongs to another configuration ({}); resume with that one or choose another --out",
        manifest.string(), difference);
  }
  std::set<std::string> outdated;
  for (const auto& [key, stages] : allowed.of_stages) {
    if (!difference_in(key).empty()) outdated.insert(stages.begin(), stages.end());
  }
  return outdated;
}

struct Manifest {
  std::map<std::string, StageCost> stages;
  std::vector<std::string> classes;
  ConfigNode config;
};

Manifest read_manifest(const fs::path& manifest) {
  try {
    const Json json = parse_json(read_file(manifest, kMaxTextBytes), "text");
    if (json.at("format") != kManifestFormat) throw Error("it is of another version");
    Manifest result{.config = parse_config(json.at("config").dump(), "config")};
    for (const auto& [name, cost] : json.at("stages").items()) {
      result.stages[name] = {amount_at(cost, "wall_seconds"), amount_at(cost, "cpu_seconds")};
    }
    result.classes = json.value("classes", result.classes);
    return result;
  } catch (const std::exception& error) {
    throw Error(
        "{}: is no manifest of a run: {}; remove it, and --resume goes on with what the stages "
        "left beside it",
        manifest.string(), error.what());
  }
}

}  // namespace

RunDirectory::RunDirectory(fs::path folder, const ConfigNode& resolved_config, std::uint64_t seed,
                           bool resume, const AllowedChanges& allowed)
    : folder_(std::move(folder)), config_json_(to_json_text(resolved_config)), seed_(seed) {
  require_writable_folder(folder_);
  remove_abandoned_files(folder_);
  const fs::path file = folder_ / "manifest.json";
  has_manifest_ = resume && fs::exists(file);
  if (!has_manifest_) return;
  const Manifest manifest = read_manifest(file);
  stages_ = manifest.stages;
  classes_ = manifest.classes;
  outdated_ = outdated_stages(manifest.config, resolved_config, allowed, file);
  for (const std::string& stage : outdated_) stages_.erase(stage);
}

void RunDirectory::write(const fs::path& relative, const std::string& contents) const {
  const fs::path file = folder_ / relative;
  make_folder(file.parent_path());
  if (!has_manifest_) {
    // Until the first stage is complete, an older manifest would vouch for the new results.
    std::error_code ignored;
    fs::remove(folder_ / "manifest.json", ignored);
  }
  write_file_atomically(file, contents);
}

void RunDirectory::mark_complete(const std::string& stage, const StageCost& cost) {
  stages_[stage] = cost;
  write_manifest();
}

void RunDirectory::discard(const std::vector<std::string>& stages) {
  bool differs = false;
  for (const std::string& stage : stages) {
    if (stages_.erase(stage) + outdated_.erase(stage) > 0) differs = true;
  }
  if (differs) write_manifest();
}

void RunDirectory::write_manifest() {
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
  if (!classes_.empty()) json["classes"] = classes_;
  json["config"] = Json::parse(config_json_);
  write("manifest.json", json_text(json, 2) + "\n");
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

std::map<std::string, StageCost> stage_costs(const fs::path& folder) {
  return read_manifest(folder / "manifest.json").stages;
}

ConfigNode read_run_config(const fs::path& folder) {
  // JSON is YAML too.
  const ConfigNode manifest = load_config(folder / "manifest.json");
  const ConfigNode* config = manifest.find("config");
  if (config == nullptr) manifest.fail("lacks the key config");
  return *config;
}

StageClock::StageClock() : cpu_at_start_(cpu_seconds()) {}

StageCost StageClock::elapsed() const {
  return {.wall_seconds = wall_.seconds(), .cpu_seconds = cpu_seconds() - cpu_at_start_};
}

}  // namespace mcunet
