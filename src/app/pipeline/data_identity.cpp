#include "data_identity.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "mcunet/core/crc32c.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/json_text.hpp"
#include "mcunet/core/names.hpp"
#include "mcunet/datasets/preprocessing.hpp"

namespace mcunet::pipeline {
namespace fs = std::filesystem;
namespace {

using datasets::Split;
using Json = nlohmann::ordered_json;

constexpr char kFile[] = "data.json";
constexpr const char* kSplits[] = {"train", "search", "test"};

// Of the files of a class in a split.
struct Part {
  std::int64_t files = 0;
  std::uintmax_t bytes = 0;
  std::string names;  // a line for each file: its size, and its path below the dataset's folder
};

Json to_json(const datasets::DatasetFiles& files, const datasets::DatasetOptions& options) {
  Json json = {{"classes", files.classes}};
  for (const Split split : {Split::kTrain, Split::kSearch, Split::kTest}) {
    std::vector<Part> parts(files.classes.size());
    for (const datasets::LabelledFile& file : files.of(split)) {
      Part& part = parts[static_cast<std::size_t>(file.label)];
      std::error_code absent;
      const std::uintmax_t size = fs::file_size(file.path, absent);
      ++part.files;
      part.bytes += absent ? 0 : size;
      part.names += fmt::format("{} {}\n", absent ? 0 : size,
                                fs::path(file.path).lexically_relative(options.path).string());
    }
    Json& of_split = json[datasets::name_of(split)] = Json::object();
    for (std::size_t c = 0; c < parts.size(); ++c) {
      of_split[files.classes[c]] = {{"files", parts[c].files},
                                    {"bytes", parts[c].bytes},
                                    {"checksum", fmt::format("{:08x}", crc32c(parts[c].names))}};
    }
  }
  if (datasets::medium_of(options.kind) == datasets::Medium::kSeries) {
    // Their values decide how they are normalized, which nothing else keeps.
    const auto series = datasets::preprocessing_of(options, options.series.window);
    const ConfigNode text = datasets::write_preprocessing(series);
    json["channels"] = Json::parse(to_json_text(*text.find("series"))).at("channels");
  }
  return json;
}

// Of a class, over the splits.
std::int64_t sum_of(const Json& json, const std::string& name, const char* key) {
  std::int64_t sum = 0;
  for (const char* split : kSplits) sum += json.at(split).at(name).at(key).get<std::int64_t>();
  return sum;
}

// In words; empty if there is none. Numbers of classes come first: splits that are drawn change
// with them.
std::string first_change(const Json& before, const Json& now) {
  const auto classes = now.at("classes").get<std::vector<std::string>>();
  if (before.at("classes") != now.at("classes")) {
    return fmt::format("it had {} classes and has {}, or they have other names",
                       before.at("classes").size(), classes.size());
  }
  for (const char* key : {"files", "bytes"}) {
    for (const std::string& name : classes) {
      const std::int64_t then = sum_of(before, name, key);
      const std::int64_t today = sum_of(now, name, key);
      if (then == today) continue;
      return fmt::format("class {} had {} {} and has {}", escaped(name), then, key, today);
    }
  }
  for (const std::string& name : classes) {
    for (const char* split : kSplits) {
      if (before.at(split).at(name) == now.at(split).at(name)) continue;
      return fmt::format("class {} has other files in {}", escaped(name), split);
    }
  }
  if (before.value("channels", Json()) != now.value("channels", Json())) {
    return "its channels have other names, means or spreads";
  }
  return "";
}

}  // namespace

void write_data_identity(const datasets::DatasetFiles& files,
                         const datasets::DatasetOptions& options, const fs::path& run) {
  if (files.classes.empty()) return;  // made in memory, by the configuration alone
  make_folder(run);
  write_file_atomically(run / kFile, json_text(to_json(files, options), 1) + "\n");
}

void require_same_data(const datasets::DatasetFiles& files, const datasets::DatasetOptions& options,
                       const fs::path& run) {
  const fs::path file = run / kFile;
  if (!fs::exists(file)) return;
  std::string change;
  try {
    change =
        first_change(parse_json(read_file(file, kMaxTextBytes), "text"), to_json(files, options));
  } catch (const std::exception& error) {
    throw Error(
        "{}: does not tell what data the training began with: {}; if they are the same, "
        "remove it",
        file.string(), error.what());
  }
  if (change.empty()) return;
  throw Error(
      "{}: the data are not those that this run began with: {}; restore them, or begin anew with "
      "another --out",
      options.path.empty() ? "dataset" : options.path, change);
}

void require_same_data(const Experiment& experiment, const fs::path& run) {
  if (!experiment.dataset || !fs::exists(run / kFile)) return;
  require_same_data(datasets::files_of(*experiment.dataset), *experiment.dataset, run);
}

}  // namespace mcunet::pipeline
