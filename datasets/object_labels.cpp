#include "object_labels.hpp"

#include <algorithm>

#include "image_decoding.hpp"
#include "mcunet/core/error.hpp"

namespace mcunet::datasets {
namespace {

// Of an image's side: borders that were rounded, or counted from another first pixel, are no flaw.
constexpr double kRounding = 0.005;

}  // namespace

std::optional<Box> box_in_image(double left, double top, double right, double bottom,
                                const std::string& file, ObjectFlaws& flaws) {
  if (!(right > left && bottom > top)) {  // nor if a side is no number
    ++flaws.no_area[file];
    return std::nullopt;
  }
  if (std::min(left, top) < -kRounding || std::max(right, bottom) > 1 + kRounding) {
    ++flaws.leave_image[file];
  }
  const auto within = [](double side) { return static_cast<float>(std::clamp(side, 0.0, 1.0)); };
  const Box box = {within(left), within(top), within(right), within(bottom)};
  if (box.width() <= 0 || box.height() <= 0) return std::nullopt;
  return box;
}

cv::Size2d stated_or_own_size(double width, double height, const std::string& image) {
  if (width > 0 && height > 0) return {width, height};
  const auto encoded = EncodedImage::read(image);
  return encoded ? cv::Size2d(encoded->size()) : cv::Size2d();
}

std::int32_t NumberedNames::number_of(const std::string& name) {
  const auto [place, is_new] = numbers_.try_emplace(name, static_cast<std::int32_t>(names_.size()));
  if (is_new) names_.push_back(name);
  return place->second;
}

void label_by_objects(Layout& layout) {
  for (ListedFile& file : layout.files) file.label = main_label(file.objects);
}

void label_objects(Layout& layout, const NumberedNames& names, const std::string& source) {
  std::vector<bool> is_used(names.names().size());
  for (const ListedFile& file : layout.files) {
    for (const BoxedObject& object : file.objects) {
      is_used[static_cast<std::size_t>(object.label)] = true;
    }
  }
  layout.classes.clear();
  for (std::size_t i = 0; i < is_used.size(); ++i) {
    if (is_used[i]) layout.classes.push_back(names.names()[i]);
  }
  if (layout.classes.empty()) throw Error("{}: has no objects", source);
  sort_classes(layout.classes);
  std::vector<std::int32_t> labels;
  for (const std::string& name : names.names()) labels.push_back(index_of(layout.classes, name));
  for (ListedFile& file : layout.files) {
    for (BoxedObject& object : file.objects) {
      object.label = labels[static_cast<std::size_t>(object.label)];
    }
  }
  label_by_objects(layout);
}

}  // namespace mcunet::datasets
