#include "emulate_boxes.hpp"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/names.hpp"
#include "pipeline/detection.hpp"
#include "text_table.hpp"

namespace mcunet::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using datasets::Box;

bool is_png(const fs::path& file) {
  std::string start(4, '\0');
  std::ifstream(file, std::ios::binary).read(start.data(), 4);
  return start == "\x89PNG";
}

void add_row(TextTable& table, const std::string& input, const std::string& name,
             const datasets::Detection& detection, const Box* pixels) {
  const Box& box = pixels != nullptr ? *pixels : detection.box;
  std::vector<std::string> row = {input, name, fmt::format("{:.2f}", detection.score)};
  for (const float side : {box.left, box.top, box.right, box.bottom}) {
    row.push_back(fmt::format("{:.{}f}", side, pixels != nullptr ? 0 : 3));
  }
  row.emplace_back(pixels != nullptr ? "pixels" : "shares");
  table.add_row(row);
}

}  // namespace

std::optional<datasets::DetectionTables> read_detector(const std::string& folder,
                                                       const deploy::ModelDescription& model) {
  if (!model.is_detector) return std::nullopt;
  const auto postprocessing = pipeline::read_model_postprocessing(folder);
  const auto& detector = std::get<datasets::Detector>(postprocessing.value());
  const deploy::ModelTensor& output = model.outputs[0];
  if (output.type != engine::DataType::kInt8 || output.elements() != detector.head.outputs()) {
    throw Error("{}/model.json: its detector has another shape than output 0", folder);
  }
  try {
    return make_detection_tables(detector.head, detector.limits, output.scale, output.zero_point);
  } catch (const Error& error) {
    throw Error("{}/model.json: {}", folder, error.what());
  }
}

std::vector<FoundObjects> find_objects(const datasets::DetectionTables& detector,
                                       const deploy::ModelDescription& model,
                                       const NamedInputs& inputs,
                                       const deploy::EmulationResult& result,
                                       const pipeline::MediaReader& media) {
  std::vector<FoundObjects> all;
  for (std::size_t i = 0; i < result.inferences.size(); ++i) {
    const deploy::Inference& inference = result.inferences[i];
    FoundObjects& found = all.emplace_back();
    found.detections = datasets::read_detections(inference.detections);
    found.is_exact = found.detections == decode_int8(detector, inference.outputs[0]);
    for (const datasets::Detection& detection : found.detections) {
      if (std::cmp_greater_equal(detection.label, model.classes.size()) || detection.label < 0) {
        throw Error("{}: the firmware found class {} of {}", inputs.names[i], detection.label,
                    model.classes.size());
      }
    }
    const auto& image = inputs.images[i];
    if (!image) continue;
    pipeline::BoxPicture picture =
        media.draw_boxes(image->file, image->preprocessing, found.detections, model.classes);
    found.pixels = std::move(picture.pixels);
    found.picture = std::move(picture.png);
  }
  return all;
}

std::vector<fs::path> picture_files(const fs::path& folder, const NamedInputs& inputs) {
  std::vector<fs::path> files;
  std::set<fs::path> taken;
  for (const auto& image : inputs.images) {
    fs::path& file = files.emplace_back();
    if (!image) continue;
    file = folder / (fs::path(image->file).stem().string() + ".boxes.png");
    if (!taken.insert(file).second) {
      throw Error("{}: would hold the boxes of two images of that name; give one at a time",
                  file.string());
    }
    if (fs::exists(file) && !is_png(file)) {
      throw Error("{}: is there and is no PNG; choose another folder by --boxes", file.string());
    }
    require_replaceable_file(file);
  }
  return files;
}

Json to_json(const FoundObjects& found, const std::vector<std::string>& classes) {
  Json list = pipeline::to_json(found.detections, classes);
  for (std::size_t i = 0; i < found.pixels.size(); ++i) {
    const Box& box = found.pixels[i];
    list[i]["pixels"] = {box.left, box.top, box.right, box.bottom};
  }
  return list;
}

void print_objects(const std::vector<FoundObjects>& found, const NamedInputs& inputs,
                   const std::vector<std::string>& classes) {
  TextTable table({"input", "object", "score", "left", "top", "right", "bottom", "in"});
  bool is_empty = true;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const datasets::Detections& detections = found[i].detections;
    for (std::size_t d = 0; d < detections.size(); ++d) {
      add_row(table, inputs.names[i], classes[static_cast<std::size_t>(detections[d].label)],
              detections[d], found[i].pixels.empty() ? nullptr : &found[i].pixels[d]);
      is_empty = false;
    }
  }
  if (!is_empty) fmt::print("{}\n", table.to_string());
  for (const FoundObjects& one : found) {
    if (one.picture_file.empty()) continue;
    fmt::print("picture      {}\n", escaped(one.picture_file.string()));
  }
}

}  // namespace mcunet::cli
