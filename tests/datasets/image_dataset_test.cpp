#include "image_dataset.hpp"

#include <opencv2/imgcodecs.hpp>

#include "core/temporary_folder.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/datasets/loader.hpp"
#include "shared_data.hpp"

namespace mcunet::datasets {
namespace {

using testing::Each;
using testing::FloatNear;

// Two class folders of ten images each, left half black and right half white.
DatasetOptions example(const TemporaryFolder& folder) {
  for (int i = 0; i < 20; ++i) {
    cv::Mat image(90 + i, 120, CV_8UC3, cv::Scalar::all(0));
    image(cv::Rect(60, 0, 60, image.rows)) = cv::Scalar::all(255);
    image(cv::Rect(0, 0, 60, 5 + i)) = cv::Scalar(10 * i, 200, 90);
    const auto file = folder / fmt::format("data/{}/{}.png", i % 2 == 0 ? "a" : "b", i);
    std::filesystem::create_directories(file.parent_path());
    cv::imwrite(file.string(), image);
  }
  return {.kind = DatasetKind::kFolder, .path = (folder / "data").string()};
}

std::vector<float> load(const Dataset& dataset, std::int64_t index, std::uint64_t seed = 0) {
  std::vector<float> output(static_cast<std::size_t>(dataset.input_shape().elements()));
  RandomStream random(seed, {static_cast<std::uint64_t>(index)});
  EXPECT_TRUE(dataset.load(index, random, output));
  return output;
}

TEST(ImageDataset, NormalizesToOne) {
  const TemporaryFolder folder;
  const auto dataset = open_dataset(example(folder), Split::kTest, 16, /*augment=*/false);
  EXPECT_EQ(dataset->input_shape(), (InputShape{16, 16, 3}));
  const std::vector<float> image = load(*dataset, 0);
  const std::size_t bottom = std::size_t{15} * 16 * 3;
  EXPECT_EQ(image[bottom], -1);
  EXPECT_EQ(image[bottom + 15 * 3], 1);
  EXPECT_EQ(load(*dataset, 0, 9), image);  // nothing is drawn without augmentation
}

// Half of the range of 12 bits, in files of 16: training, evaluation and the cache see it alike.
TEST(ImageDataset, SeesWhatCamerasOfTwelveBitsSaw) {
  const TemporaryFolder folder;
  for (int i = 0; i < 20; ++i) {
    const auto file = folder / fmt::format("data/{}/{}.png", i % 2, i);
    std::filesystem::create_directories(file.parent_path());
    cv::imwrite(file.string(), cv::Mat(40, 40, CV_16UC3, cv::Scalar::all(128 << 4)));
  }
  DatasetOptions options{.kind = DatasetKind::kFolder, .path = (folder / "data").string()};
  options.image.brightness = options.image.contrast = options.image.saturation = 0;
  for (const bool has_cache : {false, true}) {
    if (has_cache) options.cache = (folder / "cache").string();
    for (const bool augment : {false, true}) {
      const auto dataset = open_dataset(options, Split::kTrain, 16, augment);
      EXPECT_THAT(load(*dataset, 0), Each(0.5F / 127.5F)) << augment;
    }
  }
  // What the options say comes before what the file seems to hold.
  options.image.bits = 16;
  EXPECT_THAT(load(*open_dataset(options, Split::kTrain, 16, false), 0),
              Each((8 - 127.5F) / 127.5F));
}

TEST(ImageDataset, EvaluatesAsTheOptionsSay) {
  const TemporaryFolder folder;
  DatasetOptions options = example(folder);
  const auto cropped = load(*open_dataset(options, Split::kTest, 16, false), 1);
  options.image.evaluation = ImageFit::kCrop;
  EXPECT_EQ(load(*open_dataset(options, Split::kTest, 16, false), 1), cropped);
  options.image.evaluation = ImageFit::kStretch;
  EXPECT_NE(load(*open_dataset(options, Split::kTest, 16, false), 1), cropped);
}

TEST(ImageDataset, AugmentsByItsStreamAlone) {
  const TemporaryFolder folder;
  const auto dataset = open_dataset(example(folder), Split::kTrain, 16, /*augment=*/true);
  const std::vector<float> first = load(*dataset, 3, 1);
  load(*dataset, 4, 1);
  EXPECT_EQ(load(*dataset, 3, 1), first);
  EXPECT_NE(load(*dataset, 3, 2), first);
  EXPECT_THAT(first, Each(FloatNear(0, 1)));
}

TEST(ImageDataset, GivesTheSameWithAColdAndAWarmCache) {
  const TemporaryFolder folder;
  DatasetOptions options = example(folder);
  for (bool augment : {false, true}) {
    options.cache.clear();
    const std::vector<float> without =
        load(*open_dataset(options, Split::kTrain, 24, augment), 5, 1);
    options.cache = (folder / "cache").string();
    const std::vector<float> cold = load(*open_dataset(options, Split::kTrain, 24, augment), 5, 1);
    const auto again = open_dataset(options, Split::kTrain, 24, augment);
    EXPECT_EQ(load(*again, 5, 1), cold);
    if (!augment) {
      EXPECT_EQ(cold, without);
    }
    // A damaged entry is made again.
    std::string name;
    for (const std::string& entry : folder.list()) {
      if (entry.starts_with("cache/") && std::filesystem::is_regular_file(folder / entry)) {
        const std::string bytes = read_file(folder / entry);
        folder.write(entry, bytes.substr(0, bytes.size() / 2));
      }
    }
    EXPECT_EQ(load(*again, 5, 1), cold);
  }
}

TEST(ImageDataset, NoticesThatACachedFileChanged) {
  const TemporaryFolder folder;
  DatasetOptions options = example(folder);
  options.cache = (folder / "cache").string();
  const auto dataset = open_dataset(options, Split::kTest, 16, /*augment=*/false);
  load(*dataset, 0);
  cv::imwrite(dataset->name(0), cv::Mat(50, 50, CV_8UC3, cv::Scalar::all(255)));
  std::filesystem::last_write_time(
      dataset->name(0), std::filesystem::file_time_type::clock::now() + std::chrono::seconds(5));
  EXPECT_THAT(load(*dataset, 0), Each(1.0f));
}

TEST(ImageDataset, LoadsTheSameBatchesWithAnyNumberOfWorkers) {
  const TemporaryFolder folder;
  const auto dataset = open_dataset(example(folder), Split::kTrain, 16, /*augment=*/true);
  std::vector<std::vector<float>> inputs;
  for (int workers : {0, 1, 3}) {
    Loader loader(*dataset, {.batch_size = 4, .workers = workers});
    loader.start_epoch(1);
    std::vector<float> all;
    while (const auto batch = loader.next()) {
      all.insert(all.end(), batch->inputs.begin(), batch->inputs.end());
    }
    inputs.push_back(std::move(all));
  }
  EXPECT_EQ(inputs[0], inputs[1]);
  EXPECT_EQ(inputs[0], inputs[2]);
}

TEST(ImageDataset, ReplacesTruncatedPhotographs) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  const TemporaryFolder folder;
  int copied = 0;
  for (const char* name : {"daisy", "rose"}) {
    for (const auto& entry : std::filesystem::directory_iterator(data / "flowers" / name)) {
      std::string bytes = read_file(entry.path());
      if (copied % 20 == 7) bytes.resize(bytes.size() * 2 / 3);
      folder.write(fmt::format("{}/{:03}.jpg", name, copied), bytes);
      if (++copied % 40 == 0) break;
    }
  }
  const DatasetOptions options{
      .kind = DatasetKind::kFolder, .path = folder.path().string(), .max_unreadable_share = 1};
  std::size_t unreadable = 0;
  for (Split split : {Split::kTrain, Split::kSearch, Split::kTest}) {
    const auto dataset = open_dataset(options, split, 32, split == Split::kTrain);
    Loader loader(*dataset, {.batch_size = 8, .drop_last = false});
    loader.start_epoch(0);
    std::int64_t examples = 0;
    while (const auto batch = loader.next()) examples += batch->examples();
    EXPECT_EQ(examples, dataset->size());
    unreadable += loader.unreadable().size();
  }
  EXPECT_EQ(unreadable, 4u);
}

}  // namespace
}  // namespace mcunet::datasets
