#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "mcunet/core/config.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"

namespace mcunet {

// A value given by name, from configs/GROUP/, or written out in place; it is written out in the
// resolved configuration.
template <typename T>
Field named(std::string key, const std::string& group, T& value, T (*read)(const ConfigNode&),
            std::vector<Field> (*fields)(T&)) {
  auto read_node = [&value, group, read](const ConfigNode& node) {
    if (node.kind != ConfigNode::Kind::kScalar) {
      value = read(node);
      return;
    }
    std::filesystem::path file;
    try {
      file = find_config(node.scalar, group);
    } catch (const Error& error) {
      node.fail(error.what());
    }
    value = read(load_config(file));
  };
  return {std::move(key), std::move(read_node),
          [&value, fields] { return write_fields(fields(value)); }};
}

}  // namespace mcunet
