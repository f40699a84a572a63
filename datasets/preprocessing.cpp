#include "mcunet/datasets/preprocessing.hpp"

#include <fmt/format.h>

#include <cmath>

#include "mcunet/core/error.hpp"
#include "mcunet/core/names.hpp"

namespace mcunet::datasets {
namespace {

constexpr double kMaxSide = 4096;

std::vector<std::string> describe_image(const ImagePreprocessing& image) {
  const InputShape& shape = image.shape;
  const std::string size = fmt::format("{} x {}", shape.height, shape.width);
  return {fmt::format("an image of {} pixels, {}", size,
                      shape.channels == 3 ? "red, green, blue" : "gray"),
          image.fit == ImageFit::kStretch
              ? "the whole image, stretched"
              : fmt::format("the middle {:g} % of the image's shorter side; all of an image of {}",
                            100 * image.crop_share, size),
          fmt::format("a value p of 0 to 255 is the input (p - {:g}) / {:g}", image.mean,
                      image.deviation)};
}

std::vector<std::string> describe_sound(const LogMelParameters& sound) {
  return {
      fmt::format("a sound of {} samples at {} Hz, the middle of the recording", sound.samples,
                  sound.sample_rate),
      fmt::format("as a log-mel spectrogram of {} bands x {} frames", sound.bands, sound.frames),
      "a level q of -128 to 127 is the input q / 128"};
}

// Names of columns come from outside, and what is described here goes into comments of C.
std::vector<std::string> describe_series(const SeriesPreprocessing& series) {
  std::vector<std::string> lines = {
      fmt::format("a series of {} rows of {} values{}", series.window, series.channels.size(),
                  series.sample_rate ? fmt::format(", {:g} a second", *series.sample_rate) : "")};
  if (series.averaged() > 1) {
    lines.push_back(fmt::format("{} rows are averaged to one sample of the input, which has {}",
                                series.averaged(), series.samples));
  }
  for (std::size_t c = 0; c < series.channels.size(); ++c) {
    const SeriesChannel& channel = series.channels[c];
    lines.push_back(fmt::format(
        "a value v of {} is the input (v {} {:.6g}) / {:.6g}",
        is_plain_name(channel.name) ? "channel " + channel.name : fmt::format("column {}", c),
        channel.centre < 0 ? '+' : '-', std::abs(channel.centre), channel.range));
  }
  return lines;
}

}  // namespace

std::vector<Field> fields_of(ImagePreprocessing& image) {
  return {required(field("height", image.shape.height, between(1, kMaxSide))),
          required(field("width", image.shape.width, between(1, kMaxSide))),
          required(choice("colours", image.shape.channels, {{"rgb", 3}, {"gray", 1}})),
          required(choice("fit", image.fit,
                          {{"crop", ImageFit::kCrop}, {"stretch", ImageFit::kStretch}})),
          field("crop_share", image.crop_share, between(0.01, 1)),
          field("bits", image.bits, between(8, 16)),
          required(field("mean", image.mean)),
          required(field("deviation", image.deviation, positive()))};
}

Preprocessing read_preprocessing(const ConfigNode& node) {
  if (node.find("image") != nullptr) {
    ImagePreprocessing value;
    read_fields(node, {section("image", fields_of(value))});
    return value;
  }
  if (const ConfigNode* series = node.find("series")) {
    SeriesPreprocessing value;
    read_fields(node, {section("series", fields_of(value))});
    try {
      check_series(value);
    } catch (const Error& error) {
      series->fail(error.what());
    }
    return value;
  }
  LogMelParameters value;
  read_fields(node, {required(section("sound", fields_of(value)))});
  return value;
}

ConfigNode write_preprocessing(const Preprocessing& preprocessing) {
  Preprocessing copy = preprocessing;
  if (auto* image = std::get_if<ImagePreprocessing>(&copy)) {
    return write_fields({section("image", fields_of(*image))});
  }
  if (auto* series = std::get_if<SeriesPreprocessing>(&copy)) {
    return write_fields({section("series", fields_of(*series))});
  }
  return write_fields({section("sound", fields_of(std::get<LogMelParameters>(copy)))});
}

std::vector<std::string> describe(const Preprocessing& preprocessing) {
  struct {
    auto operator()(const ImagePreprocessing& image) { return describe_image(image); }
    auto operator()(const LogMelParameters& sound) { return describe_sound(sound); }
    auto operator()(const SeriesPreprocessing& series) { return describe_series(series); }
  } words;
  return std::visit(words, preprocessing);
}

}  // namespace mcunet::datasets
