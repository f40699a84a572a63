#include "data_identity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

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

constexpr const char* kSplits[] = {"train", "search", "test"};

// Of the files of a class in a split.
struct Part {
  std::int64_t files = 0;
  std::uintmax_t bytes = 0;
  std::string names;  // a line for each: its size, its path below the dataset's folder, its targets
};

// What files are counted by: their class; or that no objects are on them, where there are such.
std::vector<std::string> part_names(const datasets::DatasetFiles& files) {
  std::vector<std::string> names = files.classes;
  const auto is_empty = [](const datasets::LabelledFile& file) {
    return file.label == datasets::kNoObjects;
  };
  for (const auto& split : files.splits) {
    if (std::none_of(split.begin(), split.end(), is_empty)) continue;
    names.emplace_back("without objects");
    break;
  }
  return names;
}

// Of an image with objects, or with a value.
std::string targets_of(const datasets::LabelledFile& file) {
  std::string text = file.value == 0 ? "" : fmt::format(" {}", file.value);
  for (const datasets::BoxedObject& object : file.objects) {
    const datasets::Box& box = object.box;
    text += fmt::format(" {} {} {} {} {} {}", object.label, static_cast<int>(object.kind), box.left,
                        box.top, box.right, box.bottom);
  }
  return text;
}

Json to_json(const datasets::DatasetFiles& files, const datasets::DatasetOptions& options) {
  const std::vector<std::string> names = part_names(files);
  Json json = {{"classes", files.classes}};
  for (const Split split : {Split::kTrain, Split::kSearch, Split::kTest}) {
    std::vector<Part> parts(names.size());
    for (const datasets::LabelledFile& file : files.of(split)) {
      const bool is_empty = file.label == datasets::kNoObjects;
      Part& part = is_empty ? parts.back() : parts[static_cast<std::size_t>(file.label)];
      std::error_code absent;
      const std::uintmax_t size = fs::file_size(file.path, absent);
      ++part.files;
      part.bytes += absent ? 0 : size;
      part.names += fmt::format("{} {}{}\n", absent ? 0 : size,
                                fs::path(file.path).lexically_relative(options.path).string(),
                                targets_of(file));
    }
    Json& of_split = json[datasets::name_of(split)] = Json::object();
    for (std::size_t c = 0; c < parts.size(); ++c) {
      of_split[names[c]] = {{"files", parts[c].files},
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
  for (const char* split : kSplits) {
    const auto part = json.at(split).find(name);
    if (part != json.at(split).end()) sum += part->at(key).get<std::int64_t>();
  }
  return sum;
}

// In words; empty if there is none. Numbers of classes come first: splits that are drawn change
// with them.
std::string first_change(const Json& before, const Json& now) {
  std::set<std::string> parts;
  for (const Json* json : {&before, &now}) {
    for (const auto& [name, part] : json->at(kSplits[0]).items()) parts.insert(name);
  }
  if (before.at("classes") != now.at("classes")) {
    return fmt::format("it had {} classes and has {}, or they have other names",
                       before.at("classes").size(), now.at("classes").size());
  }
  for (const char* key : {"files", "bytes"}) {
    for (const std::string& name : parts) {
      const std::int64_t then = sum_of(before, name, key);
      const std::int64_t today = sum_of(now, name, key);
      if (then == today) continue;
      return fmt::format("class {} had {} {} and has {}", escaped(name), then, key, today);
    }
  }
  for (const std::string& name : parts) {
    for (const char* split : kSplits) {
      if (before.at(split).value(name, Json()) == now.at(split).value(name, Json())) continue;
      return fmt::format("class {} has other files in {}, or other targets", escaped(name), split);
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
  write_file_atomically(run / kDataFile, json_text(to_json(files, options), 1) + "\n");
}

void require_same_data(const datasets::DatasetFiles& files, const datasets::DatasetOptions& options,
                       const fs::path& run) {
  const fs::path file = run / kDataFile;
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
  if (!experiment.dataset || !fs::exists(run / kDataFile)) return;
  require_same_data(datasets::files_of(*experiment.dataset), *experiment.dataset, run);
}

}  // namespace mcunet::pipeline
