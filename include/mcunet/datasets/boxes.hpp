#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

// Boxes around the objects of an image, and what a detector finds.
namespace mcunet::datasets {

// Its sides are shares of an image's width and height: 0 is the left or upper border, 1 the right or
// lower one.
struct Box {
  float left = 0;
  float top = 0;
  float right = 0;
  float bottom = 0;

  float width() const { return right - left; }
  float height() const { return bottom - top; }
  float area() const { return width() * height(); }
  bool operator==(const Box&) const = default;
};

// The area that both cover, of what either covers; 0 if they do not touch.
inline float intersection_over_union(const Box& a, const Box& b) {
  const float width = std::min(a.right, b.right) - std::max(a.left, b.left);
  const float height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const float both = width * height;
  return both / (a.area() + b.area() - both);
}

enum class ObjectKind {
  kPlain,
  kDifficult,  // Pascal VOC: neither looked for nor counted
  kCrowd,      // COCO: many in one box; what is found there counts neither way
};

struct BoxedObject {
  Box box;
  std::int32_t label = 0;  // index of its class
  ObjectKind kind = ObjectKind::kPlain;

  bool operator==(const BoxedObject&) const = default;
};

using Objects = std::vector<BoxedObject>;

// The label of an image without any.
constexpr std::int32_t kNoObjects = -1;

// The class of the largest object, if possible of one that is neither difficult nor a crowd.
std::int32_t main_label(const Objects& objects);

// An object that a detector tells of.
struct Detection {
  Box box;
  std::int32_t label = 0;
  float score = 0;  // 0 to 1

  bool operator==(const Detection&) const = default;
};

using Detections = std::vector<Detection>;

}  // namespace mcunet::datasets
