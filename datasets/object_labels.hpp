#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "file_list.hpp"
#include "mcunet/datasets/boxes.hpp"

// What the kinds of dataset whose images have boxes share in listing them.
namespace mcunet::datasets {

// The part of a box that lies in its image, whose sides are shares of the image's; nothing if it has
// no area there. Notes what is the matter under the name of the file.
std::optional<Box> box_in_image(double left, double top, double right, double bottom,
                                const std::string& file, ObjectFlaws& flaws);

// Of an image: its own where none is stated; empty if that cannot be read either.
cv::Size2d stated_or_own_size(double width, double height, const std::string& image);

// Names, numbered in the order in which they are first asked for.
class NumberedNames {
 public:
  std::int32_t number_of(const std::string& name);
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<std::string> names_;
  std::unordered_map<std::string, std::int32_t> numbers_;
};

// The label of each file becomes main_label() of its objects.
void label_by_objects(Layout& layout);

// Objects that are labelled with the number of their name get their class's: the names in order,
// numbers by their value. Then as label_by_objects(). Throws Error, beginning with `source`, if there
// are no objects at all.
void label_objects(Layout& layout, const NumberedNames& names, const std::string& source);

}  // namespace mcunet::datasets
