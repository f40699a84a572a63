#include "mcunet/datasets/dataset_files.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "file_list.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/names.hpp"
#include "series_dataset.hpp"

namespace mcunet::datasets {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kMostImbalance = 10;
constexpr Split kSplits[] = {Split::kTrain, Split::kSearch, Split::kTest};

using Counts = std::vector<std::int64_t>;  // by class: of examples, or of objects

Counts count(const std::vector<LabelledFile>& files, std::size_t classes) {
  Counts counts(classes);
  for (const LabelledFile& file : files) {
    for (const BoxedObject& object : file.objects) {
      ++counts[static_cast<std::size_t>(object.label)];
    }
    if (file.objects.empty() && file.label != kNoObjects) {
      ++counts[static_cast<std::size_t>(file.label)];
    }
  }
  return counts;
}

// The most and the least frequent class of the training data that have examples.
std::optional<Finding> imbalance_of(const std::vector<std::string>& classes, const Counts& counts) {
  std::size_t most = 0;
  std::size_t least = 0;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    if (counts[c] > counts[most]) most = c;
    if (counts[c] > 0 && (counts[least] == 0 || counts[c] < counts[least])) least = c;
  }
  if (counts[most] <= kMostImbalance * counts[least]) return std::nullopt;
  return Finding{fmt::format("imbalance beyond 1 : {}", kMostImbalance),
                 {fmt::format("{} of {}", counts[least], classes[least]),
                  fmt::format("{} of {}", counts[most], classes[most])}};
}

void add_classes(const DatasetFiles& files, std::vector<Finding>& findings) {
  const std::size_t classes = files.classes.size();
  std::array<Counts, 3> counts;
  for (const Split split : kSplits) {
    counts[static_cast<std::size_t>(split)] = count(files.of(split), classes);
  }
  Finding empty{"classes without examples", {}};
  std::array<Finding, 3> missing;
  for (std::size_t c = 0; c < classes; ++c) {
    if (counts[0][c] + counts[1][c] + counts[2][c] == 0) {
      empty.items.push_back(files.classes[c]);
      continue;
    }
    for (std::size_t s = 0; s < counts.size(); ++s) {
      if (counts[s][c] == 0) missing[s].items.push_back(files.classes[c]);
    }
  }
  findings.push_back(std::move(empty));
  for (const Split split : kSplits) {
    Finding& finding = missing[static_cast<std::size_t>(split)];
    finding.what = fmt::format("classes missing from {}", name_of(split));
    findings.push_back(std::move(finding));
  }
  if (auto imbalance = imbalance_of(files.classes, counts[0])) {
    findings.push_back(std::move(*imbalance));
  }
}

// "a.xml, b.xml (3)"
Finding finding_of(const char* what, const ObjectFlaws::Files& files) {
  Finding finding{what, {}};
  for (const auto& [file, count] : files) {
    finding.items.push_back(count == 1 ? file : fmt::format("{} ({})", file, count));
  }
  return finding;
}

}  // namespace

const char* name_of(Split split) {
  return split == Split::kTrain ? "train" : split == Split::kSearch ? "search" : "test";
}

std::string Finding::list(std::size_t most) const {
  const auto shown = static_cast<std::ptrdiff_t>(std::min(most, items.size()));
  std::string text = fmt::format("{}", fmt::join(items.begin(), items.begin() + shown, ", "));
  if (most < items.size()) text += fmt::format(", and {} more", items.size() - most);
  return escaped(text);
}

std::vector<Finding> findings_in(const DatasetFiles& files) {
  std::vector<Finding> findings;
  if (files.classes.empty()) return findings;
  add_classes(files, findings);
  if (files.redraws_search) {
    findings.push_back(
        {"drawn anew, with validation data among the training data",
         {"the search split, by dataset.search_split (null keeps the one that is there)"}});
  }
  findings.push_back({"folders left out", files.left_out.folders});
  Finding left_out{"files left out", {}};
  for (const auto& [kind, number] : files.left_out.files) {
    left_out.items.push_back(fmt::format("{} {}", kind, number));
  }
  findings.push_back(std::move(left_out));
  findings.push_back(finding_of("objects that leave their image", files.flaws.leave_image));
  findings.push_back(finding_of("objects of no area", files.flaws.no_area));
  findings.push_back(finding_of("objects of unknown class", files.flaws.unknown_class));
  std::erase_if(findings, [](const Finding& finding) { return finding.items.empty(); });
  return findings;
}

std::vector<Finding> findings_in(const DatasetFiles& files, const DatasetOptions& options) {
  std::vector<Finding> findings = findings_in(files);
  if (options.kind != DatasetKind::kSeries) return findings;
  const std::vector<std::string>& left_out = series_data(options)->recordings.left_out;
  if (!left_out.empty()) findings.push_back({"columns left out", left_out});
  return findings;
}

Layout list_layout(const DatasetOptions& options) {
  const bool is_folder = options.kind == DatasetKind::kFolder ||
                         options.kind == DatasetKind::kSoundFolder ||
                         options.kind == DatasetKind::kSeries;
  if (!options.pattern.empty() && !is_folder) {
    throw Error("dataset.pattern: is for the kinds folder, sound-folder and series");
  }
  check_targets(options);
  const bool lists_objects = options.targets == TargetKind::kBoxes;
  if (options.audio.task != SpeechTask::kAllWords && options.kind == DatasetKind::kSoundFolder) {
    throw Error("dataset.audio.task: is for the kind speech-commands");
  }
  switch (options.kind) {
    case DatasetKind::kFolder:
    case DatasetKind::kSoundFolder:
    case DatasetKind::kSeries:
      return list_folder(options);
    case DatasetKind::kImagenet:
      return list_imagenet(options);
    case DatasetKind::kVww:
      return list_vww(options);
    case DatasetKind::kVoc:
      return lists_objects ? list_voc_objects(options) : list_voc(options);
    case DatasetKind::kCoco:
      return lists_objects ? list_coco_objects(options) : list_coco(options);
    case DatasetKind::kYolo:
      return lists_objects ? list_yolo_objects(options) : list_yolo(options);
    case DatasetKind::kSpeechCommands:
      return list_speech_commands(options);
    case DatasetKind::kSyntheticImages:
    case DatasetKind::kSyntheticAudio:
    case DatasetKind::kSyntheticSeries:
      break;
  }
  throw Error("dataset.kind: does not lie in files");
}

DatasetFiles files_of(const DatasetOptions& options) {
  if (!needs_path(options.kind)) return {};
  DatasetFiles files = divide(list_layout(options), options);
  const fs::path root = options.path;
  for (std::string& folder : files.left_out.folders) {
    folder = fs::path(folder).lexically_relative(root).string();
  }
  return files;
}

}  // namespace mcunet::datasets
