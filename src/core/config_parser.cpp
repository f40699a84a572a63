#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <sstream>

#include "mcunet/core/config.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/names.hpp"

// YAML text to a tree of ConfigNode, by way of yaml-cpp.
namespace mcunet {
namespace {

constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxNodes = 300'000;  // stops aliases that expand without end

struct Converter {
  std::string source;
  std::size_t nodes = 0;

  std::string origin_at(const YAML::Mark& mark) const {
    return mark.is_null() ? source : fmt::format("{}:{}", source, mark.line + 1);
  }

  ConfigNode convert(const YAML::Node& yaml, const std::string& path, int depth) {
    ConfigNode node;
    node.origin = origin_at(yaml.Mark());
    node.path = path;
    if (depth > kMaxDepth) node.fail("is nested too deep");
    if (++nodes > kMaxNodes) node.fail("expands to too many values");
    switch (yaml.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        break;
      case YAML::NodeType::Scalar:
        node.kind = ConfigNode::Kind::kScalar;
        node.scalar = yaml.Scalar();
        node.quoted = yaml.Tag() == "!";
        break;
      case YAML::NodeType::Sequence:
        node.kind = ConfigNode::Kind::kSequence;
        for (std::size_t i = 0; i < yaml.size(); ++i) {
          node.items.push_back(convert(yaml[i], fmt::format("{}[{}]", path, i), depth + 1));
        }
        break;
      case YAML::NodeType::Map:
        convert_map(yaml, node, depth);
        break;
    }
    return node;
  }

  void convert_map(const YAML::Node& yaml, ConfigNode& node, int depth) {
    node.kind = ConfigNode::Kind::kMap;
    for (const auto& entry : yaml) {
      if (!entry.first.IsScalar()) node.fail("has a key that is not a plain name");
      const std::string& key = entry.first.Scalar();
      const std::string child_path = node.path.empty() ? key : node.path + "." + key;
      if (node.find(key) != nullptr) {
        throw Error("{}: {}: is given twice", origin_at(entry.first.Mark()), child_path);
      }
      node.keys.push_back(key);
      node.items.push_back(convert(entry.second, child_path, depth + 1));
      // An empty value has no place of its own.
      node.items.back().origin = origin_at(entry.first.Mark());
    }
  }
};

// YAML is UTF-8 here; the first line that is not is named.
void check_is_text(const std::string& text, const std::string& source) {
  if (is_utf8_text(text)) return;
  std::istringstream lines(text);
  int number = 1;
  for (std::string line; std::getline(lines, line) && is_utf8_text(line);) ++number;
  throw Error("{}:{}: is no text in UTF-8, which YAML must be", source, number);
}

}  // namespace

ConfigNode parse_config(const std::string& text, const std::string& source) {
  check_is_text(text, source);
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.size() > 1) {
      const bool may_be_text = text.starts_with('{') || text.starts_with('[');
      throw Error("{}: holds more than one YAML document{}", source,
                  may_be_text ? "; text that begins with { or [ is to be in quotes" : "");
    }
    return Converter{source}.convert(documents.empty() ? YAML::Node() : documents.front(), "", 0);
  } catch (const YAML::Exception& error) {
    throw Error("{}:{}: is no valid YAML: {}", source, error.mark.line + 1, error.msg);
  }
}

ConfigNode load_config(const std::filesystem::path& file) {
  return parse_config(read_file(file, kMaxTextBytes), file.string());
}

void apply_override(ConfigNode& root, const std::string& assignment) {
  const std::string origin = "--set " + assignment;
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw Error("{}: must have the form key.path=value", origin);
  }
  if (assignment[equals - 1] == '.') throw Error("{}: has an empty key in its path", origin);
  ConfigNode* node = &root;
  std::string path;
  std::istringstream keys(assignment.substr(0, equals));
  for (std::string key; std::getline(keys, key, '.');) {
    if (key.empty()) throw Error("{}: has an empty key in its path", origin);
    if (node->kind == ConfigNode::Kind::kNull) node->kind = ConfigNode::Kind::kMap;
    if (node->kind != ConfigNode::Kind::kMap) {
      throw Error("{}: {} is not a map (it is set at {})", origin, path, node->origin);
    }
    path += (path.empty() ? "" : ".") + key;
    const auto found = std::find(node->keys.begin(), node->keys.end(), key);
    const auto index = static_cast<std::size_t>(found - node->keys.begin());
    if (found == node->keys.end()) {
      node->keys.push_back(key);
      node->items.emplace_back();
    }
    node = &node->items[index];
    if (node->path.empty()) {
      node->path = path;
      node->origin = origin;
    }
  }
  ConfigNode value = parse_config(assignment.substr(equals + 1), origin);
  const auto adopt = [&](auto&& self, ConfigNode& child, const std::string& prefix) -> void {
    child.origin = origin;
    child.path = child.path.empty()            ? prefix
                 : child.path.starts_with('[') ? prefix + child.path
                                               : prefix + "." + child.path;
    for (ConfigNode& item : child.items) self(self, item, prefix);
  };
  adopt(adopt, value, path);
  *node = std::move(value);
}

}  // namespace mcunet
