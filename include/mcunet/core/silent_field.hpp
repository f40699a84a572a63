#pragma once

#include <utility>

#include "mcunet/core/config.hpp"

namespace mcunet {

// A field that is written out only where it differs from the default, so that runs of before it was
// known go on.
inline Field silent(Field field, bool is_default) {
  auto read = [read = std::move(field.read)](const ConfigNode& node) {
    if (node.kind != ConfigNode::Kind::kNull) read(node);
  };
  auto write = [write = std::move(field.write), is_default] {
    return is_default ? ConfigNode{} : write();
  };
  return {std::move(field.key), std::move(read), std::move(write)};
}

}  // namespace mcunet
