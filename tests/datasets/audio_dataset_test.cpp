#include "audio_dataset.hpp"

#include <cmath>
#include <set>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "mcunet/datasets/audio_file.hpp"
#include "shared_data.hpp"
#include "wav_file.hpp"

namespace mcunet::datasets {
namespace {

using testing::HasSubstr;

std::vector<float> load(const Dataset& dataset, std::int64_t index, std::uint64_t seed = 0) {
  std::vector<float> output(static_cast<std::size_t>(dataset.input_shape().elements()));
  RandomStream random(seed, {static_cast<std::uint64_t>(index)});
  EXPECT_TRUE(dataset.load(index, random, output));
  return output;
}

TEST(AudioDataset, GivesTheKernelsBytes) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  DatasetOptions options{.kind = DatasetKind::kSpeechCommands, .path = (data / "fsdd").string()};
  options.audio.sample_rate = 8000;
  const auto dataset = open_dataset(options, Split::kTest, 40, /*augment=*/false);
  EXPECT_EQ(dataset->size(), 300);
  EXPECT_EQ(dataset->input_shape(), (InputShape{40, 40, 1}));
  const auto recording = read_audio_file(dataset->name(7), 8000);
  ASSERT_TRUE(recording);
  ASSERT_LT(recording->size(), 8000u);
  std::vector<std::int16_t> clip(8000);
  std::copy(recording->begin(), recording->end(),
            clip.begin() + (8000 - static_cast<std::int64_t>(recording->size())) / 2);
  std::vector<std::int8_t> levels(40 * 40);
  compute_log_mel(make_log_mel_tables(spectrogram_of(options, 40)), clip, levels);
  EXPECT_EQ(dataset->sound(7), clip);
  EXPECT_EQ(cut_clip(*recording, 8000), clip);
  const std::vector<float> input = load(*dataset, 7);
  for (std::size_t i = 0; i < levels.size(); ++i) EXPECT_EQ(input[i] * 128, levels[i]);
}

DatasetOptions example(const TemporaryFolder& folder, SpeechTask task) {
  DatasetOptions options{.kind = DatasetKind::kSpeechCommands, .path = folder.path().string()};
  options.audio.task = task;
  for (const char* word : {"yes", "no"}) {
    for (int i = 0; i < 60; ++i) {
      std::vector<std::int16_t> samples(4000 + 300 * i);
      for (std::size_t n = 0; n < samples.size(); ++n) {
        samples[n] = static_cast<std::int16_t>(8000 * std::sin(0.1 * (i + 1) * n));
      }
      folder.write(fmt::format("{}/{}_nohash_0.wav", word, i), wav_bytes(samples, 16000));
    }
  }
  std::vector<std::int16_t> noise;
  RandomStream random(1);
  for (int i = 0; i < 40000; ++i) noise.push_back(static_cast<std::int16_t>(random.index(4000)));
  folder.write("_background_noise_/hum.wav", wav_bytes(noise, 16000));
  return options;
}

TEST(AudioDataset, AugmentsByItsStreamAlone) {
  const TemporaryFolder folder;
  DatasetOptions options = example(folder, SpeechTask::kAllWords);
  options.audio.mask_share = 0.3;
  const auto dataset = open_dataset(options, Split::kTrain, 32, /*augment=*/true);
  const std::vector<float> first = load(*dataset, 3, 1);
  EXPECT_EQ(load(*dataset, 3, 1), first);
  EXPECT_NE(load(*dataset, 3, 2), first);
  const auto plain = open_dataset(options, Split::kTrain, 32, /*augment=*/false);
  EXPECT_EQ(load(*plain, 3, 1), load(*plain, 3, 2));
}

TEST(AudioDataset, AClipWithoutSamplesIsUnreadable) {
  const TemporaryFolder folder;
  for (const char* name : {"a", "b"}) {
    for (int i = 0; i < 5; ++i) {
      folder.write(fmt::format("{}/{}.wav", name, i), wav_bytes({}, 16000));
    }
  }
  for (const std::string& cache : {std::string(), (folder / "_cache").string()}) {
    const DatasetOptions options{
        .kind = DatasetKind::kSoundFolder, .path = folder.path().string(), .cache = cache};
    const auto dataset = open_dataset(options, Split::kTrain, 16, /*augment=*/false);
    std::vector<float> input(static_cast<std::size_t>(dataset->input_shape().elements()));
    RandomStream random(0);
    EXPECT_FALSE(dataset->load(0, random, input));
    EXPECT_FALSE(dataset->load(0, random, input));
    EXPECT_FALSE(dataset->sound(0));
  }
}

TEST(AudioDataset, ASoundFolderHasBackgroundNoiseToo) {
  const TemporaryFolder folder;
  DatasetOptions options = example(folder, SpeechTask::kAllWords);
  options.kind = DatasetKind::kSoundFolder;
  options.audio = {.time_shift_ms = 0, .gain_db = 0, .background_share = 1};
  const auto noisy = open_dataset(options, Split::kTrain, 32, /*augment=*/true);
  const auto plain = open_dataset(options, Split::kTrain, 32, /*augment=*/false);
  EXPECT_EQ(noisy->classes(), plain->classes());
  EXPECT_NE(load(*noisy, 3, 1), load(*plain, 3, 1));
}

TEST(AudioDataset, MakesSilenceOfTheBackground) {
  const TemporaryFolder folder;
  const DatasetOptions options = example(folder, SpeechTask::kTwelveClasses);
  const auto test = open_dataset(options, Split::kTest, 32, /*augment=*/false);
  const auto train = open_dataset(options, Split::kTrain, 32, /*augment=*/true);
  int silent = 0;
  for (std::int64_t i = 0; i < test->size(); ++i) {
    if (test->label(i) != 10) continue;
    ++silent;
    EXPECT_EQ(test->name(i), fmt::format("silence {}", i));
    EXPECT_EQ(load(*test, i, 1), load(*test, i, 2));  // measured on the same noise each time
  }
  EXPECT_GE(silent, 1);
  for (std::int64_t i = 0; i < train->size(); ++i) {
    if (train->label(i) == 10) {
      EXPECT_NE(load(*train, i, 1), load(*train, i, 2));
    }
  }
  std::filesystem::remove_all(folder / "_background_noise_");
  EXPECT_THAT(error_of([&] { open_dataset(options, Split::kTest, 32, false); }),
              HasSubstr("has no _background_noise_"));
}

TEST(AudioDataset, GivesTheSameWithAWarmCache) {
  const TemporaryFolder folder;
  DatasetOptions options = example(folder, SpeechTask::kAllWords);
  options.audio.sample_rate = 8000;
  const auto without = load(*open_dataset(options, Split::kTrain, 32, true), 5, 1);
  options.cache = (folder / "cache").string();
  EXPECT_EQ(load(*open_dataset(options, Split::kTrain, 32, true), 5, 1), without);
  EXPECT_EQ(load(*open_dataset(options, Split::kTrain, 32, true), 5, 1), without);
}

// Nearest class mean on what a network sees: far above chance, or nothing could be learnt.
double nearest_mean_accuracy(const DatasetOptions& options, int resolution) {
  const auto train = open_dataset(options, Split::kTrain, resolution, /*augment=*/true);
  const auto test = open_dataset(options, Split::kTest, resolution, /*augment=*/false);
  EXPECT_GT(train->size(), test->size());
  std::vector<std::vector<double>> means(train->classes().size());
  for (std::int64_t i = 0; i < train->size(); ++i) {
    auto& mean = means[static_cast<std::size_t>(train->label(i))];
    const std::vector<float> input = load(*train, i);
    mean.resize(input.size());
    for (std::size_t j = 0; j < input.size(); ++j) mean[j] += input[j] * 4 / train->size();
  }
  int correct = 0;
  for (std::int64_t i = 0; i < test->size(); ++i) {
    const std::vector<float> input = load(*test, i);
    std::vector<double> distances;
    for (const auto& mean : means) {
      double sum = 0;
      for (std::size_t j = 0; j < input.size(); ++j) sum += std::pow(input[j] - mean[j], 2);
      distances.push_back(sum);
    }
    const auto nearest = std::min_element(distances.begin(), distances.end()) - distances.begin();
    correct += nearest == test->label(i) ? 1 : 0;
  }
  return static_cast<double>(correct) / static_cast<double>(test->size());
}

TEST(SyntheticAudio, HasASignalToLearn) {
  DatasetOptions options{.kind = DatasetKind::kSyntheticAudio};
  options.synthetic = {.examples = 400, .held_out_examples = 100, .classes = 4};
  EXPECT_GT(nearest_mean_accuracy(options, 32), 0.5);
  const auto dataset = open_dataset(options, Split::kSearch, 32, false);
  EXPECT_EQ(dataset->size(), 100);
  EXPECT_NE(load(*dataset, 0), load(*open_dataset(options, Split::kTest, 32, false), 0));
}

}  // namespace
}  // namespace mcunet::datasets
