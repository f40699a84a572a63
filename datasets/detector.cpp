#include "mcunet/datasets/detector.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/detections.h"
#include "mcunet/core/error.hpp"

namespace mcunet::datasets {
namespace {

constexpr double kMostCells = 1024;  // along a side of the image
constexpr double kLeastSide = 1e-4;
constexpr double kMostSide = 3.99;
constexpr std::size_t kMostAnchors = 64;
constexpr double kMostCellsInAll = 1 << 20;

// Units of the kernel.
constexpr float kOne = 1 << 14;     // of a box's sides
constexpr double kScore = 1 << 15;  // and of a sigmoid
constexpr double kExponential = 1 << 16;
constexpr double kSoftmax = 1 << 23;
constexpr double kSide = 1 << 30;

double sigmoid(double value) { return 1 / (1 + std::exp(-value)); }

void require_outputs(const DetectorHead& head, std::size_t count) {
  if (static_cast<std::int64_t>(count) == head.outputs()) return;
  throw Error("a detector of {}x{} cells and {} channels has {} outputs, not {}", head.rows,
              head.columns, head.channels(), head.outputs(), count);
}

float within_image(double place) { return static_cast<float>(std::clamp(place, 0.0, 1.0)); }

// Along one axis.
void place(double centre, double side, float& first, float& last) {
  first = within_image(centre - side / 2);
  last = within_image(centre + side / 2);
}

// The best class of a box, and its score; the score is not a number where an output is none.
Detection classify(std::span<const float> values) {
  const std::span<const float> classes = values.subspan(DetectorHead::kBoxValues);
  const auto best = std::max_element(classes.begin(), classes.end());
  double sum = 0;
  for (const float value : classes) sum += std::exp(double{value} - double{*best});
  Detection found;
  found.label = static_cast<std::int32_t>(best - classes.begin());
  found.score = static_cast<float>(sigmoid(values[4]) / sum);
  return found;
}

// The box of one anchor in one cell; `values` are its outputs.
Box box_of(const DetectorHead& head, int row, int column, const Anchor& anchor,
           std::span<const float> values) {
  Box box;
  place((column + sigmoid(values[0])) / head.columns, anchor.width * std::exp(double{values[2]}),
        box.left, box.right);
  place((row + sigmoid(values[1])) / head.rows, anchor.height * std::exp(double{values[3]}),
        box.top, box.bottom);
  return box;
}

// All boxes of a score that is told, in the order of the outputs.
Detections candidates_of(const DetectorHead& head, double score, std::span<const float> outputs) {
  Detections found;
  for (int row = 0; row < head.rows; ++row) {
    for (int column = 0; column < head.columns; ++column) {
      for (const Anchor& anchor : head.anchors) {
        const auto values = outputs.first(static_cast<std::size_t>(head.values_per_anchor()));
        outputs = outputs.subspan(values.size());
        Detection candidate = classify(values);
        if (!(candidate.score >= score)) continue;
        if (std::any_of(values.begin(), values.begin() + 4, [](float v) { return std::isnan(v); }))
          continue;
        candidate.box = box_of(head, row, column, anchor, values);
        found.push_back(candidate);
      }
    }
  }
  return found;
}

// Greedy non-maximum suppression of what is in the order of scores.
Detections suppress(const Detections& candidates, const DetectionLimits& limits) {
  Detections kept;
  for (const Detection& candidate : candidates) {
    if (std::ssize(kept) == limits.most) break;
    const bool is_covered = std::any_of(kept.begin(), kept.end(), [&](const Detection& better) {
      return better.label == candidate.label &&
             intersection_over_union(better.box, candidate.box) > limits.overlap;
    });
    if (!is_covered) kept.push_back(candidate);
  }
  return kept;
}

Detection detection_of(const mcunet_detection& found) {
  const auto share = [](std::int16_t side) { return static_cast<float>(side) / kOne; };
  return {.box = {.left = share(found.left),
                  .top = share(found.top),
                  .right = share(found.right),
                  .bottom = share(found.bottom)},
          .label = found.label,
          .score = static_cast<float>(found.score / kScore)};
}

template <typename Unsigned>
Unsigned nearest(double value, double most) {
  return static_cast<Unsigned>(std::min(std::round(value), most));
}

}  // namespace

std::vector<Field> fields_of(Anchor& anchor) {
  return {required(field("width", anchor.width, between(kLeastSide, kMostSide))),
          required(field("height", anchor.height, between(kLeastSide, kMostSide)))};
}

std::vector<Field> fields_of(DetectorHead& head) {
  return {required(field("rows", head.rows, between(1, kMostCells))),
          required(field("columns", head.columns, between(1, kMostCells))),
          required(section_list("anchors", head.anchors, fields_of)),
          required(field("classes", head.classes, between(1, kMostClassesOfDetector)))};
}

std::vector<Field> fields_of(DetectionLimits& limits) {
  return {field("score", limits.score, between(0, 1)),
          field("overlap", limits.overlap, between(0, 1)),
          field("most", limits.most, between(1, kMostDetections))};
}

void check_head(const DetectorHead& head) {
  if (head.anchors.empty() || head.anchors.size() > kMostAnchors) {
    throw Error("a detector has 1 to {} anchors, not {}", kMostAnchors, head.anchors.size());
  }
  if (head.classes < 1 || head.classes > kMostClassesOfDetector) {
    throw Error("a detector has 1 to {} classes, not {}", kMostClassesOfDetector, head.classes);
  }
  for (const Anchor& anchor : head.anchors) {
    for (const double side : {anchor.width, anchor.height}) {
      if (side >= kLeastSide && side <= kMostSide) continue;
      throw Error("a side of an anchor is {:g}, but must be a share of the image's: {:g} to {:g}",
                  side, kLeastSide, kMostSide);
    }
  }
  const bool has_cells = std::min(head.rows, head.columns) > 0 &&
                         std::max(head.rows, head.columns) <= kMostCells &&
                         double(head.rows) * head.columns <= kMostCellsInAll;
  if (!has_cells) throw Error("a detector cannot have {}x{} cells", head.rows, head.columns);
}

Detections decode(const DetectorHead& head, const DetectionLimits& limits,
                  std::span<const float> outputs) {
  require_outputs(head, outputs.size());
  Detections candidates = candidates_of(head, limits.score, outputs);
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Detection& a, const Detection& b) { return a.score > b.score; });
  const auto most = static_cast<std::size_t>(limits.candidates());
  if (candidates.size() > most) candidates.resize(most);
  return suppress(candidates, limits);
}

