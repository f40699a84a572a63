// Decoding of photographs into training examples against the plain way: decode the whole image,
// then crop and resize. Both are measured in turns on the same files and crops, in one thread.
//
//   loader_benchmark FOLDER [resolution]
//
// Prints the images of the folder (and below) per second both ways and the ratio of the medians.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "image_augmentation.hpp"
#include "image_decoding.hpp"
#include "mcunet/core/stopwatch.hpp"

namespace {

namespace fs = std::filesystem;
using namespace mcunet;
using namespace mcunet::datasets;

cv::Rect2d choose_crop(cv::Size image, bool augment, cv::Size target, std::uint64_t index) {
  RandomStream random(1, {index});
  return augment ? random_crop(image, 0.08, random)
                 : evaluation_crop(image, {.shape = {target.height, target.width, 3}});
}

void decode_plainly(const fs::path& file, bool augment, cv::Size target, std::uint64_t index) {
  const cv::Mat image = cv::imread(file.string(), cv::IMREAD_COLOR);
  resize_crop(image, choose_crop(image.size(), augment, target, index), target);
}

// Faster and worse: where it shrinks to less than half, it leaves pixels out.
void decode_bilinear(const fs::path& file, bool augment, cv::Size target, std::uint64_t index) {
  const cv::Mat image = cv::imread(file.string(), cv::IMREAD_COLOR);
  const cv::Rect crop = cv::Rect(choose_crop(image.size(), augment, target, index));
  cv::Mat result;
  cv::resize(image(crop & cv::Rect({0, 0}, image.size())), result, target);
}

void decode_reduced(const fs::path& file, bool augment, cv::Size target, std::uint64_t index) {
  const auto encoded = EncodedImage::read(file);
  cv::Rect2d crop = choose_crop(encoded->size(), augment, target, index);
  resize_crop(encoded->decode(3, target, crop), crop, target);
}

using Decode = void (*)(const fs::path&, bool, cv::Size, std::uint64_t);

double seconds_for(const std::vector<fs::path>& files, Decode decode, bool augment,
                   cv::Size target) {
  const Stopwatch stopwatch;
  for (std::size_t i = 0; i < files.size(); ++i) decode(files[i], augment, target, i);
  return stopwatch.seconds();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

void compare(const std::vector<fs::path>& files, bool augment, int resolution) {
  constexpr int kRounds = 9;
  const cv::Size target(resolution, resolution);
  std::vector<double> plain;
  std::vector<double> bilinear;
  std::vector<double> reduced;
  for (int round = 0; round < kRounds; ++round) {
    plain.push_back(seconds_for(files, decode_plainly, augment, target));
    bilinear.push_back(seconds_for(files, decode_bilinear, augment, target));
    reduced.push_back(seconds_for(files, decode_reduced, augment, target));
  }
  const auto count = static_cast<double>(files.size());
  fmt::print(
      "{:<20} images/s: reduced {:.0f}; whole {:.0f} (ratio {:.2f}); "
      "whole, bilinear {:.0f} (ratio {:.2f})\n",
      augment ? "random resized crop" : "evaluation crop", count / median(reduced),
      count / median(plain), median(plain) / median(reduced), count / median(bilinear),
      median(bilinear) / median(reduced));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: loader_benchmark FOLDER [resolution]\n");
    return 2;
  }
  const int resolution = argc > 2 ? std::atoi(argv[2]) : 128;
  cv::setNumThreads(1);
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(argv[1])) {
    if (entry.is_regular_file() && EncodedImage::read(entry.path())) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  if (files.empty() || resolution < 1) {
    fmt::print(stderr, "loader_benchmark: {}: holds no images\n", argv[1]);
    return 1;
  }
  fmt::print("{} images to {} x {}\n", files.size(), resolution, resolution);
  compare(files, /*augment=*/false, resolution);
  compare(files, /*augment=*/true, resolution);
  return 0;
}
