#include "feature_code.hpp"

#include <fmt/format.h>

#include <cstring>

#include "mcunet/core/error.hpp"

namespace mcunet::pipeline {
namespace {

using datasets::LogMelParameters;
using datasets::LogMelTables;

enum Staging { kSamples, kScratch };

std::string header(const LogMelParameters& p) {
  return fmt::format(
      R"(// What the network takes in, made of sound: a log-mel spectrogram in integer arithmetic, bit for
// bit what the network was trained on.
//
//   record(features_samples());  // FEATURES_SAMPLES samples, FEATURES_SAMPLE_RATE a second
//   features_from_samples(features_samples(), model_input());
//   model_invoke();
#ifndef FEATURES_H_
#define FEATURES_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

#define FEATURES_SAMPLE_RATE {}  // Hz
#define FEATURES_SAMPLES {}      // of a clip, one channel
#define FEATURES_BANDS {}        // of the spectrogram, low frequencies first
#define FEATURES_FRAMES {}
#define FEATURES_BYTES (FEATURES_BANDS * FEATURES_FRAMES)

// Room for the samples of a clip in the network's arena: model_staging({}). model_invoke()
// overwrites it. A program that records while the network runs has a buffer of its own.
int16_t* features_samples(void);

// samples [FEATURES_SAMPLES] -> input [FEATURES_BANDS, FEATURES_FRAMES], which is model_input().
// Works in {} bytes of the network's arena: model_staging({}).
void features_from_samples(const int16_t* samples, int8_t* input);

#ifdef __cplusplus
}}
#endif

#endif  // FEATURES_H_
)",
      p.sample_rate, p.samples, p.bands, p.frames, int{kSamples},
      datasets::log_mel_scratch_bytes(p), int{kScratch});
}

template <typename T>
std::string table(const char* type, const char* name, const std::vector<T>& values) {
  std::string text = fmt::format("static const {} {}[{}] = {{", type, name, values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    text += fmt::format("{}{},", i % 12 == 0 ? "\n    " : " ", values[i]);
  }
  return text + "\n};\n\n";
}

std::string band_table(const LogMelTables& tables) {
  const std::size_t bands = tables.band_ranges.size() / 2;
  std::string text =
      fmt::format("static const struct mcunet_log_mel_band band_ranges[{}] = {{", bands);
  for (std::size_t band = 0; band < bands; ++band) {
    text += fmt::format("{}{{{}, {}}},", band % 8 == 0 ? "\n    " : " ",
                        tables.band_ranges[2 * band], tables.band_ranges[2 * band + 1]);
  }
  return text + "\n};\n\n";
}

std::string source(const LogMelTables& tables) {
  const LogMelParameters& p = tables.parameters;
  std::string text =
      "#include \"features.h\"\n\n#include \"kernels/log_mel.h\"\n#include \"model.h\"\n\n";
  text += table("int16_t", "window", tables.window);
  text += table("int16_t", "twiddles", tables.twiddles);
  text += band_table(tables);
  text += table("uint16_t", "band_weights", tables.band_weights);
  return text + fmt::format(
                    R"(static const struct mcunet_log_mel_layer layer = {{
    .samples = FEATURES_SAMPLES,
    .frames = FEATURES_FRAMES,
    .bands = FEATURES_BANDS,
    .window_length = {},
    .fft_log2 = {},
    .window = window,
    .twiddles = twiddles,
    .band_ranges = band_ranges,
    .band_weights = band_weights,
    .log2_zero = {},
    .gain = {},
}};

int16_t* features_samples(void) {{ return model_staging({}); }}

void features_from_samples(const int16_t* samples, int8_t* input) {{
  mcunet_log_mel(samples, input, model_staging({}), &layer);
}}
)",
                    p.window_length, p.fft_log2, tables.log2_zero, tables.gain, int{kSamples},
                    int{kScratch});
}

}  // namespace

std::vector<std::int64_t> feature_staging(const LogMelParameters& parameters) {
  return {std::int64_t{2} * parameters.samples, datasets::log_mel_scratch_bytes(parameters)};
}

std::vector<engine::InputStaging> input_staging(const datasets::DatasetOptions& dataset,
                                                std::set<int> resolutions) {
  std::vector<engine::InputStaging> staging;
  if (!datasets::is_audio(dataset.kind)) return staging;
  for (const int resolution : resolutions) {
    try {
      const LogMelParameters parameters = datasets::spectrogram_of(dataset, resolution);
      staging.push_back({parameters.bands, feature_staging(parameters)});
    } catch (const Error&) {  // said when a network of that resolution is to be trained
    }
  }
  return staging;
}

void check_features(const engine::Graph& graph, const LogMelParameters& parameters) {
  const engine::TensorId input = graph.inputs.at(0);
  const engine::Shape& shape = graph.tensors[input].shape;
  const engine::Quantization& q = graph.info_of(input).quantization;
  if (shape.height != parameters.bands || shape.width != parameters.frames || shape.channels != 1) {
    throw Error("spectrograms are {}x{}x1, but the network takes in {}x{}x{}", parameters.bands,
                parameters.frames, shape.height, shape.width, shape.channels);
  }
  if (graph.tensors[input].type != engine::DataType::kInt8 || q.scale != 1.0F / 128 ||
      q.zero_point != 0) {
    throw Error(
        "spectrograms are int8 of scale 1/128 and zero point 0, "
        "but the network takes in {} of scale {} and zero point {}",
        engine::name_of(graph.tensors[input].type), q.scale, q.zero_point);
  }
}

FeatureCode generate_features(const LogMelParameters& parameters) {
  const LogMelTables tables = datasets::make_log_mel_tables(parameters);
  FeatureCode code;
  code.files = engine::kernel_sources({"log_mel.h"});
  code.files.push_back({"features.h", header(parameters)});
  code.files.push_back({"features.c", source(tables)});
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

LogMelParameters read_features(const std::filesystem::path& folder) {
  const ConfigNode model = load_config(folder / "model.json");
  const ConfigNode* section = model.find("features");
  if (section == nullptr) model.fail("the network has no feature extraction");
  LogMelParameters parameters;
  read_fields(*section, fields_of(parameters));
  return parameters;
}

}  // namespace mcunet::pipeline
