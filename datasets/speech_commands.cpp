#include "speech_commands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <sstream>

#include "class_folders.hpp"
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

  bool is_by_hash() const { return testing_.empty(); }

  // Of a path below the dataset's folder.
  Split split_of(const fs::path& file) const {
    if (is_by_hash()) return split_by_hash(file.filename().string());
    if (testing_.contains(file.string())) return Split::kTest;
    return validation_.contains(file.string()) ? Split::kSearch : Split::kTrain;
  }

 private:
  std::set<std::string> validation_;
  std::set<std::string> testing_;
};

std::vector<LabelledFile> choose(std::vector<LabelledFile> files, std::int64_t count,
                                 std::uint64_t seed) {
  if (count >= static_cast<std::int64_t>(files.size())) return files;
  return count == 0 ? std::vector<LabelledFile>{} : split_off(files, count, seed).first;
}

// Adds silence and some of the unknown words to a split, in proportion to its words.
void add_extra_classes(const AudioOptions& audio, Split split, std::vector<LabelledFile> unknown,
                       std::uint64_t seed, Layout& layout) {
  const auto words = std::count_if(layout.files.begin(), layout.files.end(),
                                   [&](const ListedFile& file) { return file.split == split; });
  const auto count = [&](double share) { return std::llround(share * static_cast<double>(words)); };
  for (LabelledFile& file : choose(std::move(unknown), count(audio.unknown_share), seed)) {
    layout.files.push_back({std::move(file.path), index_of(layout.classes, "unknown"), split});
  }
  for (std::int64_t i = count(audio.silence_share); i > 0; --i) {
    layout.files.push_back({"", index_of(layout.classes, "silence"), split});
  }
}

// The hash puts all recordings of a speaker into one split; few speakers may leave one empty.
void require_all_splits(const DatasetOptions& options, const Splitter& splitter,
                        const Layout& layout) {
  std::array<std::size_t, 3> counts{};
  for (const ListedFile& file : layout.files) ++counts[static_cast<std::size_t>(file.split)];
  if (layout.files.empty()) {
    fail(options,
         fmt::format("holds no sounds of its classes, as in {}/*.wav", layout.classes.front()));
  }
  for (const Split split : {Split::kTrain, Split::kSearch, Split::kTest}) {
    if (counts[static_cast<std::size_t>(split)] > 0) continue;
    if (split == Split::kSearch && options.search_split) continue;
    fail(options,
         fmt::format("{} puts none of {} sounds into the {} split; {}, or let dataset.kind be "
                     "sound-folder, which draws the splits",
                     splitter.is_by_hash() ? "the hash of their speakers' names"
                                           : "the pair of validation_list.txt and testing_list.txt",
                     layout.files.size(), name_of(split),
                     splitter.is_by_hash() ? "add validation_list.txt and testing_list.txt"
                                           : "correct them"));
  }
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

Layout list_speech_commands(const DatasetOptions& options) {
  const fs::path root = require_path(options);
  Layout layout;
  layout.classes = speech_classes(options);
  const Splitter splitter(root);
  const bool has_extra_classes = options.audio.task == SpeechTask::kTwelveClasses;
  std::array<std::vector<LabelledFile>, 3> unknown;  // by split
  for (const std::string& word : folder_names(root, &layout.left_out)) {
    const std::int32_t label = index_of(layout.classes, word);
    const bool is_class = label < static_cast<std::int32_t>(layout.classes.size());
    if (!is_class && !has_extra_classes) continue;
    for (const fs::path& file : files_below(root / word, Medium::kSound, layout.left_out)) {
      const Split split = splitter.split_of(file.lexically_relative(root));
      if (is_class) {
        layout.files.push_back({file.string(), label, split});
      } else {
        unknown[static_cast<std::size_t>(split)].push_back({file.string(), 0});
      }
    }
  }
  require_all_splits(options, splitter, layout);
  for (const Split split : {Split::kTrain, Split::kSearch, Split::kTest}) {
    if (!has_extra_classes) break;
    add_extra_classes(options.audio, split, std::move(unknown[static_cast<std::size_t>(split)]),
                      options.seed, layout);
  }
  return layout;
}

}  // namespace mcunet::datasets