std::int64_t DetectionTables::bytes() const {
  return static_cast<std::int64_t>(sizeof(sigmoids) + sizeof(exponentials) + sizeof(softmax) +
                                   sides.size() * sizeof(sides[0]));
}

DetectionTables make_detection_tables(const DetectorHead& head, const DetectionLimits& limits,
                                      double scale, std::int32_t zero_point) {
  check_head(head);
  if (!(scale > 0) || !std::isfinite(scale)) {
    throw Error("a detector's output needs a scale, but this is {:g}", scale);
  }
  DetectionTables tables{.head = head, .limits = limits, .sides = {}};
  for (const Anchor& anchor : head.anchors) {
    for (const double side : {anchor.width, anchor.height}) {
      tables.sides.push_back(nearest<std::uint32_t>(side * kSide, UINT32_MAX));
    }
  }
  tables.row_share = nearest<std::uint32_t>(2 * kSide / head.rows, UINT32_MAX);
  tables.column_share = nearest<std::uint32_t>(2 * kSide / head.columns, UINT32_MAX);
  tables.score = nearest<std::uint32_t>(limits.score * kScore, kScore);
  tables.overlap = nearest<std::uint32_t>(limits.overlap * kScore, kScore);
  tables.objectness = 128;
  for (int i = 255; i >= 0; --i) {
    const auto at = static_cast<std::size_t>(i);
    const double value = scale * (i - 128 - zero_point);
    tables.sigmoids[at] = nearest<std::uint16_t>(sigmoid(value) * kScore, kScore);
    tables.exponentials[at] = nearest<std::uint32_t>(std::exp(value) * kExponential, UINT32_MAX);
    tables.softmax[at] = nearest<std::uint32_t>(std::exp(-scale * i) * kSoftmax, kSoftmax);
    if (tables.sigmoids[at] >= tables.score) tables.objectness = i - 128;
  }
  return tables;
}

Detections decode_int8(const DetectionTables& tables, std::span<const std::int8_t> outputs) {
  const DetectorHead& head = tables.head;
  require_outputs(head, outputs.size());
  const mcunet_detection_layer layer{.rows = head.rows,
                                     .columns = head.columns,
                                     .anchors = static_cast<std::int32_t>(head.anchors.size()),
                                     .classes = head.classes,
                                     .row_share = tables.row_share,
                                     .column_share = tables.column_share,
                                     .sides = tables.sides.data(),
                                     .sigmoids = tables.sigmoids.data(),
                                     .exponentials = tables.exponentials.data(),
                                     .softmax = tables.softmax.data(),
                                     .objectness = tables.objectness,
                                     .score = tables.score,
                                     .overlap = tables.overlap,
                                     .candidates = tables.limits.candidates(),
                                     .most = tables.limits.most};
  std::vector<mcunet_detection> found(static_cast<std::size_t>(layer.candidates));
  found.resize(
      static_cast<std::size_t>(mcunet_find_detections(outputs.data(), &layer, found.data())));
  Detections detections;
  for (const mcunet_detection& one : found) detections.push_back(detection_of(one));
  return detections;
}

Detections read_detections(std::span<const std::int8_t> bytes) {
  if (bytes.size() % sizeof(mcunet_detection) != 0) {
    throw Error("{} bytes are no detections of {} each", bytes.size(), sizeof(mcunet_detection));
  }
  std::vector<mcunet_detection> found(bytes.size() / sizeof(mcunet_detection));
  if (!found.empty()) std::memcpy(found.data(), bytes.data(), bytes.size());
  Detections detections;
  for (const mcunet_detection& one : found) detections.push_back(detection_of(one));
  return detections;
}

}  // namespace mcunet::datasets
