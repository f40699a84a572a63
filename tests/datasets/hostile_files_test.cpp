#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <opencv2/imgcodecs.hpp>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "file_list.hpp"
#include "mcunet/datasets/audio_file.hpp"
#include "mcunet/datasets/image_file.hpp"
#include "mcunet/datasets/open_dataset.hpp"
#include "wav_file.hpp"

// Files and folders as no dataset should have them: every one is unreadable or an Error, and none
// crashes, hangs, or takes memory that the file only promises.
namespace mcunet::datasets {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

std::string encoded(const char* extension) {
  cv::Mat image(24, 32, CV_8UC3);
  cv::randu(image, 0, 256);
  std::vector<std::uint8_t> bytes;
  cv::imencode(extension, image, bytes);
  return {bytes.begin(), bytes.end()};
}

std::string with(std::string bytes, std::size_t at, const std::string& replacement) {
  return bytes.replace(at, replacement.size(), replacement);
}

// Where the height and the width of a JPEG stand.
std::size_t frame_size_of(const std::string& jpeg) {
  return jpeg.find(std::string("\xFF\xC0", 2)) + 5;
}

std::string without_end(const std::string& bytes) { return bytes.substr(0, bytes.size() - 2); }
std::string half(const std::string& bytes) { return bytes.substr(0, bytes.size() / 2); }

struct HostileFile {
  const char* name;
  std::string contents;
};

std::vector<HostileFile> hostile_images() {
  const std::string jpeg = encoded(".jpg");
  const std::string png = encoded(".png");
  const std::string bmp = encoded(".bmp");
  const std::string tiff = encoded(".tiff");
  const std::string frame = jpeg.substr(frame_size_of(jpeg) - 5, 19);
  const std::string huge_frame = with(frame, 5, "\xFF\xDC\xFF\xDC");
  return {{"empty.jpg", ""},
          {"one byte.jpg", "\xFF"},
          {"text.jpg", "this is no image at all, but has the name of one"},
          {"blank.png", std::string(10'000, '\0')},
          {"half.jpg", half(jpeg)},
          {"without its end.jpg", without_end(jpeg)},
          {"header.jpg", jpeg.substr(0, 20)},
          {"no height.jpg", with(jpeg, frame_size_of(jpeg), std::string(2, '\0'))},
          {"no width.jpg", with(jpeg, frame_size_of(jpeg) + 2, std::string(2, '\0'))},
          {"huge.jpg", with(jpeg, frame_size_of(jpeg), "\xFF\xDC\xFF\xDC")},
          // Whoever believes the second frame lets the decoder meet the first.
          {"two frames.jpg", jpeg.substr(0, frame_size_of(jpeg) - 5) + huge_frame +
                                 jpeg.substr(frame_size_of(jpeg) - 5)},
          {"half.png", half(png)},
          {"header.png", png.substr(0, 33)},
          {"huge.png", with(png, 16, std::string("\0\1\0\0\0\1\0\0", 8))},
          {"negative.png", with(png, 16, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF")},
          {"half.bmp", half(bmp)},
          {"huge.bmp", with(bmp, 18, std::string("\0\0\1\0\0\0\1\0", 8))},
          {"half.tiff", half(tiff)},
          {"directory beyond the end.tiff", with(tiff, 4, "\xFF\xFF\xFF\x7F")},
          {"huge.ppm", "P6 100000 100000 255\n" + std::string(100, 'x')},
          {"overflowing.ppm", "P6 99999999999999999999 2 255\n" + std::string(100, 'x')},
          {"without numbers.pgm", "P5 # only a remark"},
          {"huge.webp", "RIFF\x20" + std::string(3, '\0') + "WEBPVP8X\x0A" + std::string(7, '\0') +
                            std::string(6, '\xFF') + std::string(40, '\0')},
          {"of another format.png", "GIF89a" + std::string(100, '\0')}};
}

std::vector<HostileFile> hostile_sounds() {
  const std::string wav = wav_bytes(std::vector<std::int16_t>(2000, 100), 16'000);
  return {{"empty.wav", ""},
          {"one byte.wav", "R"},
          {"text.wav", "this is no sound at all, but has the name of one"},
          {"header.wav", wav.substr(0, 30)},
          {"half.wav", half(wav)},
          {"no channels.wav", with(wav, 22, std::string(2, '\0'))},
          {"many channels.wav", with(wav, 22, "\xFF\xFF")},
          {"no rate.wav", with(wav, 24, std::string(4, '\0'))},
          {"negative rate.wav", with(wav, 24, "\xFF\xFF\xFF\xFF")},
          {"no bits.wav", with(wav, 34, std::string(2, '\0'))},
          {"unknown coding.wav", with(wav, 20, "\x77\x77")},
          {"part beyond the end.wav", with(wav, 16, "\xFF\xFF\xFF\x7F")},
          {"zeros.flac", std::string(1000, '\0')},
          {"header.flac", "fLaC" + std::string(38, '\xFF')},
          {"header.ogg", "OggS" + std::string(50, '\xFF')}};
}

// What is no regular file under the name of one.
void make_special_files(const fs::path& folder, const std::string& extension) {
  ASSERT_EQ(::mkfifo((folder / ("pipe" + extension)).c_str(), 0600), 0);
  fs::create_symlink("/dev/zero", folder / ("zeros" + extension));
  fs::create_symlink("/nowhere", folder / ("nowhere" + extension));
  fs::create_symlink("loop" + extension, folder / ("loop" + extension));
  fs::create_directories(folder / ("folder" + extension));
  // Takes no space on the disk, and more than memory has when it is read.
  const fs::path sparse = folder / ("sparse" + extension);
  std::ofstream(sparse) << "x";
  fs::resize_file(sparse, std::uintmax_t{1} << 40);
}
constexpr int kSpecialFiles = 5;  // a folder is none, whatever its name

class HostileFiles : public testing::Test {
 protected:
  fs::path write(const HostileFile& file) const { return folder_.write(file.name, file.contents); }

  TemporaryFolder folder_;
};

TEST_F(HostileFiles, AreNoImages) {
  const InputShape shape{8, 8, 3};
  for (const ImageFit fit : {ImageFit::kCrop, ImageFit::kStretch}) {
    for (const HostileFile& file : hostile_images()) {
      EXPECT_FALSE(read_image_file(write(file), {shape, fit})) << file.name;
    }
  }
  make_special_files(folder_.path(), ".png");
  for (const char* name : {"pipe.png", "zeros.png", "nowhere.png", "loop.png", "folder.png",
                           "sparse.png", "absent.png"}) {
    EXPECT_FALSE(read_image_file(folder_ / name, {shape, ImageFit::kStretch})) << name;
  }
}

TEST_F(HostileFiles, AreNoSounds) {
  for (const HostileFile& file : hostile_sounds()) {
    EXPECT_FALSE(read_audio_file(write(file), 16'000)) << file.name;
  }
  make_special_files(folder_.path(), ".wav");
  for (const char* name : {"pipe.wav", "zeros.wav", "nowhere.wav", "loop.wav", "folder.wav",
                           "sparse.wav", "absent.wav"}) {
    EXPECT_FALSE(read_audio_file(folder_ / name, 16'000)) << name;
  }
}

// An hour of silence takes a few kilobytes in some formats, and more when its rate is raised.
TEST_F(HostileFiles, ASoundLongerThanAnHourOrSoIsRefused) {
  const std::string wav = wav_bytes(std::vector<std::int16_t>(8'000'000), 1'000);
  EXPECT_TRUE(read_audio_file(folder_.write("long.wav", wav), 1'000));
  EXPECT_FALSE(read_audio_file(folder_.write("long.wav", wav), 16'000));
}

DatasetOptions folder_options(const TemporaryFolder& folder) {
  DatasetOptions options;
  options.kind = DatasetKind::kFolder;
  options.path = folder.path().string();
  return options;
}

TEST_F(HostileFiles, AreListedByTheNamesThatFitALine) {
  for (const char* name : {"a", "b"}) {
    for (int i = 0; i < 10; ++i) folder_.write(fmt::format("{}/{}.png", name, i), encoded(".png"));
  }
  folder_.write("a/new\nline\x1b[2J\xFF.png", "");
  make_special_files(folder_ / "b", ".png");
  std::int64_t unreadable = 0;
  std::vector<std::string> odd;
  for (const Split split : {Split::kTrain, Split::kSearch, Split::kTest}) {
    const auto dataset = open_dataset(folder_options(folder_), split, 16, /*augment=*/false);
    std::vector<float> input(static_cast<std::size_t>(dataset->input_shape().elements()));
    for (std::int64_t i = 0; i < dataset->size(); ++i) {
      RandomStream random(0);
      if (dataset->load(i, random, input)) continue;
      ++unreadable;
      if (dataset->label(i) == 0) odd.push_back(dataset->name(i));
    }
  }
  EXPECT_EQ(unreadable, 1 + kSpecialFiles);
  EXPECT_THAT(odd, ElementsAre((folder_ / "a").string() + "/new\\x0aline\\x1b[2J\\xff.png"));
}

TEST_F(HostileFiles, ClassesHaveNamesOfText) {
  const std::vector<std::string> names = {
      "\x1b[31m", "\"quoted\"", "-rf", "<b>", "new\nline", "ä", std::string(255, 'x')};
  for (const std::string& name : names) folder_.write(name + "/1.png", encoded(".png"));
  fs::create_symlink("nowhere", folder_ / "dangling");
  fs::create_symlink("loop", folder_ / "loop");
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(class_names(folder_options(folder_)), testing::UnorderedElementsAreArray(names));
  folder_.write("caf\xE9/1.png", encoded(".png"));
  EXPECT_EQ(error_of([&] { class_names(folder_options(folder_)); }),
            folder_.path().string() +
                ": the name of its folder caf\\xe9 is not UTF-8; rename the folder");
}

TEST_F(HostileFiles, FoldersMayBeEmptyOrDeep) {
  EXPECT_THAT(error_of([&] { class_names(folder_options(folder_)); }),
              HasSubstr("expected at least two folders"));
  for (const char* name : {"a", "b"}) fs::create_directories(folder_ / name);
  EXPECT_THAT(error_of([&] { open_dataset(folder_options(folder_), Split::kTrain, 16, false); }),
              HasSubstr("expected folders of images"));
  fs::path deep = folder_ / "a";
  for (int i = 0; i < 1000; ++i) deep /= "d";
  fs::create_directories(deep);
  for (int i = 0; i < 10; ++i) folder_.write(fmt::format("b/{}.png", i), encoded(".png"));
  const auto dataset = open_dataset(folder_options(folder_), Split::kTrain, 16, false);
  EXPECT_THAT(dataset->classes(), ElementsAre("a", "b"));
}

}  // namespace
}  // namespace mcunet::datasets
