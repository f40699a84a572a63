#include <set>

#include "class_folders.hpp"
#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "shared_data.hpp"

namespace mcunet::datasets {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::set<std::string> paths_of(const FileList& list) {
  std::set<std::string> paths;
  for (const LabelledFile& file : list.files) paths.insert(file.path);
  EXPECT_EQ(paths.size(), list.files.size());
  return paths;
}

std::vector<int> counts_of(const std::vector<LabelledFile>& files) {
  std::vector<int> counts;
  for (const LabelledFile& file : files) {
    counts.resize(std::max(counts.size(), static_cast<std::size_t>(file.label) + 1));
    ++counts[static_cast<std::size_t>(file.label)];
  }
  return counts;
}

// The three splits cover all files without an overlap. Returns their sizes.
std::vector<std::size_t> expect_partition(const DatasetOptions& options, std::size_t all) {
  std::set<std::string> seen;
  std::vector<std::size_t> sizes;
  for (Split split : {Split::kTrain, Split::kSearch, Split::kTest}) {
    const std::set<std::string> paths = paths_of(list_split(options, split));
    sizes.push_back(paths.size());
    seen.insert(paths.begin(), paths.end());
  }
  EXPECT_EQ(sizes[0] + sizes[1] + sizes[2], all);
  EXPECT_EQ(seen.size(), all);
  return sizes;
}

std::vector<LabelledFile> numbered_files(std::vector<int> counts) {
  std::vector<LabelledFile> files;
  for (std::size_t label = 0; label < counts.size(); ++label) {
    for (int i = 0; i < counts[label]; ++i) {
      files.push_back({fmt::format("{}/{}", label, i), static_cast<std::int32_t>(label)});
    }
  }
  return files;
}

TEST(SplitOff, TakesEachClassInProportion) {
  const auto [held_out, rest] = split_off(numbered_files({100, 50, 7, 1}), 16, 1);
  EXPECT_THAT(counts_of(held_out), ElementsAre(10, 5, 1));
  EXPECT_THAT(counts_of(rest), ElementsAre(90, 45, 6, 1));
}

struct Quota {
  std::vector<int> sizes;
  int count;
  std::vector<int> held_out;
  std::vector<int> rest;
};

TEST(SplitOff, LeavesNoClassOutOfASideThatHasSeveralFiles) {
  const std::vector<Quota> rows = {
      {{100, 50, 7, 3}, 16, {9, 5, 1, 1}, {91, 45, 6, 2}},  // in proportion: 10, 5, 1, 0
      {{1000, 2}, 10, {9, 1}, {991, 1}},
      {{1000, 2, 2, 2}, 4, {1, 1, 1, 1}, {999, 1, 1, 1}},
      {{1000, 2, 2, 2}, 3, {1, 1, 1}, {999, 1, 1, 2}},  // fewer than there are classes
      {{10, 2}, 10, {9, 1}, {1, 1}},                    // in proportion: 8, 2, and nothing left
      {{10, 1}, 10, {9, 1}, {1}},                       // somebody has to go
      {{5, 1}, 3, {3}, {2, 1}},                         // what is alone is trained on
      {{1, 1, 1}, 1, {1}, {0, 1, 1}}};
  for (const Quota& row : rows) {
    const auto [held_out, rest] = split_off(numbered_files(row.sizes), row.count, 1);
    EXPECT_EQ(counts_of(held_out), row.held_out);
    EXPECT_EQ(counts_of(rest), row.rest);
  }
}

TEST(SplitOff, DependsOnTheSeedAlone) {
  const auto files = numbered_files({100, 50});
  const auto names = [&](std::uint64_t seed) {
    std::vector<std::string> result;
    for (const LabelledFile& file : split_off(files, 20, seed).first) result.push_back(file.path);
    return result;
  };
  EXPECT_EQ(names(1), names(1));
  EXPECT_NE(names(1), names(2));
}

TEST(SplitOff, RefusesToEmptyASide) {
  const auto files = numbered_files({5});
  EXPECT_THAT(error_of([&] { split_off(files, 5, 0); }), HasSubstr("cannot hold out 5 of 5"));
  EXPECT_THAT(error_of([&] { split_off(files, 0, 0); }), HasSubstr("cannot hold out 0 of 5"));
}

TEST(Folder, DrawsATestSplitFromOneFolder) {
  const TemporaryFolder folder;
  for (int i = 0; i < 20; ++i) {
    folder.write(fmt::format("cat/{}.jpg", i), "");
    folder.write(fmt::format("dog/{}.PNG", i), "");
  }
  folder.write("cat/notes.txt", "");
  folder.write(".hidden/a.jpg", "");
  const DatasetOptions options{.kind = DatasetKind::kFolder, .path = folder.path().string()};
  EXPECT_THAT(folder_classes(options), ElementsAre("cat", "dog"));
  EXPECT_THAT(expect_partition(options, 40), ElementsAre(29, 3, 8));
  EXPECT_THAT(counts_of(list_split(options, Split::kTest).files), ElementsAre(4, 4));
}

TEST(Folder, KeepsATestFolder) {
  const TemporaryFolder folder;
  for (int i = 0; i < 10; ++i) {
    folder.write(fmt::format("train/a/{}.jpg", i), "");
    folder.write(fmt::format("train/b/{}.jpg", i), "");
  }
  folder.write("val/b/x.jpg", "");
  DatasetOptions options{
      .kind = DatasetKind::kFolder, .path = folder.path().string(), .search_split = 6};
  EXPECT_THAT(expect_partition(options, 21), ElementsAre(14, 6, 1));
  EXPECT_EQ(list_split(options, Split::kTest).files[0].label, 1);
  folder.write("val/c/x.jpg", "");
  EXPECT_THAT(error_of([&] { list_split(options, Split::kTest); }),
              HasSubstr("is no class of the training data"));
}

TEST(Folder, SaysWhatItExpected) {
  const TemporaryFolder folder;
  DatasetOptions options{.kind = DatasetKind::kFolder};
  EXPECT_THAT(error_of([&] { list_split(options, Split::kTest); }), HasSubstr("dataset.path"));
  options.path = (folder / "absent").string();
  EXPECT_THAT(error_of([&] { list_split(options, Split::kTest); }), HasSubstr("is no folder"));
  options.path = folder.path().string();
  EXPECT_THAT(error_of([&] { list_split(options, Split::kTest); }), HasSubstr("two folders"));
}

TEST(Imagenet, ReadsClassFoldersAndBothFormsOfLabels) {
  const TemporaryFolder folder;
  for (int i = 0; i < 8; ++i) {
    folder.write(fmt::format("train/n01/{}.JPEG", i), "");
    folder.write(fmt::format("train/n02/{}.JPEG", i), "");
  }
  DatasetOptions options{
      .kind = DatasetKind::kImagenet, .path = folder.path().string(), .search_split = 4};
  folder.write("val/ILSVRC2012_val_00000001.JPEG", "");
  folder.write("val/ILSVRC2012_val_00000002.JPEG", "");
  EXPECT_THAT(error_of([&] { list_split(options, Split::kTest); }),
              HasSubstr("ILSVRC2012_validation_ground_truth.txt"));
  // The devkit's numbers are not in the order of the names.
  folder.write("ILSVRC2012_validation_ground_truth.txt", "1\n2\n");
  folder.write("synsets.txt", "n02 poodle\nn01 tench\n");
  EXPECT_THAT(expect_partition(options, 18), ElementsAre(12, 4, 2));
  EXPECT_EQ(list_split(options, Split::kTest).files[0].label, 1);
  EXPECT_EQ(list_split(options, Split::kTest).files[1].label, 0);
  options.annotations = folder
                            .write("LOC_val_solution.csv",
                                   "ImageId,PredictionString\n"
                                   "ILSVRC2012_val_00000002,n02 85 1 499 272\n"
                                   "ILSVRC2012_val_00000001,n01 1 1 2 2\n")
                            .string();
  EXPECT_EQ(list_split(options, Split::kTest).files[0].label, 0);
  EXPECT_EQ(list_split(options, Split::kTest).files[1].label, 1);
  folder.write("LOC_val_solution.csv", "ILSVRC2012_val_00000002 n02\n");
  EXPECT_THAT(error_of([&] { list_split(options, Split::kTest); }), HasSubstr("has no label"));
}

TEST(Imagenet, TellsOfLabelsThatFitNoImages) {
  const TemporaryFolder folder;
  folder.write("train/n01/a.JPEG", "");
  folder.write("val/a.JPEG", "");
  const DatasetOptions options{.kind = DatasetKind::kImagenet, .path = folder.path().string()};
  folder.write("ILSVRC2012_validation_ground_truth.txt", "1\n2\n");
  folder.write("synsets.txt", "n01\n");
  EXPECT_THAT(error_of([&] { list_split(options, Split::kTest); }),
              HasSubstr("2 labels for 1 images"));
  folder.write("ILSVRC2012_validation_ground_truth.txt", "2\n");
  EXPECT_THAT(error_of([&] { list_split(options, Split::kTest); }), HasSubstr("is no line of"));
}

TEST(Folder, SplitsTheFlowers) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  const DatasetOptions options{.kind = DatasetKind::kFolder, .path = (data / "flowers").string()};
  EXPECT_THAT(folder_classes(options),
              ElementsAre("daisy", "dandelion", "rose", "sunflower", "tulip"));
  EXPECT_THAT(expect_partition(options, 4317), ElementsAre(3109, 345, 863));
}

TEST(Imagenet, ReadsTheSample) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  const TemporaryFolder folder;
  std::filesystem::create_directory_symlink(data / "imagenet_sample", folder / "train");
  std::filesystem::create_directory_symlink(data / "imagenet_sample", folder / "val");
  const DatasetOptions options{
      .kind = DatasetKind::kImagenet, .path = folder.path().string(), .search_split = 10};
  EXPECT_EQ(imagenet_classes(options).size(), 100u);
  EXPECT_EQ(list_split(options, Split::kTrain).files.size(), 90u);
  EXPECT_EQ(list_split(options, Split::kSearch).files.size(), 10u);
  EXPECT_EQ(list_split(options, Split::kTest).files.size(), 100u);
}

}  // namespace
}  // namespace mcunet::datasets
