#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Strict reading of YAML into plain option structs. A struct lists its fields once; the list reads
// them (unknown keys, wrong types and values out of range are errors that name file, line and key
// path) and writes them back as the resolved configuration:
//
//   struct OptimizerOptions { int samples = 1000; std::vector<double> widths; };
//   std::vector<Field> fields_of(OptimizerOptions& o) {
//     return {field("samples", o.samples, between(1, 1e7)), field("widths", o.widths, positive())};
//   }
//   read_fields(config, fields_of(options));  // keys that are absent keep their defaults
//   ConfigNode resolved = write_fields(fields_of(options));
namespace mcunet {

// A parsed YAML value. Maps keep the order of the file and have unique keys.
struct ConfigNode {
  enum class Kind { kNull, kScalar, kSequence, kMap };

  Kind kind = Kind::kNull;
  std::string scalar;
  bool quoted = false;            // a quoted scalar is text, never a number, a bool or null
  std::vector<std::string> keys;  // of a map, one per item
  std::vector<ConfigNode> items;  // of a sequence, or the values of a map
  std::string origin;             // "configs/x.yaml:14" or "--set optimizer.samples=0"
  std::string path;               // "optimizer.widths[2]"; empty at the root

  const ConfigNode* find(std::string_view key) const;

  // Throws Error "ORIGIN: PATH: MESSAGE".
  [[noreturn]] void fail(const std::string& message) const;
};

// Throws Error if the text is no YAML, repeats a key in a map, or nests too deep.
ConfigNode parse_config(const std::string& text, const std::string& source);

// Throws Error if the file cannot be read or parsed.
ConfigNode load_config(const std::filesystem::path& file);

// Sets one value by its key path: "a.b=c", where c is YAML. Throws Error if the text has another
// form, or if the path leads through something that is not a map.
void apply_override(ConfigNode& root, const std::string& assignment);

// Takes the value out that a key path leads to, "train.device"; nothing if there is none.
void erase_key(ConfigNode& root, std::string_view path);

// The same tree as JSON text, indented by two.
std::string to_json_text(const ConfigNode& node);

// "train.momentum: was 0.9, is 0.8" for the first value in which two trees differ, whatever the
// order of keys; empty if they are equal.
std::string first_difference(const ConfigNode& before, const ConfigNode& now);

// Values: each reader throws through ConfigNode::fail, saying what was expected.
void read_value(const ConfigNode& node, bool& value);
void read_value(const ConfigNode& node, std::int64_t& value);
void read_value(const ConfigNode& node, double& value);
void read_value(const ConfigNode& node, std::string& value);

ConfigNode write_value(bool value);
ConfigNode write_value(std::int64_t value);
ConfigNode write_value(double value);
ConfigNode write_value(const std::string& value);

template <std::integral T>
void read_value(const ConfigNode& node, T& value) {
  std::int64_t wide = 0;
  read_value(node, wide);
  if (!std::in_range<T>(wide)) node.fail("is out of range: " + node.scalar);
  value = static_cast<T>(wide);
}

template <std::integral T>
ConfigNode write_value(T value) {
  return write_value(static_cast<std::int64_t>(value));
}

template <typename T>
void read_value(const ConfigNode& node, std::optional<T>& value) {
  if (node.kind == ConfigNode::Kind::kNull) return value.reset();
  read_value(node, value.emplace());
}

template <typename T>
ConfigNode write_value(const std::optional<T>& value) {
  return value ? write_value(*value) : ConfigNode{};
}

// A list; a list of numbers may be written as a range: {from: 48, to: 224, step: 16}, ends
// included.
std::vector<ConfigNode> list_items(const ConfigNode& node, bool numbers);

template <typename T>
void read_value(const ConfigNode& node, std::vector<T>& values) {
  values.clear();
  for (const ConfigNode& item : list_items(node, std::is_arithmetic_v<T>)) {
    T value{};
    read_value(item, value);
    values.push_back(std::move(value));
  }
}

template <typename T>
ConfigNode write_value(const std::vector<T>& values) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kSequence;
  for (const T& value : values) node.items.push_back(write_value(value));
  return node;
}

// What a number must satisfy; a complaint reads "must be at least 2".
struct NumberCheck {
  double min;
  double max;
  std::string complaint;
};

NumberCheck at_least(double min);
NumberCheck between(double min, double max);
NumberCheck positive();

void check_number(const ConfigNode& node, const NumberCheck& check);

// One key of a map, bound to a variable.
struct Field {
  std::string key;
  std::function<void(const ConfigNode&)> read;
  std::function<ConfigNode()> write;
  bool is_required = false;
};

template <typename T>
Field field(std::string key, T& value) {
  return {std::move(key), [&value](const ConfigNode& node) { read_value(node, value); },
          [&value] { return write_value(value); }};
}

// Also for lists of numbers, of which each must satisfy the check and at least one be there.
template <typename T>
Field field(std::string key, T& value, NumberCheck check) {
  Field result = field(std::move(key), value);
  result.read = [&value, check = std::move(check)](const ConfigNode& node) {
    read_value(node, value);
    check_number(node, check);
  };
  return result;
}

// One of a few named values.
template <typename T>
Field choice(std::string key, T& value, std::vector<std::pair<std::string, T>> names) {
  auto read = [&value, names](const ConfigNode& node) {
    std::string text;
    read_value(node, text);
    std::string known;
    for (const auto& [name, meaning] : names) {
      if (name == text) {
        value = meaning;
        return;
      }
      known += (known.empty() ? "" : ", ") + name;
    }
    node.fail("must be one of " + known + ", is " + text);
  };
  auto write = [&value, names] {
    for (const auto& [name, meaning] : names) {
      if (meaning == value) return write_value(name);
    }
    return ConfigNode{};
  };
  return {std::move(key), std::move(read), std::move(write)};
}

Field required(Field field);

// Written out only where it differs from the default, so that runs of before it was known go on.
Field silent(Field field, bool is_default);

// A map under a key.
Field section(std::string key, std::vector<Field> fields);

// A list of maps under a key; `fields_of` lists the fields of one element.
template <typename T>
Field section_list(std::string key, std::vector<T>& values, std::vector<Field> (*fields_of)(T&));

// Throws Error if the node is no map, has a key that no field names (the nearest one is suggested),
// lacks a required key, or holds a value that its field refuses.
void read_fields(const ConfigNode& node, const std::vector<Field>& fields);
ConfigNode write_fields(const std::vector<Field>& fields);

template <typename T>
Field section_list(std::string key, std::vector<T>& values, std::vector<Field> (*fields_of)(T&)) {
  auto read = [&values, fields_of](const ConfigNode& node) {
    values.clear();
    for (const ConfigNode& item : list_items(node, false)) {
      read_fields(item, fields_of(values.emplace_back()));
    }
  };
  auto write = [&values, fields_of] {
    ConfigNode node;
    node.kind = ConfigNode::Kind::kSequence;
    for (T& value : values) node.items.push_back(write_fields(fields_of(value)));
    return node;
  };
  return {std::move(key), std::move(read), std::move(write)};
}

// The candidate that a typing error most likely meant; empty if none is near.
std::string nearest_name(std::string_view name, std::span<const std::string> candidates);

}  // namespace mcunet
