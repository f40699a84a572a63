#pragma once

#include <string>
#include <utility>
#include <vector>

#include "mcunet/core/named_config.hpp"

namespace mcunet {

// A value given by name, from configs/GROUP/, or written out in place; it is written out in the
// resolved configuration.
template <typename T>
Field named(std::string key, const std::string& group, T& value, T (*read)(const ConfigNode&),
            std::vector<Field> (*fields)(T&)) {
  auto read_node = [&value, group, read](const ConfigNode& node) {
    value = read(resolve_named_config(node, group));
  };
  return {std::move(key), std::move(read_node),
          [&value, fields] { return write_fields(fields(value)); }};
}

}  // namespace mcunet
