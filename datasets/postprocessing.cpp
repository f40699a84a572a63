#include "mcunet/datasets/postprocessing.hpp"

#include <fmt/format.h>

#include "mcunet/core/error.hpp"

namespace mcunet::datasets {
namespace {

// Those of the head and the limits, side by side; the names tell how many classes there are.
std::vector<Field> fields_of(Detector& detector) {
  std::vector<Field> fields = datasets::fields_of(detector.head);
  std::erase_if(fields, [](const Field& one) { return one.key == "classes"; });
  fields.push_back(required(field("classes", detector.classes)));
  for (Field& limit : datasets::fields_of(detector.limits)) fields.push_back(std::move(limit));
  return fields;
}

std::vector<std::string> describe_detector(const Detector& detector) {
  const DetectorHead& head = detector.head;
  return {fmt::format("boxes around objects of {} class{}", head.classes,
                      head.classes == 1 ? "" : "es"),
          fmt::format("a grid of {} x {} cells with {} anchor{} each", head.rows, head.columns,
                      head.anchors.size(), head.anchors.size() == 1 ? "" : "s"),
          fmt::format("scores of at least {:g}, overlaps of at most {:g}, at most {} boxes",
                      detector.limits.score, detector.limits.overlap, detector.limits.most)};
}

}  // namespace

Postprocessing read_postprocessing(const ConfigNode& node) {
  Detector detector;
  read_fields(node, {required(section("detector", fields_of(detector)))});
  detector.head.classes = static_cast<int>(detector.classes.size());
  try {
    check_detector(detector);
  } catch (const Error& error) {
    node.find("detector")->fail(error.what());
  }
  return detector;
}

ConfigNode write_postprocessing(const Postprocessing& postprocessing) {
  Detector copy = std::get<Detector>(postprocessing);
  return write_fields({section("detector", fields_of(copy))});
}

void check_detector(const Detector& detector) {
  check_head(detector.head);
  if (std::ssize(detector.classes) != detector.head.classes) {
    throw Error("a detector of {} classes has {} names", detector.head.classes,
                detector.classes.size());
  }
}

std::vector<std::string> describe(const Postprocessing& postprocessing) {
  return describe_detector(std::get<Detector>(postprocessing));
}

}  // namespace mcunet::datasets
