#include "postprocessing_code.hpp"

#include <fmt/format.h>

#include "c_table.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/text_template.hpp"
#include "templates.hpp"

namespace mcunet::pipeline {
namespace {

using datasets::DetectionTables;
using datasets::Detector;
using datasets::DetectorHead;

constexpr int kDetectionBytes = 12;

void check_output(const engine::Graph& graph, const DetectorHead& head) {
  const engine::Tensor& output = graph.tensors[graph.outputs.at(0)];
  const engine::Shape& shape = output.shape;
  const bool fits =
      shape.height == head.rows && shape.width == head.columns && shape.channels == head.channels();
  if (fits && output.type == engine::DataType::kInt8) return;
  throw Error(
      "a detector of {}x{} cells, {} anchors and {} classes needs an output of int8 {}x{}x{}, but "
      "the network's is {} of {}x{}x{}",
      head.rows, head.columns, head.anchors.size(), head.classes, head.rows, head.columns,
      head.channels(), engine::name_of(output.type), shape.height, shape.width, shape.channels);
}

std::string table_of(const auto& values, std::size_t per_line, const char* suffix) {
  return lines_of(values.size(), per_line,
                  [&](std::size_t i) { return fmt::format("{}{}", values[i], suffix); });
}

TemplateValues values_of(const DetectionTables& tables, const Detector& detector,
                         const engine::ModelNames& names) {
  const DetectorHead& head = tables.head;
  const int candidates = tables.limits.candidates();
  TemplateValues values = {.texts = names.template_texts()};
  values.texts.insert({{"most", std::to_string(tables.limits.most)},
                       {"candidates", std::to_string(candidates)},
                       {"bytes", std::to_string(candidates * kDetectionBytes)},
                       {"class_count", std::to_string(head.classes)},
                       {"rows", std::to_string(head.rows)},
                       {"columns", std::to_string(head.columns)},
                       {"anchors", std::to_string(head.anchors.size())},
                       {"row_share", std::to_string(tables.row_share)},
                       {"column_share", std::to_string(tables.column_share)},
                       {"objectness", std::to_string(tables.objectness)},
                       {"score", std::to_string(tables.score)},
                       {"overlap", std::to_string(tables.overlap)},
                       {"sides", table_of(tables.sides, 2, "u")},
                       {"sigmoids", table_of(tables.sigmoids, 12, "")},
                       {"exponentials", table_of(tables.exponentials, 8, "u")},
                       {"softmax", table_of(tables.softmax, 8, "u")}});
  for (const std::string& line : describe(datasets::Postprocessing(detector))) {
    values.sections["notes"].push_back({.texts = {{"note", line}}});
  }
  for (std::size_t i = 0; i < detector.classes.size(); ++i) {
    values.sections["class"].push_back(
        {.texts = {{"class_index", std::to_string(i)},
                   {"class_name", engine::c_string(detector.classes[i])}}});
  }
  return values;
}

DetectionTables tables_of(const engine::Graph& graph, const Detector& detector) {
  check_detector(detector);
  check_output(graph, detector.head);
  const engine::Quantization& q = graph.info_of(graph.outputs[0]).quantization;
  return make_detection_tables(detector.head, detector.limits, q.scale, q.zero_point);
}

}  // namespace

FeatureCode generate_postprocessing(const engine::Graph& graph,
                                    const datasets::Postprocessing& postprocessing,
                                    const engine::ModelNames& names) {
  const auto& detector = std::get<Detector>(postprocessing);
  const DetectionTables tables = tables_of(graph, detector);
  const TemplateValues values = values_of(tables, detector, names);
  FeatureCode code;
  code.files = engine::kernel_sources({"detections.h"});
  for (const char* suffix : {".h", ".c"}) {
    const EmbeddedFile* const file =
        find_file(embedded_templates(), fmt::format("detections{}.in", suffix));
    code.files.push_back({names.part("detections") + suffix, fill_template(*file, values)});
  }
  code.constant_bytes = tables.bytes();
  return code;
}

std::optional<datasets::Postprocessing> read_model_postprocessing(
    const std::filesystem::path& folder) {
  const ConfigNode model = load_config(folder / "model.json");
  const ConfigNode* section = model.find("postprocessing");
  if (section == nullptr) return std::nullopt;
  return datasets::read_postprocessing(*section);
}

}  // namespace mcunet::pipeline
