#include "live_inputs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <filesystem>
#include <memory>

#include "mcunet/core/error.hpp"
#include "mcunet/core/names.hpp"
#include "mcunet/core/standard_streams.hpp"
#include "pipeline/camera.hpp"
#include "pipeline/preprocessing_code.hpp"
#include "pipeline/sound_stream.hpp"

namespace mcunet::cli {
namespace {

namespace fs = std::filesystem;
using deploy::ModelDescription;

bool is_raw_input(const std::string& file) {
  return fs::path(file).extension() == ".bin" || pipeline::is_array(file);
}

// Images, and inputs as they are, in the order of their names.
std::vector<std::string> list_folder(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> files;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string file = entry->path().string();
    const bool is_image = pipeline::is_media(file) && !pipeline::is_sound(file);
    if ((is_image || is_raw_input(file)) && !entry->path().filename().string().starts_with('.')) {
      files.push_back(file);
    }
  }
  if (error) throw Error("{}: cannot be read as a folder: {}", folder, error.message());
  if (files.empty()) {
    throw Error("{}: holds no images (.jpg, .png, …) and no inputs (.bin, .npy)", folder);
  }
  std::sort(files.begin(), files.end());
  return files;
}

// How a picture becomes what the firmware takes: its input, or the pixels that it makes one of.
datasets::ImagePreprocessing picture_preprocessing(const std::string& what,
                                                   const InputOptions& options,
                                                   const ModelDescription& model) {
  auto preprocessing = image_preprocessing_of(what, options, model);
  if (model.input_format) {
    preprocessing.shape.channels = *model.input_format == engine::PixelFormat::kGray ? 1 : 3;
  }
  return preprocessing;
}

LiveInput input_of_picture(std::string name, std::span<const std::uint8_t> pixels,
                           const datasets::ImagePreprocessing& preprocessing,
                           const ModelDescription& model) {
  const deploy::ModelTensor& tensor = model.inputs[0];
  LiveInput result{.name = std::move(name), .given = {}, .input = {}};
  if (model.input_format) {
    result.given = pipeline::encode_pixels(pixels, *model.input_format);
    result.input = engine::input_of_pixels(*model.input_format, result.given, tensor.channels);
  } else {
    result.given = pipeline::quantize_pixels(pixels, tensor, preprocessing);
    result.input = result.given;
  }
  return result;
}

class ImageFolder {
 public:
  ImageFolder(const LiveSourceOptions& options, const ModelDescription& model,
              const pipeline::MediaReader& media, LiveLosses& losses)
      : options_(options.model),
        model_(model),
        media_(media),
        losses_(losses),
        files_(list_folder(options.images)),
        preprocessing_(picture_preprocessing(options.images, options_, model_)) {}

  std::optional<LiveInput> next() {
    while (ready_.empty() && next_file_ < files_.size()) read(files_[next_file_++]);
    if (ready_.empty()) return std::nullopt;
    LiveInput input = std::move(ready_.front());
    ready_.pop_front();
    return input;
  }

 private:
  // A file of raw inputs may hold several.
  void read(const std::string& file) {
    NamedInputs read;
    try {
      if (model_.input_format && !is_raw_input(file)) {
        const auto pixels = datasets::read_image_file(file, preprocessing_);
        if (!pixels) throw Error("{}: is no readable image", file);
        ready_.push_back(
            input_of_picture(fs::path(file).filename().string(), *pixels, preprocessing_, model_));
        return;
      }
      options_.inputs = {file};
      read = read_inputs(options_, model_, media_);
    } catch (const Error& error) {
      say("mcunet: {}; it is skipped\n", on_one_line(error.what()));
      ++losses_.unreadable;
      return;
    }
    for (std::size_t i = 0; i < read.names.size(); ++i) {
      ready_.push_back({.name = fs::path(read.names[i]).filename().string(),
                        .given = read.frames.empty() ? read.inputs[i] : read.frames[i],
                        .input = read.inputs[i]});
    }
  }

  InputOptions options_;
  ModelDescription model_;
  pipeline::MediaReader media_;
  LiveLosses& losses_;
  std::vector<std::string> files_;
  datasets::ImagePreprocessing preprocessing_;  // said at once if the network takes no images
  std::size_t next_file_ = 0;
  std::deque<LiveInput> ready_;
};

LiveSource open_folder(const LiveSourceOptions& options, const ModelDescription& model,
                       const pipeline::MediaReader& media, LiveLosses& losses) {
  auto folder = std::make_shared<ImageFolder>(options, model, media, losses);
  return [folder] { return folder->next(); };
}

LiveSource open_camera(const LiveSourceOptions& options, const ModelDescription& model) {
  const auto preprocessing = picture_preprocessing(options.camera, options.model, model);
  auto camera = std::make_shared<pipeline::Camera>(options.camera);
  return
      [=, number = std::int64_t{0}, name = options.camera]() mutable -> std::optional<LiveInput> {
        const auto frame = camera->next();
        if (!frame && camera->is_device()) throw Error("{}: gives no more frames", name);
        if (!frame) return std::nullopt;
        const auto pixels = datasets::preprocess_frame(*frame, preprocessing);
        return input_of_picture(fmt::format("frame {}", number++), pixels, preprocessing, model);
      };
}

LiveSource open_sound(const LiveSourceOptions& options, LiveLosses& losses) {
  const std::string what = options.microphone ? "the microphone" : options.sound;
  const auto preprocessing = pipeline::read_model_preprocessing(options.model.folder);
  const auto* sound =
      preprocessing ? std::get_if<datasets::LogMelParameters>(&*preprocessing) : nullptr;
  if (sound == nullptr) {
    throw Error("{}: {} takes in no sound, as it was exported without feature extraction", what,
                options.model.folder);
  }
  const double hop = options.hop_seconds > 0 ? options.hop_seconds * sound->sample_rate
                                             : static_cast<double>(sound->samples) / 2;
  const pipeline::SoundStreamOptions stream_options{
      .hop_samples = std::max<std::int64_t>(1, std::llround(hop)),
      .in_real_time = options.in_real_time,
      .is_stopped = options.is_stopped};
  std::shared_ptr<pipeline::SoundStream> stream =
      options.microphone
          ? pipeline::SoundStream::of_microphone(*options.microphone, *sound, stream_options)
          : pipeline::SoundStream::of_file(options.sound, *sound, stream_options);
  return [stream, &losses, rate = sound->sample_rate]() -> std::optional<LiveInput> {
    auto heard = stream->next();
    losses.left_out = stream->left_out();
    if (!heard) return std::nullopt;
    return LiveInput{.name = fmt::format("{:.2f} s", static_cast<double>(heard->start) / rate),
                     .given = std::move(heard->clip.samples),
                     .input = std::move(heard->clip.features)};
  };
}

}  // namespace

LiveSource open_live_source(const LiveSourceOptions& options, const ModelDescription& model,
                            const pipeline::MediaReader& media, LiveLosses& losses) {
  if (model.inputs.size() != 1) {
    throw Error("{}: the network has {} inputs; live feeds networks of one", options.model.folder,
                model.inputs.size());
  }
  const bool is_sound = !options.sound.empty() || options.microphone.has_value();
  if (is_sound) return open_sound(options, losses);
  if (!options.camera.empty()) return open_camera(options, model);
  return open_folder(options, model, media, losses);
}

}  // namespace mcunet::cli
