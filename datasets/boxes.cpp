#include "mcunet/datasets/boxes.hpp"

#include <utility>

namespace mcunet::datasets {

std::int32_t main_label(const Objects& objects) {
  const auto rank = [](const BoxedObject& object) {
    return std::pair(object.kind == ObjectKind::kPlain, object.box.area());
  };
  const auto largest = std::max_element(
      objects.begin(), objects.end(),
      [&](const BoxedObject& a, const BoxedObject& b) { return rank(a) < rank(b); });
  return largest == objects.end() ? kNoObjects : largest->label;
}

}  // namespace mcunet::datasets
