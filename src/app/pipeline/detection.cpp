#include "detection.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "mcunet/core/error.hpp"
#include "mcunet/core/json_numbers.hpp"
#include "mcunet/datasets/dataset.hpp"
#include "mean_average_precision.hpp"

namespace mcunet::pipeline {
namespace {

using datasets::BoxedObject;
using datasets::Detection;
using datasets::Detections;
using datasets::ObjectKind;
using Json = nlohmann::ordered_json;

constexpr double kOverlap = 0.5;

std::vector<FoundObjects> first_of_each(std::span<const FoundObjects> found) {
  std::vector<FoundObjects> once;
  std::set<std::int64_t> seen;
  for (const FoundObjects& objects : found) {
    if (seen.insert(objects.example).second) once.push_back(objects);
  }
  return once;
}

// Of a crowd: how much of the box lies in it.
float overlap_with(const BoxedObject& object, const datasets::Box& box) {
  const float overlap = datasets::intersection_over_union(object.box, box);
  if (object.kind != ObjectKind::kCrowd || box.area() <= 0) return overlap;
  const float both = overlap * (object.box.area() + box.area()) / (1 + overlap);
  return both / box.area();
}

// What is told of an example, compared with what there is: the best box of an object finds it.
PoorExample compare(const DetectedImage& image, std::int64_t example, double told) {
  PoorExample result{.example = example};
  std::vector<bool> taken(image.objects.size());
  Detections detections = image.detections;
  std::erase_if(detections, [&](const Detection& d) { return d.score < told; });
  for (const Detection& detection : detections) {
    std::size_t best = image.objects.size();
    bool counts = true;
    float most = kOverlap;
    for (std::size_t i = 0; i < image.objects.size(); ++i) {
      const BoxedObject& object = image.objects[i];
      if (object.label != detection.label || taken[i]) continue;
      const float overlap = overlap_with(object, detection.box);
      if (overlap < most) continue;
      if (object.kind != ObjectKind::kPlain) {
        counts = false;  // any number may lie there
        continue;
      }
      most = overlap;
      best = i;
    }
    if (best != image.objects.size()) {
      taken[best] = true;
    } else if (counts) {
      ++result.wrong;
    }
  }
  for (std::size_t i = 0; i < image.objects.size(); ++i) {
    if (image.objects[i].kind != ObjectKind::kPlain) continue;
    ++result.objects;
    result.missed += taken[i] ? 0 : 1;
  }
  result.detections = std::move(detections);
  return result;
}

std::vector<PoorExample> poorest(std::span<const FoundObjects> found,
                                 const std::vector<DetectedImage>& images,
                                 const datasets::Dataset& dataset, double told) {
  std::vector<PoorExample> all;
  for (std::size_t i = 0; i < images.size(); ++i) {
    all.push_back(compare(images[i], found[i].example, told));
  }
  std::erase_if(all, [](const PoorExample& e) { return e.missed + e.wrong == 0; });
  std::stable_sort(all.begin(), all.end(), [](const PoorExample& a, const PoorExample& b) {
    return a.missed + a.wrong > b.missed + b.wrong;
  });
  if (all.size() > DetectionResult::kMostPoor) all.resize(DetectionResult::kMostPoor);
  for (PoorExample& example : all) example.name = dataset.name(example.example);
  return all;
}

Json box_to_json(const datasets::Box& box) { return {box.left, box.top, box.right, box.bottom}; }

Detections detections_from_json(const Json& json, const std::vector<DetectedClass>& classes) {
  Detections detections;
  for (const Json& entry : json) {
    const std::string name = entry.at("class");
    const auto found = std::find_if(classes.begin(), classes.end(),
                                    [&](const DetectedClass& c) { return c.name == name; });
    if (found == classes.end()) throw Error("there is no class {}", name);
    const auto side = [&](std::size_t i) {
      return static_cast<float>(number_of(entry.at("box").at(i), -1, 2));
    };
    detections.push_back({{side(0), side(1), side(2), side(3)},
                          static_cast<std::int32_t>(found - classes.begin()),
                          static_cast<float>(share_at(entry, "score"))});
  }
  return detections;
}

std::vector<std::string> names_of(const std::vector<DetectedClass>& classes) {
  std::vector<std::string> names;
  for (const DetectedClass& c : classes) names.push_back(c.name);
  return names;
}

}  // namespace

DetectionResult assess_detections(std::span<const FoundObjects> found,
                                  const datasets::Dataset& dataset, std::int64_t chosen,
                                  double told) {
  const std::vector<FoundObjects> once = first_of_each(found);
  std::vector<DetectedImage> images;
  for (const FoundObjects& entry : once) {
    images.push_back(
        {std::get<datasets::Objects>(dataset.target(entry.example)), entry.detections});
  }
  const std::vector<std::string>& names = dataset.classes();
  const auto classes = static_cast<int>(names.size());
  const MeanAveragePrecision voc = voc_average_precision(images, classes);
  const CocoAveragePrecision coco = coco_average_precision(images, classes);
  DetectionResult result{
      .score = {.metric = &kMeanAveragePrecision,
                .value = voc.mean,
                .examples = std::ssize(once),
                .of = dataset.size()},
      .unreadable = chosen - std::ssize(once),
      .eleven_points =
          voc_average_precision(images, classes, {.overlap = kOverlap, .eleven_points = true}).mean,
      .coco = coco.all.mean,
      .coco_75 = coco.at_75.mean,
      .poor = poorest(once, images, dataset, told)};
  for (std::size_t c = 0; c < names.size(); ++c) {
    const ClassPrecision& precision = voc.classes[c];
    result.classes.push_back(
        {names[c], precision.objects, precision.detections, precision.average_precision});
  }
  return result;
}

Json to_json(const Detections& detections, std::span<const std::string> classes) {
  Json list = Json::array();
  for (const Detection& detection : detections) {
    list.push_back({{"class", classes[static_cast<std::size_t>(detection.label)]},
                    {"score", detection.score},
                    {"box", box_to_json(detection.box)}});
  }
  return list;
}

Json to_json(const DetectionResult& result) {
  Json json = to_json(result.score);
  json["unreadable"] = result.unreadable;
  json["map50_eleven_points"] = result.eleven_points;
  json["coco_ap"] = result.coco;
  json["coco_ap75"] = result.coco_75;
  json["classes"] = Json::array();
  for (const DetectedClass& c : result.classes) {
    json["classes"].push_back({{"name", c.name},
                               {"objects", c.objects},
                               {"detections", c.detections},
                               {"average_precision", c.average_precision}});
  }
  const std::vector<std::string> names = names_of(result.classes);
  json["poor"] = Json::array();
  for (const PoorExample& example : result.poor) {
    json["poor"].push_back({{"input", example.name},
                            {"example", example.example},
                            {"objects", example.objects},
                            {"missed", example.missed},
                            {"wrong", example.wrong},
                            {"detections", to_json(example.detections, names)}});
  }
  return json;
}

DetectionResult detection_from_json(const Json& json) {
  DetectionResult result{.score = score_from_json(json),
                         .unreadable = count_at(json, "unreadable"),
                         .eleven_points = share_at(json, "map50_eleven_points"),
                         .coco = share_at(json, "coco_ap"),
                         .coco_75 = share_at(json, "coco_ap75")};
  for (const Json& entry : json.at("classes")) {
    result.classes.push_back({entry.at("name"), count_at(entry, "objects"),
                              count_at(entry, "detections"), share_at(entry, "average_precision")});
  }
  if (result.classes.empty()) throw Error("classes: there are none");
  for (const Json& entry : json.at("poor")) {
    result.poor.push_back({count_at(entry, "example"), entry.at("input"),
                           count_at(entry, "objects"), count_at(entry, "missed"),
                           count_at(entry, "wrong"),
                           detections_from_json(entry.at("detections"), result.classes)});
  }
  return result;
}

}  // namespace mcunet::pipeline
