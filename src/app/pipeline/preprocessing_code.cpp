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

void check_image(const engine::Graph& graph, const ImagePreprocessing& image) {
  const engine::Tensor& input = graph.tensors[graph.inputs.at(0)];
  const datasets::InputShape shape{input.shape.height, input.shape.width, input.shape.channels};
  if (shape == image.shape && input.type == engine::DataType::kInt8) return;
  throw Error("images are int8 of {}x{}x{}, but the network takes in {} of {}x{}x{}",
              image.shape.height, image.shape.width, image.shape.channels,
              engine::name_of(input.type), shape.height, shape.width, shape.channels);
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

FeatureCode generate_frame(const engine::Graph& graph, const ImagePreprocessing& image,
                           const engine::ModelNames& names) {
  check_image(graph, image);
  const bool is_cropped = image.fit == ImageFit::kCrop;
  TemplateValues values = {.texts = names.template_texts()};
  values.texts.insert(
      {{"crop", std::to_string(is_cropped ? std::lround(65536 * image.crop_share) : 0)},
       {"values", table_of(image, graph.info_of(graph.inputs[0]).quantization)}});
  for (const std::string& line : describe(image)) {
    values.sections["notes"].push_back({.texts = {{"note", line}}});
  }
  FeatureCode code;  // a program that does not call it does not hold its table
  code.files = engine::kernel_sources({"frame.h"});
  for (const char* suffix : {".h", ".c"}) {
    const EmbeddedFile* const file =
        find_file(embedded_templates(), fmt::format("frame{}.in", suffix));
    code.files.push_back({names.part("frame") + suffix, fill_template(*file, values)});
  }
  return code;
}

}  // namespace

std::vector<std::int64_t> staging_of(const Preprocessing& preprocessing) {
  const auto* sound = std::get_if<LogMelParameters>(&preprocessing);
  return sound == nullptr ? std::vector<std::int64_t>{} : feature_staging(*sound);
}

std::vector<std::string> input_notes(const Preprocessing& preprocessing,
                                     const engine::ModelNames& names) {
  std::vector<std::string> notes = describe(preprocessing);
  const bool is_image = std::holds_alternative<ImagePreprocessing>(preprocessing);
  notes.push_back(
      is_image
          ? fmt::format("{0}.h makes it of a frame of pixels: {0}_to_input()", names.part("frame"))
          : fmt::format("{0}.h makes it of samples: {0}_from_samples()", names.part("features")));
  return notes;
}

FeatureCode generate_preprocessing(const engine::Graph& graph, const Preprocessing& preprocessing,
                                   const engine::ModelNames& names) {
  if (const auto* image = std::get_if<ImagePreprocessing>(&preprocessing)) {
    return generate_frame(graph, *image, names);
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
