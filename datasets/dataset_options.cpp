#include <fmt/format.h>

#include "file_list.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/datasets/open_dataset.hpp"
#include "series_dataset.hpp"
#include "synthetic_images.hpp"

// What can be told of a dataset without opening an image or a sound.
namespace mcunet::datasets {
namespace {

Field evaluation(std::optional<ImageFit>& fit) {
  const auto named = [](ImageFit& value) {
    return choice("evaluation", value,
                  {{"crop", ImageFit::kCrop}, {"stretch", ImageFit::kStretch}});
  };
  auto read = [&fit, named](const ConfigNode& node) {
    fit.reset();
    if (node.kind != ConfigNode::Kind::kNull) named(fit.emplace()).read(node);
  };
  return {"evaluation", std::move(read),
          [&fit, named] { return fit ? named(*fit).write() : ConfigNode{}; }};
}

std::vector<Field> fields_of_image(ImageOptions& image) {
  Field channels = choice("channels", image.channels, {{"3", 3}, {"1", 1}});
  channels.write = [&image] { return write_value(image.channels); };
  return {std::move(channels),
          evaluation(image.evaluation),
          field("bits", image.bits, between(8, 16)),
          field("min_crop_scale", image.min_crop_scale, between(0.01, 1)),
          field("box_jitter", image.box_jitter, between(0, 0.4)),
          field("flip", image.flip),
          field("brightness", image.brightness, between(0, 1)),
          field("contrast", image.contrast, between(0, 1)),
          field("saturation", image.saturation, between(0, 1))};
}

std::vector<Field> fields_of_audio(AudioOptions& audio) {
  return {field("sample_rate", audio.sample_rate, between(4000, 48'000)),
          field("clip_ms", audio.clip_ms, between(100, 10'000)),
          choice("task", audio.task,
                 {{"all-words", SpeechTask::kAllWords},
                  {"ten-words", SpeechTask::kTenWords},
                  {"twelve-classes", SpeechTask::kTwelveClasses}}),
          field("silence_share", audio.silence_share, between(0, 1)),
          field("unknown_share", audio.unknown_share, between(0, 10)),
          field("time_shift_ms", audio.time_shift_ms, between(0, 1000)),
          field("gain_db", audio.gain_db, between(0, 40)),
          field("background_share", audio.background_share, between(0, 1)),
          field("background_volume", audio.background_volume, between(0, 1)),
          field("mask_share", audio.mask_share, between(0, 1))};
}

std::vector<Field> fields_of_series(SeriesOptions& series) {
  return {field("window", series.window, between(1, 1 << 20)),
          field("step", series.step, between(1, 1 << 20)),
          field("sample_rate", series.sample_rate, positive()),
          field("channels", series.channels),
          field("time_shift", series.time_shift, between(0, 1)),
          field("scale", series.scale, between(0, 1)),
          field("noise", series.noise, between(0, 1))};
}

std::vector<Field> fields_of_synthetic(SyntheticOptions& synthetic) {
  return {field("examples", synthetic.examples, between(1, 1e9)),
          field("held_out_examples", synthetic.held_out_examples, between(1, 1e9)),
          field("classes", synthetic.classes, between(2, 1000)),
          field("difficulty", synthetic.difficulty, between(0, 1))};
}

}  // namespace

std::vector<Field> fields_of(DatasetOptions& options) {
  return {required(choice("kind", options.kind,
                          {{"folder", DatasetKind::kFolder},
                           {"sound-folder", DatasetKind::kSoundFolder},
                           {"imagenet", DatasetKind::kImagenet},
                           {"vww", DatasetKind::kVww},
                           {"voc", DatasetKind::kVoc},
                           {"coco", DatasetKind::kCoco},
                           {"yolo", DatasetKind::kYolo},
                           {"speech-commands", DatasetKind::kSpeechCommands},
                           {"series", DatasetKind::kSeries},
                           {"synthetic-images", DatasetKind::kSyntheticImages},
                           {"synthetic-audio", DatasetKind::kSyntheticAudio},
                           {"synthetic-series", DatasetKind::kSyntheticSeries}})),
          choice("targets", options.targets,
                 {{"classes", TargetKind::kClasses},
                  {"boxes", TargetKind::kBoxes},
                  {"values", TargetKind::kValues}}),
          field("path", options.path),
          field("annotations", options.annotations),
          section("columns",
                  {field("file", options.columns.file), field("label", options.columns.label),
                   field("split", options.columns.split)}),
          field("pattern", options.pattern),
          field("seed", options.seed),
          field("search_split", options.search_split, at_least(1)),
          field("test_share", options.test_share, between(0.001, 0.999)),
          field("max_unreadable_share", options.max_unreadable_share, between(0, 1)),
          field("cache", options.cache),
          section("image", fields_of_image(options.image)),
          section("audio", fields_of_audio(options.audio)),
          section("series", fields_of_series(options.series)),
          section("synthetic", fields_of_synthetic(options.synthetic))};
}

void check_targets(const DatasetOptions& options) {
  const bool has_boxes = options.kind == DatasetKind::kVoc || options.kind == DatasetKind::kCoco ||
                         options.kind == DatasetKind::kYolo ||
                         options.kind == DatasetKind::kSyntheticImages;
  if (options.targets == TargetKind::kBoxes && !has_boxes) {
    throw Error("dataset.targets: boxes are for the kinds voc, coco, yolo and synthetic-images");
  }
  if (options.targets != TargetKind::kValues) return;
  const bool is_folder =
      options.kind == DatasetKind::kFolder || options.kind == DatasetKind::kSoundFolder;
  if (!is_folder && options.kind != DatasetKind::kSyntheticImages) {
    throw Error(
        "dataset.targets: values are for the kinds folder, sound-folder and synthetic-images");
  }
  if (is_folder && options.annotations.empty() && options.pattern.empty()) {
    throw Error(
        "dataset.targets: values need dataset.annotations, a table of files and values, or "
        "dataset.pattern");
  }
}

Medium medium_of(DatasetKind kind) {
  switch (kind) {
    case DatasetKind::kSoundFolder:
    case DatasetKind::kSpeechCommands:
    case DatasetKind::kSyntheticAudio:
      return Medium::kSound;
    case DatasetKind::kSeries:
    case DatasetKind::kSyntheticSeries:
      return Medium::kSeries;
    case DatasetKind::kFolder:
    case DatasetKind::kImagenet:
    case DatasetKind::kVww:
    case DatasetKind::kVoc:
    case DatasetKind::kCoco:
    case DatasetKind::kYolo:
    case DatasetKind::kSyntheticImages:
      break;
  }
  return Medium::kImage;
}

bool needs_path(DatasetKind kind) {
  return kind != DatasetKind::kSyntheticImages && kind != DatasetKind::kSyntheticAudio &&
         kind != DatasetKind::kSyntheticSeries;
}

int input_channels(const DatasetOptions& options) {
  switch (medium_of(options.kind)) {
    case Medium::kSound:
      return 1;
    case Medium::kSeries:
      if (!needs_path(options.kind)) return kSyntheticSeriesChannels;
      if (!options.series.channels.empty()) return static_cast<int>(options.series.channels.size());
      return static_cast<int>(series_data(options)->channels.size());
    case Medium::kImage:
      break;
  }
  return options.image.channels;
}

std::vector<std::string> class_names(const DatasetOptions& options) {
  check_targets(options);
  switch (options.kind) {
    case DatasetKind::kFolder:
    case DatasetKind::kSoundFolder:
    case DatasetKind::kSeries:
      return folder_classes(options);
    case DatasetKind::kImagenet:
      return imagenet_classes(options);
    case DatasetKind::kVww:
      return vww_classes(options);
    case DatasetKind::kVoc:
    case DatasetKind::kCoco:
    case DatasetKind::kYolo:
      return list_layout(options).classes;
    case DatasetKind::kSpeechCommands:
      return speech_classes(options);
    case DatasetKind::kSyntheticImages:
      if (options.targets == TargetKind::kBoxes) return shape_names(options);
      if (options.targets == TargetKind::kValues) return {"value"};
      break;
    case DatasetKind::kSyntheticAudio:
    case DatasetKind::kSyntheticSeries:
      break;
  }
  constexpr const char* kNames[] = {"direction", "chirp", "motion"};  // by Medium
  const char* name = kNames[static_cast<std::size_t>(medium_of(options.kind))];
  std::vector<std::string> names;
  for (int i = 0; i < options.synthetic.classes; ++i) {
    names.push_back(fmt::format("{}_{}", name, i));
  }
  return names;
}

LogMelParameters spectrogram_of(const DatasetOptions& options, int resolution) {
  if (medium_of(options.kind) != Medium::kSound) throw Error("dataset.kind: is no audio dataset");
  const int rate = options.audio.sample_rate;
  return log_mel_parameters(resolution, rate,
                            static_cast<int>(std::int64_t{rate} * options.audio.clip_ms / 1000));
}

namespace {

SeriesPreprocessing series_of(const DatasetOptions& options, int resolution) {
  SeriesPreprocessing series{.window = options.series.window,
                             .samples = resolution,
                             .sample_rate = options.series.sample_rate,
                             .channels = series_data(options)->channels};
  check_series(series);
  return series;
}

}  // namespace

Preprocessing preprocessing_of(const DatasetOptions& options, int resolution) {
  if (medium_of(options.kind) == Medium::kSound) return spectrogram_of(options, resolution);
  if (medium_of(options.kind) == Medium::kSeries) return series_of(options, resolution);
  const bool sees_all =
      options.kind == DatasetKind::kVww || options.targets != TargetKind::kClasses;
  const ImageFit usual = sees_all ? ImageFit::kStretch : ImageFit::kCrop;
  return ImagePreprocessing{.shape = {resolution, resolution, options.image.channels},
                            .fit = options.image.evaluation.value_or(usual),
                            .bits = options.image.bits};
}

}  // namespace mcunet::datasets
