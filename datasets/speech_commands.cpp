#include "speech_commands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>

#include "file_list.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "sha1.hpp"

// WORD/speaker_nohash_n.wav; validation_list.txt and testing_list.txt if there are any, with lines
// "WORD/speaker_nohash_n.wav".
namespace mcunet::datasets {
namespace fs = std::filesystem;
namespace {

const std::vector<std::string>& ten_words() {
  static const std::vector<std::string> words = {"down", "go",    "left", "no", "off",
                                                 "on",   "right", "stop", "up", "yes"};
  return words;
}

std::set<std::string> read_list(const fs::path& file) {
  std::set<std::string> names;
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return names;
  std::istringstream stream(read_file(file));
  for (std::string line; std::getline(stream, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (!line.empty()) names.insert(line);
  }
  return names;
}

// By the list files if both are there, else by the hash.
class Splitter {
 public:
  explicit Splitter(const fs::path& root)
      : validation_(read_list(root / "validation_list.txt")),
        testing_(read_list(root / "testing_list.txt")) {
    if (validation_.empty() != testing_.empty()) {
      throw Error("{}: has only one of validation_list.txt and testing_list.txt", root.string());
    }
  }

  Split split_of(const std::string& word, const std::string& file_name) const {
    if (testing_.empty()) return split_by_hash(file_name);
    const std::string name = fmt::format("{}/{}", word, file_name);
    if (testing_.contains(name)) return Split::kTest;
    return validation_.contains(name) ? Split::kSearch : Split::kTrain;
  }

 private:
  std::set<std::string> validation_;
  std::set<std::string> testing_;
};

std::vector<LabelledFile> choose(std::vector<LabelledFile> files, std::int64_t count,
                                 std::uint64_t seed) {
  if (count >= static_cast<std::int64_t>(files.size())) return files;
  for (LabelledFile& file : files) file.label = 0;  // in proportion to nothing
  return count == 0 ? std::vector<LabelledFile>{} : split_off(files, count, seed).first;
}

}  // namespace

Split split_by_hash(const std::string& file_name) {
  const std::string speaker = file_name.substr(0, file_name.find("_nohash_"));
  // The digest modulo 2^27, as a share of 2^27 - 1.
  constexpr std::uint32_t kMost = (1U << 27) - 1;
  const double percent = (sha1(speaker)[4] & kMost) * (100.0 / kMost);
  return percent < 10 ? Split::kSearch : percent < 20 ? Split::kTest : Split::kTrain;
}

std::vector<std::string> speech_classes(const DatasetOptions& options) {
  std::vector<std::string> classes = ten_words();
  switch (options.audio.task) {
    case SpeechTask::kAllWords:
      classes = folder_names(require_path(options));
      if (classes.size() < 2) fail(options, "expected folders of sound files, one a word");
      break;
    case SpeechTask::kTenWords:
      break;
    case SpeechTask::kTwelveClasses:
      classes.insert(classes.end(), {"silence", "unknown"});
      break;
  }
  return classes;
}

FileList list_speech_commands(const DatasetOptions& options, Split split) {
  const fs::path root = require_path(options);
  FileList list{speech_classes(options), {}};
  const Splitter splitter(root);
  const auto label_of = [&](const std::string& name) {
    return static_cast<std::int32_t>(std::find(list.classes.begin(), list.classes.end(), name) -
                                     list.classes.begin());
  };
  const bool has_extra_classes = options.audio.task == SpeechTask::kTwelveClasses;
  std::vector<LabelledFile> unknown;
  const auto takes = [&](Split of_file) {
    if (!options.search_split) return of_file == split;
    return (of_file == Split::kTest) == (split == Split::kTest);
  };
  for (const std::string& word : folder_names(root)) {
    const std::int32_t label = label_of(word);
    const bool is_class = label < static_cast<std::int32_t>(list.classes.size());
    if (!is_class && !has_extra_classes) continue;
    for (const fs::path& file : files_in(root / word, sound_extensions())) {
      if (!takes(splitter.split_of(word, file.filename().string()))) continue;
      if (is_class) {
        list.files.push_back({file.string(), label});
      } else {
        unknown.push_back({file.string(), 0});
      }
    }
  }
  if (list.files.empty()) fail(options, "holds no sound files of this split, as in WORD/*.wav");
  if (has_extra_classes) {
    const std::int64_t words = static_cast<std::int64_t>(list.files.size());
    const auto count = [&](double share) {
      return std::llround(share * static_cast<double>(words));
    };
    for (LabelledFile& file : choose(unknown, count(options.audio.unknown_share), options.seed)) {
      list.files.push_back({std::move(file.path), label_of("unknown")});
    }
    for (std::int64_t i = count(options.audio.silence_share); i > 0; --i) {
      list.files.push_back({"", label_of("silence")});
    }
  }
  if (options.search_split && split != Split::kTest) {
    list.files = training_part(list.files, split, *options.search_split, options.seed);
  }
  return list;
}

}  // namespace mcunet::datasets
