#include "mcunet/core/named_config.hpp"

#include <algorithm>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"

namespace mcunet {
namespace {

constexpr char kExtends[] = "extends";
constexpr int kMaxGenerations = 8;

// The keys of `over` take the place of those of `base`, maps within maps.
ConfigNode merge(ConfigNode base, const ConfigNode& over) {
  const auto is_map = [](const ConfigNode& node) { return node.kind == ConfigNode::Kind::kMap; };
  if (!is_map(base) || !is_map(over)) return over;
  for (std::size_t i = 0; i < over.keys.size(); ++i) {
    const auto found = std::find(base.keys.begin(), base.keys.end(), over.keys[i]);
    if (found == base.keys.end()) {
      base.keys.push_back(over.keys[i]);
      base.items.push_back(over.items[i]);
    } else {
      ConfigNode& stated = base.items[static_cast<std::size_t>(found - base.keys.begin())];
      stated = merge(std::move(stated), over.items[i]);
    }
  }
  base.origin = over.origin;
  base.path = over.path;
  return base;
}

ConfigNode load(const ConfigNode& name, const std::string& group) {
  std::string text;
  read_value(name, text);
  std::filesystem::path file;
  try {
    file = find_config(text, group);
  } catch (const Error& error) {
    name.fail(error.what());
  }
  return load_config(file);
}

ConfigNode extend(ConfigNode node, const std::string& group) {
  for (int generation = 0;; ++generation) {
    const ConfigNode* base = node.find(kExtends);
    if (base == nullptr) return node;
    if (generation == kMaxGenerations) {
      base->fail("leads to itself, or through too many descriptions");
    }
    ConfigNode inherited = load(*base, group);
    erase_key(node, kExtends);
    node = merge(std::move(inherited), node);
  }
}

}  // namespace

ConfigNode load_named_config(const std::string& name, const std::string& group) {
  return extend(load_config(find_config(name, group)), group);
}

ConfigNode resolve_named_config(const ConfigNode& node, const std::string& group) {
  return extend(node.kind == ConfigNode::Kind::kScalar ? load(node, group) : node, group);
}

}  // namespace mcunet
