#include "feature_code.hpp"

#include <fmt/format.h>

#include <cstring>

#include "c_table.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/text_template.hpp"
#include "templates.hpp"

namespace mcunet::pipeline {
namespace {

using datasets::LogMelParameters;
using datasets::LogMelTables;

enum Staging { kSamples, kScratch };

void add_table(const std::string& name, const auto& values, TemplateValues& result) {
  result.texts[name + "_size"] = std::to_string(values.size());
  result.texts[name] =
      lines_of(values.size(), 12, [&](std::size_t i) { return fmt::format("{}", values[i]); });
}

TemplateValues values_of(const LogMelTables& tables, const engine::ModelNames& names) {
  const LogMelParameters& p = tables.parameters;
  TemplateValues values = {.texts = names.template_texts()};
  values.texts.insert({{"sample_rate", std::to_string(p.sample_rate)},
                       {"samples", std::to_string(p.samples)},
                       {"bands", std::to_string(p.bands)},
                       {"frames", std::to_string(p.frames)},
                       {"samples_index", std::to_string(kSamples)},
                       {"scratch_index", std::to_string(kScratch)},
                       {"scratch_bytes", std::to_string(datasets::log_mel_scratch_bytes(p))},
                       {"window_length", std::to_string(p.window_length)},
                       {"fft_log2", std::to_string(p.fft_log2)},
                       {"log2_zero", std::to_string(tables.log2_zero)},
                       {"gain", std::to_string(tables.gain)}});
  add_table("window", tables.window, values);
  add_table("twiddles", tables.twiddles, values);
  add_table("band_weights", tables.band_weights, values);
  const std::vector<std::uint16_t>& ranges = tables.band_ranges;  // first bin and count, in turn
  values.texts["band_ranges_size"] = std::to_string(ranges.size() / 2);
  values.texts["band_ranges"] = lines_of(ranges.size() / 2, 8, [&](std::size_t i) {
    return fmt::format("{{{}, {}}}", ranges[2 * i], ranges[2 * i + 1]);
  });
  return values;
}

}  // namespace

std::vector<std::int64_t> feature_staging(const LogMelParameters& parameters) {
  return {std::int64_t{2} * parameters.samples, datasets::log_mel_scratch_bytes(parameters)};
}

std::vector<engine::InputStaging> input_staging(const datasets::DatasetOptions& dataset,
                                                std::set<int> resolutions) {
  std::vector<engine::InputStaging> staging;
  if (datasets::medium_of(dataset.kind) != datasets::Medium::kSound) return staging;
  for (const int resolution : resolutions) {
    try {
      const LogMelParameters parameters = datasets::spectrogram_of(dataset, resolution);
      staging.push_back({parameters.bands, feature_staging(parameters)});
    } catch (const Error&) {  // said when a network of that resolution is to be trained
    }
  }
  return staging;
}

void check_levels(const engine::Graph& graph, const char* what) {
  const engine::TensorId input = graph.inputs.at(0);
  const engine::Quantization& q = graph.info_of(input).quantization;
  if (graph.tensors[input].type == engine::DataType::kInt8 && q.scale == 1.0F / 128 &&
      q.zero_point == 0) {
    return;
  }
  throw Error(
      "{} are int8 of scale 1/128 and zero point 0, "
      "but the network takes in {} of scale {} and zero point {}",
      what, engine::name_of(graph.tensors[input].type), q.scale, q.zero_point);
}

void check_features(const engine::Graph& graph, const LogMelParameters& parameters) {
  const engine::Shape& shape = graph.tensors[graph.inputs.at(0)].shape;
  if (shape.height != parameters.bands || shape.width != parameters.frames || shape.channels != 1) {
    throw Error("spectrograms are {}x{}x1, but the network takes in {}x{}x{}", parameters.bands,
                parameters.frames, shape.height, shape.width, shape.channels);
  }
  check_levels(graph, "spectrograms");
}

FeatureCode generate_features(const LogMelParameters& parameters, const engine::ModelNames& names) {
  const LogMelTables tables = datasets::make_log_mel_tables(parameters);
  FeatureCode code;
  code.files = engine::kernel_sources({"log_mel.h"});
  const TemplateValues values = values_of(tables, names);
  for (const char* suffix : {".h", ".c"}) {
    const EmbeddedFile* const file =
        find_file(embedded_templates(), fmt::format("features{}.in", suffix));
    code.files.push_back({names.part("features") + suffix, fill_template(*file, values)});
  }
  code.constant_bytes =
      static_cast<std::int64_t>(2 * (tables.window.size() + tables.twiddles.size() +
                                     tables.band_ranges.size() + tables.band_weights.size()));
  return code;
}

SoundClip make_sound_clip(std::span<const std::int16_t> samples,
                          const LogMelParameters& parameters) {
  SoundClip clip;
  clip.samples.resize(samples.size_bytes());
  std::memcpy(clip.samples.data(), samples.data(), samples.size_bytes());
  clip.features.resize(static_cast<std::size_t>(parameters.bands) *
                       static_cast<std::size_t>(parameters.frames));
  datasets::compute_log_mel(datasets::make_log_mel_tables(parameters), samples, clip.features);
  return clip;
}

}  // namespace mcunet::pipeline
