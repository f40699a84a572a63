#include "mcunet/datasets/audio_file.hpp"

#include <cmath>
#include <numbers>

#include "core/temporary_folder.hpp"
#include "mcunet/core/random.hpp"
#include "wav_file.hpp"

namespace mcunet::datasets {
namespace {

using testing::ElementsAre;
using testing::Optional;

std::vector<float> sine(double hz, int rate, int samples) {
  std::vector<float> result;
  for (int n = 0; n < samples; ++n) {
    result.push_back(static_cast<float>(std::sin(2 * std::numbers::pi * hz * n / rate)));
  }
  return result;
}

TEST(AudioFile, ReadsTheSamplesAsTheyAre) {
  const TemporaryFolder folder;
  const auto file = folder.write("a.wav", wav_bytes({0, 1, -1, 32767, -32768}, 16000));
  EXPECT_THAT(read_audio_file(file, 16000), Optional(ElementsAre(0, 1, -1, 32767, -32768)));
}

TEST(AudioFile, AveragesChannels) {
  const TemporaryFolder folder;
  const auto file = folder.write("a.wav", wav_bytes({100, 300, -50, 50}, 16000, 2));
  EXPECT_THAT(read_audio_file(file, 16000), Optional(ElementsAre(200, 0)));
}

TEST(AudioFile, Resamples) {
  const TemporaryFolder folder;
  const auto file = folder.write("a.wav", wav_bytes(std::vector<std::int16_t>(8000, 500), 8000));
  const auto samples = read_audio_file(file, 16000);
  ASSERT_TRUE(samples);
  ASSERT_EQ(samples->size(), 16000u);
  EXPECT_NEAR((*samples)[8000], 500, 1);
}

TEST(Resample, KeepsTonesInPlaceAndHeight) {
  for (const auto& [from, to] :
       {std::pair(8000, 16000), {44100, 16000}, {48000, 16000}, {16000, 8000}}) {
    const std::vector<float> output = resample(sine(1000, from, from / 2), from, to);
    const std::vector<float> expected = sine(1000, to, to / 2);
    ASSERT_EQ(output.size(), expected.size());
    for (std::size_t n = 400; n + 400 < output.size(); ++n) {
      ASSERT_NEAR(output[n], expected[n], 2e-3) << from << " to " << to << ", sample " << n;
    }
  }
}

TEST(Resample, RemovesWhatTheLowerRateCannotHold) {
  const std::vector<float> output = resample(sine(6000, 16000, 8000), 16000, 8000);
  for (std::size_t n = 200; n + 200 < output.size(); ++n) ASSERT_NEAR(output[n], 0, 2e-3);
}

TEST(AudioFile, FindsTruncatedAndDamagedFiles) {
  const TemporaryFolder folder;
  std::vector<std::int16_t> samples(3000);
  RandomStream random(1);
  for (std::int16_t& sample : samples) sample = static_cast<std::int16_t>(random());
  const std::string whole = wav_bytes(samples, 16000);
  ASSERT_TRUE(read_audio_file(folder.write("a.wav", whole), 16000));
  for (std::size_t size :
       {std::size_t{0}, std::size_t{20}, std::size_t{44}, std::size_t{1000}, whole.size() - 1}) {
    EXPECT_FALSE(read_audio_file(folder.write("a.wav", whole.substr(0, size)), 16000)) << size;
  }
  EXPECT_FALSE(read_audio_file(folder.write("a.wav", "RIFFrubbish that is no sound"), 16000));
  EXPECT_FALSE(read_audio_file(folder / "absent.wav", 16000));
  for (int i = 0; i < 500; ++i) {
    std::string damaged = whole;
    for (int j = 0; j < 3; ++j) damaged[random.index(44)] = static_cast<char>(random());
    read_audio_file(folder.write("damaged.wav", damaged), 16000);
  }
}

TEST(AudioFile, WithoutASampleIsUnreadable) {
  const TemporaryFolder folder;
  const auto file = folder.write("a.wav", wav_bytes({}, 16000));
  EXPECT_FALSE(read_audio_file(file, 16000));
  EXPECT_FALSE(read_audio_file(file, kOwnSampleRate));
}

TEST(AudioFile, TakesTheUnknownLengthOfAPipe) {
  const TemporaryFolder folder;
  std::string bytes = wav_bytes({1, 2, 3}, 16000);
  bytes.replace(40, 4, "\xFF\xFF\xFF\xFF");
  EXPECT_THAT(read_audio_file(folder.write("a.wav", bytes), 16000), Optional(ElementsAre(1, 2, 3)));
}

TEST(AudioFile, CutsClipsOutOfTheMiddle) {
  const std::vector<std::int16_t> recording = {1, 2, 3, 4, 5};
  using Clip = std::vector<std::int16_t>;
  EXPECT_EQ(cut_clip(recording, 5), recording);
  EXPECT_EQ(cut_clip(recording, 3), (Clip{2, 3, 4}));
  EXPECT_EQ(cut_clip(recording, 2), (Clip{2, 3}));
  EXPECT_EQ(cut_clip(recording, 8), (Clip{0, 1, 2, 3, 4, 5, 0, 0}));
  EXPECT_EQ(cut_clip(recording, 3, 1), (Clip{3, 4, 5}));
  EXPECT_EQ(cut_clip(recording, 3, -2), (Clip{0, 1, 2}));
  EXPECT_EQ(cut_clip(recording, 2, 9), (Clip{0, 0}));
  EXPECT_EQ(cut_clip(recording, 2, -9), (Clip{0, 0}));
  EXPECT_EQ(cut_clip(Clip{}, 2), (Clip{0, 0}));
}

}  // namespace
}  // namespace mcunet::datasets
