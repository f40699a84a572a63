#include <fmt/format.h>

#include <algorithm>

#include "coco_labels.hpp"
#include "coco_parts.hpp"
#include "file_list.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/names.hpp"
#include "object_labels.hpp"

// What is made of COCO's layout: Visual Wake Words, whose label is whether there is a person, and
// the class of the largest object.
namespace mcunet::datasets {
namespace {

constexpr std::int64_t kSearchExamples = 5'000;
constexpr double kLeastShare = 0.005;  // of the image, that some person's segmentation covers

std::int64_t person_in(const CocoInstances& instances, const CocoPart& part) {
  for (const auto& [id, name] : instances.categories) {
    if (name == "person") return id;
  }
  throw Error("{}: has no category named person", part.annotations.string());
}

// Empty: there is none of a known category.
std::string largest_category(const CocoImage& image, const CocoInstances& instances) {
  const CocoObject* largest = nullptr;
  for (const CocoObject& object : image.objects) {
    if (!instances.categories.contains(object.category)) continue;
    if (largest == nullptr || object.area > largest->area) largest = &object;
  }
  return largest == nullptr ? "" : instances.categories.at(largest->category);
}

std::vector<CocoPart> require_coco_parts(const DatasetOptions& options) {
  std::vector<CocoPart> parts = find_coco_parts(options);
  if (!parts.empty()) return parts;
  fail(options,
       "expected COCO's layout: annotations/instances_train2017.json with train2017/, or "
       "train/_annotations.coco.json; dataset.annotations names another file");
}

// Labelled by the numbers of their names; none of an image whose size nobody tells.
Objects objects_of(const CocoImage& image, const std::string& path, const CocoInstances& instances,
                   NumberedNames& names, ObjectFlaws& flaws) {
  const cv::Size2d size = stated_or_own_size(image.width, image.height, path);
  Objects objects;
  if (size.empty()) return objects;
  for (const CocoObject& object : image.objects) {
    const auto category = instances.categories.find(object.category);
    if (category == instances.categories.end()) {
      ++flaws.unknown_class[image.file];
      continue;
    }
    const double left = object.x / size.width;
    const double top = object.y / size.height;
    const auto box = box_in_image(left, top, left + object.width / size.width,
                                  top + object.height / size.height, image.file, flaws);
    if (!box) continue;
    objects.push_back({*box, names.number_of(category->second),
                       object.is_crowd ? ObjectKind::kCrowd : ObjectKind::kPlain});
  }
  return objects;
}

}  // namespace

std::vector<std::string> vww_classes(const DatasetOptions& options) {
  if (!find_coco_parts(options).empty()) return {"no_person", "person"};
  std::vector<std::string> classes = folder_classes(options);
  if (classes.size() != 2) {
    fail(options, fmt::format("expected COCO (train2017, val2017, annotations/) "
                              "or the folders of two classes, found {} folders",
                              classes.size()));
  }
  return classes;
}

Layout list_vww(const DatasetOptions& options) {
  const std::vector<CocoPart> parts = find_coco_parts(options);
  Layout layout;
  if (parts.empty()) layout = list_folder(options);
  layout.classes = vww_classes(options);
  if (!parts.empty()) layout.search_examples = kSearchExamples;
  for (const CocoPart& part : parts) {
    const auto instances = read_coco_instances(part.annotations);
    const std::int64_t person = person_in(*instances, part);
    for (const CocoImage& image : instances->images) {
      const bool has_person =
          std::any_of(image.objects.begin(), image.objects.end(), [&](const CocoObject& object) {
            return object.category == person &&
                   object.area / (image.width * image.height) > kLeastShare;
          });
      layout.files.push_back({part.path_of(image.file).string(), has_person ? 1 : 0, part.split});
    }
  }
  return layout;
}

Layout list_coco(const DatasetOptions& options) {
  const std::vector<CocoPart> parts = require_coco_parts(options);
  Layout layout;
  std::vector<std::string> labels;
  for (const CocoPart& part : parts) {
    const auto instances = read_coco_instances(part.annotations);
    for (const CocoImage& image : instances->images) {
      const std::string label = largest_category(image, *instances);
      if (label.empty()) {
        ++layout.left_out.files["without objects"];
        continue;
      }
      labels.push_back(label);
      layout.files.push_back({part.path_of(image.file).string(), 0, part.split});
    }
  }
  label_files(layout, labels, parts.front().annotations.string());
  return layout;
}

Layout list_coco_objects(const DatasetOptions& options) {
  const std::vector<CocoPart> parts = require_coco_parts(options);
  Layout layout;
  NumberedNames names;
  for (const CocoPart& part : parts) {
    const auto instances = read_coco_instances(part.annotations);
    for (const CocoImage& image : instances->images) {
      const std::string path = part.path_of(image.file).string();
      layout.files.push_back(
          {path, 0, part.split, objects_of(image, path, *instances, names, layout.flaws)});
    }
  }
  label_objects(layout, names, parts.front().annotations.string());
  return layout;
}

}  // namespace mcunet::datasets
