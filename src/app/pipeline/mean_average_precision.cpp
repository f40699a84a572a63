#include "mean_average_precision.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

#include "mcunet/core/error.hpp"

namespace mcunet::pipeline {
namespace {

using datasets::Box;
using datasets::BoxedObject;
using datasets::Detection;
using datasets::ObjectKind;

constexpr std::size_t kCocoDetections = 100;
constexpr int kCocoOverlaps = 10;
constexpr int kCocoRecalls = 100;
constexpr int kVocRecalls = 10;

enum class Verdict { kFalse, kTrue, kIgnored };

struct Judged {
  float score = 0;
  Verdict verdict = Verdict::kFalse;
};

// After so many detections.
struct Point {
  double recall = 0;
  double precision = 0;  // the best at this recall or beyond
};

// What concerns one class on an image.
struct ClassImage {
  std::vector<const BoxedObject*> objects;
  std::vector<const Detection*> detections;  // best first
};

double length_of(float low, float high, double extent) {
  return static_cast<double>(high) - low + extent;
}

double area_of(const Box& box, double extent) {
  return length_of(box.left, box.right, extent) * length_of(box.top, box.bottom, extent);
}

double intersection(const Box& a, const Box& b, double extent) {
  const double width = length_of(std::max(a.left, b.left), std::min(a.right, b.right), extent);
  const double height = length_of(std::max(a.top, b.top), std::min(a.bottom, b.bottom), extent);
  return width <= 0 || height <= 0 ? 0 : width * height;
}

// In doubles, as the benchmarks: a threshold may be met exactly.
double overlap_of(const Detection& detection, const BoxedObject& object, double extent) {
  const double both = intersection(detection.box, object.box, extent);
  if (both == 0) return 0;
  const double own = area_of(detection.box, extent);
  if (object.kind == ObjectKind::kCrowd) return both / own;
  return both / (own + area_of(object.box, extent) - both);
}

void check(std::span<const DetectedImage> images, int classes) {
  const auto check_label = [&](std::int32_t label) {
    if (label < 0 || label >= classes) throw Error("there is no class {} of {}", label, classes);
  };
  for (const DetectedImage& image : images) {
    for (const BoxedObject& object : image.objects) check_label(object.label);
    for (const Detection& detection : image.detections) {
      check_label(detection.label);
      if (std::isnan(detection.score)) throw Error("the score of a detection is no number");
    }
  }
}

// [class][image]
std::vector<std::vector<ClassImage>> by_class(std::span<const DetectedImage> images, int classes) {
  check(images, classes);
  std::vector<std::vector<ClassImage>> parts(static_cast<std::size_t>(classes),
                                             std::vector<ClassImage>(images.size()));
  for (std::size_t i = 0; i < images.size(); ++i) {
    for (const BoxedObject& object : images[i].objects) {
      parts[static_cast<std::size_t>(object.label)][i].objects.push_back(&object);
    }
    for (const Detection& detection : images[i].detections) {
      parts[static_cast<std::size_t>(detection.label)][i].detections.push_back(&detection);
    }
  }
  for (std::vector<ClassImage>& part : parts) {
    for (ClassImage& image : part) {
      std::stable_sort(image.detections.begin(), image.detections.end(),
                       [](const Detection* a, const Detection* b) { return a->score > b->score; });
    }
  }
  return parts;
}

ClassPrecision count(const std::vector<ClassImage>& images) {
  ClassPrecision counts;
  for (const ClassImage& image : images) {
    counts.detections += static_cast<std::int64_t>(image.detections.size());
    for (const BoxedObject* object : image.objects) {
      if (object->kind == ObjectKind::kPlain) ++counts.objects;
    }
  }
  return counts;
}

std::vector<Point> precision_curve(std::vector<Judged> judged, std::int64_t objects) {
  std::stable_sort(judged.begin(), judged.end(),
                   [](const Judged& a, const Judged& b) { return a.score > b.score; });
  std::vector<Point> curve;
  double found = 0;
  double seen = 0;
  for (const Judged& detection : judged) {
    if (detection.verdict == Verdict::kIgnored) continue;
    ++seen;
    if (detection.verdict == Verdict::kTrue) ++found;
    curve.push_back({found / static_cast<double>(objects), found / seen});
  }
  for (std::size_t i = curve.size(); i-- > 1;) {
    curve[i - 1].precision = std::max(curve[i - 1].precision, curve[i].precision);
  }
  return curve;
}

// The mean at recalls 0, 1 / steps, … 1.
double mean_at_recalls(const std::vector<Point>& curve, int steps) {
  double sum = 0;
  auto point = curve.begin();
  for (int i = 0; i <= steps; ++i) {
    const double recall = i == steps ? 1 : i * (1.0 / steps);
    while (point != curve.end() && point->recall < recall) ++point;
    if (point == curve.end()) break;
    sum += point->precision;
  }
  return sum / (steps + 1);
}

double area_below(const std::vector<Point>& curve) {
  double area = 0;
  double recall = 0;
  for (const Point& point : curve) {
    area += (point.recall - recall) * point.precision;
    recall = point.recall;
  }
  return area;
}

void take_mean(MeanAveragePrecision& result) {
  double sum = 0;
  int classes = 0;
  for (const ClassPrecision& precision : result.classes) {
    if (precision.objects == 0) continue;
    sum += precision.average_precision;
    ++classes;
  }
  result.mean = classes == 0 ? 0 : sum / classes;
}

void judge_as_voc(const ClassImage& image, const VocRule& rule, std::vector<Judged>& judged) {
  std::vector<bool> is_found(image.objects.size());
  for (const Detection* detection : image.detections) {
    std::size_t nearest = 0;
    double most = 0;
    bool is_in_crowd = false;
    for (std::size_t i = 0; i < image.objects.size(); ++i) {
      const double overlap = overlap_of(*detection, *image.objects[i], rule.pixel_extent);
      if (image.objects[i]->kind == ObjectKind::kCrowd) {
        is_in_crowd = is_in_crowd || overlap >= rule.overlap;
      } else if (overlap > most) {
        most = overlap;
        nearest = i;
      }
    }
    Judged& result = judged.emplace_back(Judged{detection->score});
    if (most == 0 || most < rule.overlap) {
      if (is_in_crowd) result.verdict = Verdict::kIgnored;
    } else if (image.objects[nearest]->kind == ObjectKind::kDifficult) {
      result.verdict = Verdict::kIgnored;
    } else if (!is_found[nearest]) {
      result.verdict = Verdict::kTrue;
      is_found[nearest] = true;
    }
  }
}

// The objects that count first, as one of them is taken rather than one that does not.
void prepare_as_coco(ClassImage& image) {
  std::stable_partition(image.objects.begin(), image.objects.end(), [](const BoxedObject* object) {
    return object->kind == ObjectKind::kPlain;
  });
  if (image.detections.size() > kCocoDetections) image.detections.resize(kCocoDetections);
}

// [detection][object]
using Overlaps = std::vector<std::vector<double>>;

Overlaps overlaps_in(const ClassImage& image) {
  Overlaps overlaps;
  for (const Detection* detection : image.detections) {
    std::vector<double>& row = overlaps.emplace_back();
    for (const BoxedObject* object : image.objects) {
      row.push_back(overlap_of(*detection, *object, /*extent=*/0));
    }
  }
  return overlaps;
}

void judge_as_coco(const ClassImage& image, const Overlaps& overlaps, double least,
                   std::vector<Judged>& judged) {
  const auto& objects = image.objects;
  std::vector<bool> is_taken(objects.size());
  for (std::size_t d = 0; d < image.detections.size(); ++d) {
    std::size_t best = objects.size();
    double most = least;
    for (std::size_t i = 0; i < objects.size(); ++i) {
      const bool counts = objects[i]->kind == ObjectKind::kPlain;
      if (is_taken[i] && objects[i]->kind != ObjectKind::kCrowd) continue;
      if (!counts && best < objects.size() && objects[best]->kind == ObjectKind::kPlain) break;
      if (overlaps[d][i] < most) continue;
      most = overlaps[d][i];
      best = i;
    }
    Judged& result = judged.emplace_back(Judged{image.detections[d]->score});
    if (best == objects.size()) continue;
    is_taken[best] = true;
    result.verdict = objects[best]->kind == ObjectKind::kPlain ? Verdict::kTrue : Verdict::kIgnored;
  }
}

// 0.5, 0.55, … 0.95, to the bit those of COCO's evaluation.
double coco_overlap(int step) {
  return step == kCocoOverlaps - 1 ? 0.95 : 0.5 + step * ((0.95 - 0.5) / (kCocoOverlaps - 1));
}

// At each of COCO's overlaps.
std::vector<double> coco_precisions(const std::vector<ClassImage>& images, std::int64_t objects) {
  std::vector<Overlaps> overlaps;
  for (const ClassImage& image : images) overlaps.push_back(overlaps_in(image));
  std::vector<double> precisions;
  for (int step = 0; step < kCocoOverlaps; ++step) {
    std::vector<Judged> judged;
    for (std::size_t i = 0; i < images.size(); ++i) {
      judge_as_coco(images[i], overlaps[i], coco_overlap(step), judged);
    }
    precisions.push_back(
        mean_at_recalls(precision_curve(std::move(judged), objects), kCocoRecalls));
  }
  return precisions;
}

}  // namespace

MeanAveragePrecision voc_average_precision(std::span<const DetectedImage> images, int classes,
                                           const VocRule& rule) {
  MeanAveragePrecision result;
  for (const std::vector<ClassImage>& part : by_class(images, classes)) {
    ClassPrecision& precision = result.classes.emplace_back(count(part));
    if (precision.objects == 0) continue;
    std::vector<Judged> judged;
    for (const ClassImage& image : part) judge_as_voc(image, rule, judged);
    const std::vector<Point> curve = precision_curve(std::move(judged), precision.objects);
    precision.average_precision =
        rule.eleven_points ? mean_at_recalls(curve, kVocRecalls) : area_below(curve);
  }
  take_mean(result);
  return result;
}

CocoAveragePrecision coco_average_precision(std::span<const DetectedImage> images, int classes) {
  CocoAveragePrecision result;
  for (std::vector<ClassImage>& part : by_class(images, classes)) {
    ClassPrecision& all = result.all.classes.emplace_back(count(part));
    ClassPrecision& at_50 = result.at_50.classes.emplace_back(all);
    ClassPrecision& at_75 = result.at_75.classes.emplace_back(all);
    if (all.objects == 0) continue;
    for (ClassImage& image : part) prepare_as_coco(image);
    const std::vector<double> precisions = coco_precisions(part, all.objects);
    all.average_precision =
        std::accumulate(precisions.begin(), precisions.end(), 0.0) / kCocoOverlaps;
    at_50.average_precision = precisions[0];
    at_75.average_precision = precisions[5];
  }
  take_mean(result.all);
  take_mean(result.at_50);
  take_mean(result.at_75);
  return result;
}

}  // namespace mcunet::pipeline
