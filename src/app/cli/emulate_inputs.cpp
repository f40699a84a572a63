#include "emulate_inputs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/deploy/npy.hpp"
#include "pipeline/preprocessing_code.hpp"

namespace mcunet::cli {
namespace {

namespace fs = std::filesystem;
using deploy::Int8Bytes;
using deploy::ModelDescription;

// What is read, and by what.
struct InputReader {
  const InputOptions& options;
  const ModelDescription& model;
  const pipeline::MediaReader& media;
  std::optional<datasets::Preprocessing> preprocessing;  // of input 0, as model.json has it
};

Int8Bytes read_bytes(const std::string& file, engine::DataType type) {
  const std::string contents = read_file(file);
  const std::string extension = fs::path(file).extension();
  if (extension == ".npy") {
    deploy::TensorValues array = deploy::parse_npy(contents, file);
    if (array.type != type) {
      throw Error("{}: holds {}, but the firmware takes {}{}", file, engine::name_of(array.type),
                  engine::name_of(type),
                  type == engine::DataType::kInt8
                      ? "; compile with --borders invoke where the model itself takes another type"
                      : "");
    }
    return std::move(array.bytes);
  }
  if (extension != ".bin") {
    throw Error("{}: must be .bin, .npy, or an image or sound that is read here: {}", file,
                pipeline::media_extensions());
  }
  return {contents.begin(), contents.end()};
}

// The files of one word of --input, one for each input of the model.
std::vector<std::string> split_word(const std::string& word, std::size_t input_count) {
  if (input_count == 1) return {word};
  std::vector<std::string> files;
  std::istringstream stream(word);
  for (std::string file; std::getline(stream, file, ',');) files.push_back(file);
  if (files.size() != input_count) {
    throw Error("{}: the model has {} inputs, so give {} files with commas between them", word,
                input_count, input_count);
  }
  return files;
}

// Of a model that says nothing of images.
datasets::ImagePreprocessing stretched(const deploy::ModelTensor& tensor,
                                       const std::string& input_range) {
  datasets::ImagePreprocessing image{
      .shape = {.height = tensor.height, .width = tensor.width, .channels = tensor.channels},
      .fit = datasets::ImageFit::kStretch};
  if (input_range == "0,1") {
    image.mean = 0;
    image.deviation = 255;
  } else if (input_range == "0,255") {
    image.mean = 0;
    image.deviation = 1;
  }
  return image;
}

const char* taken_by(const InputReader& reader) {
  constexpr const char* kNames[] = {"images", "sound", "series"};  // by alternative
  return kNames[reader.preprocessing->index()];
}

// How an image becomes an input of the model.
datasets::ImagePreprocessing image_preprocessing(const std::string& file, std::size_t input,
                                                 const InputReader& reader) {
  const deploy::ModelTensor& tensor = reader.model.inputs[input];
  const std::string& range = reader.options.input_range;
  if (input > 0 || !reader.preprocessing) return stretched(tensor, range);
  const auto* image = std::get_if<datasets::ImagePreprocessing>(&*reader.preprocessing);
  if (image == nullptr)
    throw Error("{}: is an image, but the network takes in {}", file, taken_by(reader));
  if (!range.empty()) {
    throw Error("--input-range: {} says itself what black and white are", reader.options.folder);
  }
  const datasets::InputShape shape{tensor.height, tensor.width, tensor.channels};
  if (image->shape != shape) {
    throw Error("{}/model.json: its preprocessing gives another shape than that of input 0",
                reader.options.folder);
  }
  return *image;
}

Int8Bytes read_media(const std::string& file, std::size_t input, const InputReader& reader,
                     NamedInputs& result) {
  pipeline::MediaOptions options{.image = {}, .sample_rate = reader.options.sample_rate};
  if (!pipeline::is_sound(file)) {
    options.image = image_preprocessing(file, input, reader);
    result.preprocessing = options.image;
  } else if (input == 0 && reader.preprocessing) {
    throw Error("{}: is a sound, but the network takes in {}", file, taken_by(reader));
  }
  return reader.media.read_input(file, reader.model.inputs[input], options);
}

// How a file becomes windows, if it is a recording: an array of other than one or two dimensions is
// inputs as they are.
const datasets::SeriesPreprocessing* series_for(const std::string& file, std::size_t input,
                                                const InputReader& reader) {
  if (input > 0 || !reader.preprocessing || !pipeline::is_recording(file)) return nullptr;
  const auto* series = std::get_if<datasets::SeriesPreprocessing>(&*reader.preprocessing);
  if (series == nullptr) return nullptr;
  if (pipeline::is_array(file) && deploy::npy_shape(read_file(file), file).size() > 2) {
    return nullptr;
  }
  const InputOptions& options = reader.options;
  if (!options.input_range.empty() || options.sample_rate != 0) {
    throw Error("{}: {} says itself how recordings are read", file, options.folder);
  }
  const deploy::ModelTensor& tensor = reader.model.inputs[0];
  if (tensor.height != 1 || tensor.width != series->samples ||
      tensor.channels != std::ssize(series->channels)) {
    throw Error("{}/model.json: its preprocessing gives another shape than that of input 0",
                options.folder);
  }
  return series;
}

// What a file holds of one input: any number of them one after another.
std::vector<Int8Bytes> read_one_input(const std::string& file, std::size_t input,
                                      const InputReader& reader, NamedInputs& result) {
  if (pipeline::is_media(file)) return {read_media(file, input, reader, result)};
  if (const auto* series = series_for(file, input, reader)) {
    result.preprocessing = *series;
    return reader.media.read_windows(file, *series);
  }
  const deploy::ModelTensor& tensor = reader.model.inputs[input];
  const Int8Bytes bytes = read_bytes(file, tensor.type);
  const auto size = static_cast<std::int64_t>(bytes.size());
  if (size == 0 || size % tensor.bytes() != 0) {
    throw Error("{}: has {} bytes, which is no multiple of an input's {}", file, size,
                tensor.bytes());
  }
  std::vector<Int8Bytes> inputs;
  for (std::int64_t at = 0; at < size; at += tensor.bytes()) {
    inputs.emplace_back(bytes.begin() + at, bytes.begin() + at + tensor.bytes());
  }
  return inputs;
}

// Inference i of a word takes what each of its files holds at i.
void append_inputs(const std::string& word, const InputReader& reader, NamedInputs& result) {
  const std::vector<std::string> files = split_word(word, reader.model.inputs.size());
  std::vector<Int8Bytes> joined;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto inputs = read_one_input(files[i], i, reader, result);
    if (i == 0) joined.resize(inputs.size());
    if (inputs.size() != joined.size()) {
      throw Error("{}: holds {} inputs, but {} holds {}", files[i], inputs.size(), files[0],
                  joined.size());
    }
    for (std::size_t n = 0; n < inputs.size(); ++n) {
      joined[n].insert(joined[n].end(), inputs[n].begin(), inputs[n].end());
    }
  }
  std::optional<ImageInput> image;
  if (pipeline::is_media(files[0]) && !pipeline::is_sound(files[0])) {
    image = {files[0], image_preprocessing(files[0], 0, reader)};
  }
  for (std::size_t n = 0; n < joined.size(); ++n) {
    result.images.push_back(image);
    result.names.push_back(joined.size() == 1 ? word : fmt::format("{}[{}]", word, n));
    result.inputs.push_back(std::move(joined[n]));
  }
}

// What a camera would give: frames of raw bytes, one after another.
NamedInputs read_frames(const InputReader& reader) {
  const ModelDescription& model = reader.model;
  NamedInputs result;
  for (const std::string& file : reader.options.inputs) {
    if (fs::path(file).extension() != ".bin") {
      throw Error("{}: must be .bin, as the firmware takes pixels of {}", file,
                  name_of(*model.input_format));
    }
    const std::string contents = read_file(file);
    const auto size = static_cast<std::int64_t>(contents.size());
    const std::int64_t frame = model.given_bytes();
    if (size == 0 || size % frame != 0) {
      throw Error("{}: has {} bytes, which is no multiple of a frame's {}", file, size, frame);
    }
    for (std::int64_t at = 0; at < size; at += frame) {
      result.frames.emplace_back(contents.begin() + at, contents.begin() + at + frame);
      result.names.push_back(size == frame ? file : fmt::format("{}[{}]", file, at / frame));
      result.images.emplace_back();
      result.inputs.push_back(engine::input_of_pixels(*model.input_format, result.frames.back(),
                                                      model.inputs[0].channels));
    }
  }
  return result;
}

NamedInputs read_clips(const InputReader& reader, const datasets::LogMelParameters& sound) {
  const InputOptions& options = reader.options;
  if (options.sample_rate != 0) {
    throw Error("--sample-rate: {} takes in sound at {} Hz", options.folder, sound.sample_rate);
  }
  NamedInputs result;
  result.preprocessing = sound;
  for (const std::string& file : options.inputs) {
    if (!pipeline::is_sound(file)) {
      throw Error("{}: is no sound; give sounds alone, or the network's inputs alone", file);
    }
    pipeline::SoundClip clip = reader.media.read_clip(file, sound);
    result.names.push_back(file);
    result.images.emplace_back();
    result.clips.push_back(std::move(clip.samples));
    result.inputs.push_back(std::move(clip.features));
  }
  return result;
}

}  // namespace

datasets::ImagePreprocessing image_preprocessing_of(const std::string& image,
                                                    const InputOptions& options,
                                                    const ModelDescription& model) {
  const pipeline::MediaReader none;
  return image_preprocessing(
      image, 0, {options, model, none, pipeline::read_model_preprocessing(options.folder)});
}

NamedInputs read_inputs(const InputOptions& options, const ModelDescription& model,
                        const pipeline::MediaReader& media) {
  const InputReader reader{options, model, media,
                           pipeline::read_model_preprocessing(options.folder)};
  const std::vector<std::string>& words = options.inputs;
  if (reader.preprocessing && std::any_of(words.begin(), words.end(), pipeline::is_sound)) {
    const auto* sound = std::get_if<datasets::LogMelParameters>(&*reader.preprocessing);
    if (sound != nullptr) return read_clips(reader, *sound);
  }
  if (model.input_format) return read_frames(reader);
  NamedInputs result;
  for (const std::string& word : words) append_inputs(word, reader, result);
  return result;
}

}  // namespace mcunet::cli
