#include "media_input.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "feature_code.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/datasets/audio_file.hpp"
#include "mcunet/datasets/box_picture.hpp"
#include "mcunet/datasets/image_file.hpp"
#include "mcunet/engine/arithmetic/quantized_arithmetic.hpp"

namespace mcunet::pipeline {
namespace {

using deploy::Int8Bytes;
using deploy::ModelTensor;

// Appends a value of the tensor's type as it lies in memory, quantized as evaluations do it.
void append(float real, const ModelTensor& tensor, Int8Bytes& input) {
  if (tensor.type == engine::DataType::kFloat32) {
    const auto at = static_cast<std::ptrdiff_t>(input.size());
    input.resize(input.size() + sizeof(real));
    std::memcpy(&*(input.begin() + at), &real, sizeof(real));
    return;
  }
  const int lowest = tensor.type == engine::DataType::kUint8 ? 0 : -128;
  const engine::Quantization quantization{static_cast<float>(tensor.scale), tensor.zero_point};
  input.push_back(static_cast<std::int8_t>(
      engine::quantize_value(real, quantization, {.min = lowest, .max = lowest + 255})));
}

Int8Bytes read_image(const std::string& file, const ModelTensor& tensor,
                     const MediaOptions& options) {
  if (tensor.channels != 1 && tensor.channels != 3) {
    throw Error("{}: an image has 1 or 3 channels, the model's input has {}", file,
                tensor.channels);
  }
  const auto pixels = datasets::read_image_file(file, options.image);
  if (!pixels) throw Error("{}: is no readable image", file);
  return quantize_pixels(*pixels, tensor, options.image);
}

std::vector<std::int16_t> read_samples(const std::string& file, int sample_rate) {
  auto samples = datasets::read_audio_file(file, sample_rate);
  if (!samples) throw Error("{}: is no readable sound", file);
  return std::move(*samples);
}

Int8Bytes read_sound(const std::string& file, const ModelTensor& tensor,
                     const MediaOptions& options) {
  const std::int64_t longest = std::max({tensor.height, tensor.width, tensor.channels});
  if (longest != tensor.elements()) {
    throw Error(
        "{}: the model's input is {}x{}x{}, not a row of samples, and it has no "
        "feature extraction; compute its features first and give them as .npy or .bin",
        file, tensor.height, tensor.width, tensor.channels);
  }
  std::vector<std::int16_t> samples = read_samples(file, options.sample_rate);
  samples.resize(static_cast<std::size_t>(tensor.elements()), 0);
  Int8Bytes input;
  for (const std::int16_t sample : samples)
    append(static_cast<float>(sample) / 32768.0F, tensor, input);
  return input;
}

}  // namespace

Int8Bytes quantize_pixels(std::span<const std::uint8_t> pixels, const ModelTensor& tensor,
                          const datasets::ImagePreprocessing& preprocessing) {
  Int8Bytes input;
  for (const std::uint8_t pixel : pixels) append(preprocessing.input_of(pixel), tensor, input);
  return input;
}

Int8Bytes read_media_input(const std::string& file, const ModelTensor& tensor,
                           const MediaOptions& options) {
  const bool is_quantized = tensor.type != engine::DataType::kFloat32;
  if (is_quantized && !(tensor.scale > 0)) throw Error("{}: the model's input has no scale", file);
  return is_sound(file) ? read_sound(file, tensor, options) : read_image(file, tensor, options);
}

Int8Bytes encode_pixels(std::span<const std::uint8_t> pixels, engine::PixelFormat format) {
  if (format == engine::PixelFormat::kGray) return {pixels.begin(), pixels.end()};
  Int8Bytes bytes;
  const auto add = [&](double level) {
    bytes.push_back(static_cast<std::int8_t>(static_cast<std::uint8_t>(std::lround(level))));
  };
  // ITU-R BT.601, of 16 to 235; two pixels have one colour, their mean.
  const auto luma = [](const std::uint8_t* p) {
    return 16 + (65.481 * p[0] + 128.553 * p[1] + 24.966 * p[2]) / 255;
  };
  const std::size_t step = format == engine::PixelFormat::kYuv422 ? 6 : 3;
  for (std::size_t at = 0; at + step <= pixels.size(); at += step) {
    const std::uint8_t* const p = pixels.data() + at;
    if (format == engine::PixelFormat::kRgb565) {
      const int word = p[0] >> 3 << 11 | p[1] >> 2 << 5 | p[2] >> 3;
      add(word & 0xFF);
      add(word >> 8);
      continue;
    }
    const double red = (p[0] + p[3]) / 2.0;
    const double green = (p[1] + p[4]) / 2.0;
    const double blue = (p[2] + p[5]) / 2.0;
    add(luma(p));
    add(128 + (-37.797 * red - 74.203 * green + 112 * blue) / 255);
    add(luma(p + 3));
    add(128 + (112 * red - 93.786 * green - 18.214 * blue) / 255);
  }
  return bytes;
}

SoundClip read_sound_clip(const std::string& file, const datasets::LogMelParameters& parameters) {
  const std::vector<std::int16_t> samples =
      datasets::cut_clip(read_samples(file, parameters.sample_rate), parameters.samples);
  return make_sound_clip(samples, parameters);
}

std::vector<Int8Bytes> read_windows(const std::string& file,
                                    const datasets::SeriesPreprocessing& series) {
  std::vector<std::string> channels;
  for (const datasets::SeriesChannel& channel : series.channels) channels.push_back(channel.name);
  const datasets::Recording recording = datasets::read_recording(file, channels);
  const datasets::SeriesTables tables = datasets::make_series_tables(series);
  std::vector<float> values(static_cast<std::size_t>(series.window) * channels.size());
  std::vector<Int8Bytes> windows;
  for (const std::int64_t start :
       datasets::window_starts(recording.rows(), series.window, series.window)) {
    datasets::cut_window(recording, start, values);
    Int8Bytes& input = windows.emplace_back();
    input.resize(static_cast<std::size_t>(series.samples) * channels.size());
    datasets::compute_series(series, tables, values, input);
  }
  return windows;
}

BoxPicture draw_box_picture(const std::string& file,
                            const datasets::ImagePreprocessing& preprocessing,
                            const datasets::Detections& detections,
                            const std::vector<std::string>& classes) {
  const auto part = datasets::seen_part(file, preprocessing);
  if (!part) throw Error("{}: is no readable image", file);
  BoxPicture picture{.png = draw_detections(file, preprocessing, detections, classes),
                     .pixels = {}};
  for (const datasets::Detection& detection : detections) {
    picture.pixels.push_back(part->in_pixels(detection.box));
  }
  return picture;
}

const MediaReader kMediaReader = {read_media_input, read_sound_clip, read_windows,
                                  draw_box_picture};

}  // namespace mcunet::pipeline
