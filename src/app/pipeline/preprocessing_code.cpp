#include "preprocessing_code.hpp"

#include <fmt/format.h>

#include <cmath>

#include "mcunet/core/error.hpp"
#include "mcunet/core/text_template.hpp"
#include "mcunet/engine/arithmetic/quantized_arithmetic.hpp"
#include "templates.hpp"

namespace mcunet::pipeline {
namespace {

using datasets::ImageFit;
using datasets::ImagePreprocessing;
using datasets::LogMelParameters;
using datasets::Preprocessing;
using datasets::SeriesPreprocessing;

void check_input(const engine::Graph& graph, const datasets::InputShape& expected,
                 const char* what) {
  const engine::Tensor& input = graph.tensors[graph.inputs.at(0)];
  const datasets::InputShape shape{input.shape.height, input.shape.width, input.shape.channels};
  if (shape == expected && input.type == engine::DataType::kInt8) return;
  throw Error("{} are int8 of {}x{}x{}, but the network takes in {} of {}x{}x{}", what,
              expected.height, expected.width, expected.channels, engine::name_of(input.type),
              shape.height, shape.width, shape.channels);
}

// The input that each value of a pixel is, as an evaluation quantizes it.
std::string table_of(const ImagePreprocessing& image, const engine::Quantization& quantization) {
  constexpr int kPerLine = 16;
  std::string lines;
  for (int p = 0; p < 256; ++p) {
    const std::int32_t value = engine::quantize_value(image.input_of(p), quantization, {});
    lines += fmt::format("{}{},{}", p % kPerLine == 0 ? "    " : " ", value,
                         p % kPerLine == kPerLine - 1 ? "\n" : "");
  }
  return lines;
}

void add_notes(const Preprocessing& preprocessing, TemplateValues& values) {
  for (const std::string& line : describe(preprocessing)) {
    values.sections["notes"].push_back({.texts = {{"note", line}}});
  }
}

// NAME.h and NAME.c, and the kernel of that name. A program that does not call it does not hold its
// tables.
FeatureCode fill_pair(const char* name, const TemplateValues& values,
                      const engine::ModelNames& names) {
  FeatureCode code;
  code.files = engine::kernel_sources({fmt::format("{}.h", name)});
  for (const char* suffix : {".h", ".c"}) {
    const EmbeddedFile* const file =
        find_file(embedded_templates(), fmt::format("{}{}.in", name, suffix));
    code.files.push_back({names.part(name) + suffix, fill_template(*file, values)});
  }
  return code;
}

FeatureCode generate_frame(const engine::Graph& graph, const ImagePreprocessing& image,
                           const engine::ModelNames& names, bool pulls_input) {
  check_input(graph, image.shape, "images");
  const bool is_cropped = image.fit == ImageFit::kCrop;
  TemplateValues values = {.texts = names.template_texts()};
  values.texts.insert(
      {{"crop", std::to_string(is_cropped ? std::lround(65536 * image.crop_share) : 0)},
       {"values", table_of(image, graph.info_of(graph.inputs[0]).quantization)}});
  add_notes(image, values);
  values.sections["whole_inputs"];
  values.sections["pulled_input"];
  values.sections[pulls_input ? "pulled_input" : "whole_inputs"].emplace_back();
  return fill_pair("frame", values, names);
}

// A float literal of C that reads as the very value.
std::string literals_of(const std::vector<float>& values) {
  std::string lines;
  for (const float value : values) lines += fmt::format("    {:#.9g}F,\n", value);
  return lines;
}

FeatureCode generate_series(const engine::Graph& graph, const SeriesPreprocessing& series,
                            const engine::ModelNames& names) {
  check_input(graph, {1, series.samples, static_cast<int>(series.channels.size())}, "series");
  check_levels(graph, "series");
  const datasets::SeriesTables tables = make_series_tables(series);
  TemplateValues values = {.texts = names.template_texts()};
  const std::size_t bytes = 4 * static_cast<std::size_t>(series.window) * series.channels.size();
  values.texts.insert({{"rows", std::to_string(series.window)},
                       {"bytes", std::to_string(bytes)},
                       {"channels", std::to_string(series.channels.size())},
                       {"averaged", std::to_string(series.averaged())},
                       {"zeros", literals_of(tables.zeros)},
                       {"steps", literals_of(tables.steps)}});
  add_notes(series, values);
  return fill_pair("series", values, names);
}

}  // namespace

std::vector<std::int64_t> staging_of(const Preprocessing& preprocessing) {
  const auto* sound = std::get_if<LogMelParameters>(&preprocessing);
  return sound == nullptr ? std::vector<std::int64_t>{} : feature_staging(*sound);
}

std::vector<std::string> input_notes(const Preprocessing& preprocessing,
                                     const engine::ModelNames& names, bool pulls_input) {
  std::vector<std::string> notes = describe(preprocessing);
  struct {
    const engine::ModelNames& names;
    bool pulls_input;
    auto operator()(const ImagePreprocessing&) {
      return fmt::format("{0}.h makes it of a frame of pixels: {0}{1}_to_input()",
                         names.part("frame"), pulls_input ? "_rows" : "");
    }
    auto operator()(const LogMelParameters&) {
      return fmt::format("{0}.h makes it of samples: {0}_from_samples()", names.part("features"));
    }
    auto operator()(const SeriesPreprocessing&) {
      return fmt::format("{0}.h makes it of what was measured: {0}_to_input()",
                         names.part("series"));
    }
  } maker{names, pulls_input};
  notes.push_back(std::visit(maker, preprocessing));
  return notes;
}

FeatureCode generate_preprocessing(const engine::Graph& graph, const Preprocessing& preprocessing,
                                   const engine::ModelNames& names, bool pulls_input) {
  if (const auto* image = std::get_if<ImagePreprocessing>(&preprocessing)) {
    return generate_frame(graph, *image, names, pulls_input);
  }
  if (const auto* series = std::get_if<SeriesPreprocessing>(&preprocessing)) {
    return generate_series(graph, *series, names);
  }
  const auto& sound = std::get<LogMelParameters>(preprocessing);
  check_features(graph, sound);
  return generate_features(sound, names);
}

std::optional<Preprocessing> read_model_preprocessing(const std::filesystem::path& folder) {
  const ConfigNode model = load_config(folder / "model.json");
  const ConfigNode* section = model.find("preprocessing");
  if (section == nullptr) return std::nullopt;
  return datasets::read_preprocessing(*section);
}

}  // namespace mcunet::pipeline
