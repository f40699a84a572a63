#include "speech_commands.hpp"

#include <fstream>
#include <set>

#include "class_folders.hpp"
#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "sha1.hpp"
#include "shared_data.hpp"

namespace mcunet::datasets {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

TEST(Sha1, EqualsTheStandardsExamples) {
  EXPECT_THAT(sha1("abc"), ElementsAre(0xA9993E36, 0x4706816A, 0xBA3E2571, 0x7850C26C, 0x9CD0D89D));
  EXPECT_THAT(sha1(""), ElementsAre(0xDA39A3EE, 0x5E6B4B0D, 0x3255BFEF, 0x95601890, 0xAFD80709));
  EXPECT_THAT(sha1("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
              ElementsAre(0x84983E44, 0x1C3BD26E, 0xBAAE4AA1, 0xF95129E5, 0xE54670F1));
  EXPECT_THAT(sha1(std::string(1'000'000, 'a')),
              ElementsAre(0x34AA973C, 0xD4C4DAA4, 0xF61EEB2B, 0xDBAD2731, 0x6534016F));
}

std::vector<std::string> lines_of(const fs::path& file) {
  std::vector<std::string> lines;
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST(SpeechCommands, TheHashReproducesThePublishedLists) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  const fs::path root = data / "speech_v1_mini";
  std::size_t checked = 0;
  for (const auto& [name, split] :
       {std::pair("validation_list.txt", Split::kSearch), {"testing_list.txt", Split::kTest}}) {
    for (const std::string& line : lines_of(root / name)) {
      EXPECT_EQ(split_by_hash(fs::path(line).filename()), split) << line;
      ++checked;
    }
  }
  EXPECT_EQ(checked, 13633u);
  std::set<std::string> listed;
  for (const char* name : {"validation_list.txt", "testing_list.txt"}) {
    for (const std::string& line : lines_of(root / name)) listed.insert(line);
  }
  for (const std::string& word : folder_names(root)) {
    for (const fs::path& file : files_in(root / word, {".wav"})) {
      const std::string name = file.filename();
      EXPECT_EQ(split_by_hash(name) == Split::kTrain, !listed.contains(word + "/" + name)) << name;
    }
  }
}

// What a split should hold by the list files of the folder, among the files that are there.
std::set<std::string> expected_files(const fs::path& root, Split split) {
  std::set<std::string> all;
  for (const std::string& word : folder_names(root)) {
    for (const fs::path& file : files_in(root / word, {".wav"})) {
      all.insert(word + "/" + file.filename().string());
    }
  }
  std::set<std::string> result = split == Split::kTrain ? all : std::set<std::string>();
  for (const auto& [name, listed] :
       {std::pair("validation_list.txt", Split::kSearch), {"testing_list.txt", Split::kTest}}) {
    for (const std::string& line : lines_of(root / name)) {
      if (split == Split::kTrain) result.erase(line);
      if (split == listed && all.contains(line)) result.insert(line);
    }
  }
  return result;
}

TEST(SpeechCommands, EqualsItsListFiles) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  for (const auto& [name, classes] : {std::pair("speech_v1_mini", 30), {"fsdd", 10}}) {
    const DatasetOptions options{.kind = DatasetKind::kSpeechCommands,
                                 .path = (data / name).string()};
    for (Split split : {Split::kTrain, Split::kSearch, Split::kTest}) {
      const FileList list = list_split(options, split);
      EXPECT_EQ(list.classes.size(), static_cast<std::size_t>(classes));
      std::set<std::string> files;
      for (const LabelledFile& file : list.files) {
        const fs::path path = file.path;
        const std::string word = path.parent_path().filename();
        EXPECT_EQ(list.classes[static_cast<std::size_t>(file.label)], word);
        files.insert(word + "/" + path.filename().string());
      }
      EXPECT_EQ(files.size(), list.files.size());
      EXPECT_EQ(files, expected_files(data / name, split)) << name;
    }
  }
}

DatasetOptions example(const TemporaryFolder& folder, SpeechTask task) {
  DatasetOptions options{.kind = DatasetKind::kSpeechCommands, .path = folder.path().string()};
  options.audio.task = task;
  for (const char* word : {"yes", "no", "up", "bed", "cat"}) {
    for (int i = 0; i < 200; ++i) folder.write(fmt::format("{}/{}_nohash_0.wav", word, i), "");
  }
  folder.write("_background_noise_/hum.wav", "");
  return options;
}

TEST(SpeechCommands, HasSilenceAndUnknownWords) {
  const TemporaryFolder folder;
  const DatasetOptions options = example(folder, SpeechTask::kTwelveClasses);
  std::set<std::string> unknown;
  std::size_t words = 0;
  for (Split split : {Split::kTrain, Split::kSearch, Split::kTest}) {
    const FileList list = list_split(options, split);
    ASSERT_EQ(list.classes.size(), 12u);
    EXPECT_EQ(list.classes[10], "silence");
    EXPECT_EQ(list.classes[11], "unknown");
    std::vector<double> counts(12);
    for (const LabelledFile& file : list.files) {
      ++counts[static_cast<std::size_t>(file.label)];
      EXPECT_EQ(file.path.empty(), file.label == 10);
      if (file.label == 11) {
        EXPECT_TRUE(unknown.insert(file.path).second);
      }
    }
    const double known = counts[9] + counts[5] + counts[3] + counts[8];  // yes, no, off, up
    EXPECT_EQ(counts[10], std::floor(0.1 * known + 0.5));
    EXPECT_EQ(counts[11], std::floor(0.1 * known + 0.5));
    words += static_cast<std::size_t>(known);
  }
  EXPECT_EQ(words, 600u);
}

TEST(SpeechCommands, LeavesOtherWordsOutOfTen) {
  const TemporaryFolder folder;
  const DatasetOptions options = example(folder, SpeechTask::kTenWords);
  std::size_t files = 0;
  for (Split split : {Split::kTrain, Split::kSearch, Split::kTest}) {
    files += list_split(options, split).files.size();
  }
  EXPECT_EQ(files, 600u);
  EXPECT_EQ(speech_classes(options).size(), 10u);
}

TEST(SpeechCommands, CarvesASearchSplitOfAnotherSize) {
  const TemporaryFolder folder;
  DatasetOptions options = example(folder, SpeechTask::kAllWords);
  const std::size_t test = list_split(options, Split::kTest).files.size();
  options.search_split = 50;
  EXPECT_EQ(list_split(options, Split::kSearch).files.size(), 50u);
  EXPECT_EQ(list_split(options, Split::kTrain).files.size(), 1000 - test - 50);
  EXPECT_EQ(list_split(options, Split::kTest).files.size(), test);
}

TEST(SpeechCommands, RefusesHalfOfTheLists) {
  const TemporaryFolder folder;
  const DatasetOptions options = example(folder, SpeechTask::kAllWords);
  folder.write("testing_list.txt", "yes/1_nohash_0.wav\n");
  EXPECT_THAT(error_of([&] { list_split(options, Split::kTest); }),
              HasSubstr("only one of validation_list.txt"));
}

}  // namespace
}  // namespace mcunet::datasets
