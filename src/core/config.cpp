#include "mcunet/core/config.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "mcunet/core/error.hpp"
#include "mcunet/core/json_text.hpp"

namespace mcunet {
namespace {

std::string describe(const ConfigNode& node) {
  switch (node.kind) {
    case ConfigNode::Kind::kNull:
      return "empty";
    case ConfigNode::Kind::kScalar:
      return node.quoted ? "\"" + node.scalar + "\"" : node.scalar;
    case ConfigNode::Kind::kSequence:
      return "a list";
    case ConfigNode::Kind::kMap:
      return "a map";
  }
  return "";
}

[[noreturn]] void fail_expecting(const ConfigNode& node, const std::string& expected) {
  node.fail("must be " + expected + ", is " + describe(node));
}

// The whole text as a number, or nothing. Hexadecimal integers, as used for addresses, are allowed.
template <typename T>
std::optional<T> parse_number(const std::string& text) {
  const char* first = text.data();
  const char* last = first + text.size();
  const bool is_hexadecimal =
      std::is_integral_v<T> && (text.starts_with("0x") || text.starts_with("0X"));
  const bool has_prefix = is_hexadecimal || text.starts_with('+');
  first += is_hexadecimal ? 2 : has_prefix ? 1 : 0;
  if (has_prefix && first != last && *first == '-') return std::nullopt;
  T value{};
  std::from_chars_result result{};
  if constexpr (std::is_integral_v<T>) {
    result = std::from_chars(first, last, value, is_hexadecimal ? 16 : 10);
  } else {
    result = std::from_chars(first, last, value);
  }
  if (result.ec != std::errc{} || result.ptr != last) return std::nullopt;
  return value;
}

ConfigNode make_scalar(std::string text, bool quoted = false) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kScalar;
  node.scalar = std::move(text);
  node.quoted = quoted;
  return node;
}

// Without the error of binary fractions in the 13th digit.
double round_decimal(double value) {
  return std::strtod(fmt::format("{:.12g}", value).c_str(), nullptr);
}

std::string shortest(double value) {
  char text[32];
  // Whole numbers without an exponent, so that they read as integers.
  const bool is_whole = value == std::floor(value) && std::abs(value) < 1e15;
  const auto result =
      is_whole ? std::to_chars(text, text + sizeof text, static_cast<std::int64_t>(value))
               : std::to_chars(text, text + sizeof text, value);
  return {text, result.ptr};
}

}  // namespace

const ConfigNode* ConfigNode::find(std::string_view key) const {
  const auto found = std::find(keys.begin(), keys.end(), key);
  return found == keys.end() ? nullptr : &items[static_cast<std::size_t>(found - keys.begin())];
}

void ConfigNode::fail(const std::string& message) const {
  throw Error("{}: {}{}{}", origin, path, path.empty() ? "" : ": ", message);
}

void read_value(const ConfigNode& node, bool& value) {
  if (node.kind == ConfigNode::Kind::kScalar && !node.quoted) {
    if (node.scalar == "true" || node.scalar == "false") {
      value = node.scalar == "true";
      return;
    }
  }
  fail_expecting(node, "true or false");
}

void read_value(const ConfigNode& node, std::int64_t& value) {
  const bool plain = node.kind == ConfigNode::Kind::kScalar && !node.quoted;
  const auto number = plain ? parse_number<std::int64_t>(node.scalar) : std::nullopt;
  if (!number) fail_expecting(node, "an integer");
  value = *number;
}

void read_value(const ConfigNode& node, double& value) {
  const bool plain = node.kind == ConfigNode::Kind::kScalar && !node.quoted;
  const auto number = plain ? parse_number<double>(node.scalar) : std::nullopt;
  if (!number || !std::isfinite(*number)) fail_expecting(node, "a number");
  value = *number;
}

void read_value(const ConfigNode& node, std::string& value) {
  if (node.kind != ConfigNode::Kind::kScalar) fail_expecting(node, "a text");
  value = node.scalar;
}

ConfigNode write_value(bool value) { return make_scalar(value ? "true" : "false"); }
ConfigNode write_value(std::int64_t value) { return make_scalar(std::to_string(value)); }
ConfigNode write_value(double value) { return make_scalar(shortest(value)); }
ConfigNode write_value(const std::string& value) { return make_scalar(value, /*quoted=*/true); }

std::vector<ConfigNode> list_items(const ConfigNode& node, bool numbers) {
  if (node.kind == ConfigNode::Kind::kSequence) return node.items;
  if (!numbers || node.kind != ConfigNode::Kind::kMap) {
    fail_expecting(node, numbers ? "a list of numbers or {from, to, step}" : "a list");
  }
  double from = 0;
  double to = 0;
  double step = 1;
  read_fields(node, {required(field("from", from)), required(field("to", to)),
                     field("step", step, positive())});
  if (to < from) node.fail("must not end before it begins");
  const double count = std::floor((to - from) / step + 1e-9) + 1;
  if (count > 100'000) node.fail("has more than 100000 values");
  std::vector<ConfigNode> items;
  for (int i = 0; i < static_cast<int>(count); ++i) {
    // To a billionth of the step, so that 0.2 + 1 * 0.1 reads 0.3 and -0.3 + 3 * 0.1 reads 0.
    const double grain = std::pow(10, std::floor(std::log10(step)) - 9);
    ConfigNode item =
        make_scalar(shortest(round_decimal(std::round((from + i * step) / grain) * grain)));
    item.origin = node.origin;
    item.path = fmt::format("{}[{}]", node.path, i);
    items.push_back(std::move(item));
  }
  return items;
}

NumberCheck at_least(double min) {
  return {min, std::numeric_limits<double>::infinity(), fmt::format("must be at least {}", min)};
}

NumberCheck between(double min, double max) {
  return {min, max, fmt::format("must be between {} and {}", min, max)};
}

NumberCheck positive() {
  return {std::numeric_limits<double>::denorm_min(), std::numeric_limits<double>::infinity(),
          "must be greater than 0"};
}

void check_number(const ConfigNode& node, const NumberCheck& check) {
  if (node.kind == ConfigNode::Kind::kScalar) {
    const auto integer = parse_number<std::int64_t>(node.scalar);
    double value = integer ? static_cast<double>(*integer) : 0;
    if (!integer) read_value(node, value);
    if (value < check.min || value > check.max) {
      node.fail(check.complaint + ", is " + node.scalar);
    }
  } else if (node.kind != ConfigNode::Kind::kNull) {
    const std::vector<ConfigNode> items = list_items(node, true);
    if (items.empty()) node.fail("must not be empty");
    for (const ConfigNode& item : items) check_number(item, check);
  }
}

Field required(Field field) {
  field.is_required = true;
  return field;
}

Field silent(Field field, bool is_default) {
  auto read = [read = std::move(field.read)](const ConfigNode& node) {
    if (node.kind != ConfigNode::Kind::kNull) read(node);
  };
  auto write = [write = std::move(field.write), is_default] {
    return is_default ? ConfigNode{} : write();
  };
  return {std::move(field.key), std::move(read), std::move(write)};
}

Field section(std::string key, std::vector<Field> fields) {
  auto shared = std::make_shared<const std::vector<Field>>(std::move(fields));
  return {std::move(key), [shared](const ConfigNode& node) { read_fields(node, *shared); },
          [shared] { return write_fields(*shared); }};
}

void read_fields(const ConfigNode& node, const std::vector<Field>& fields) {
  if (node.kind != ConfigNode::Kind::kMap && node.kind != ConfigNode::Kind::kNull) {
    fail_expecting(node, "a map");
  }
  std::vector<std::string> known;
  for (const Field& field : fields) known.push_back(field.key);
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    if (std::find(known.begin(), known.end(), node.keys[i]) != known.end()) continue;
    const std::string nearest = nearest_name(node.keys[i], known);
    node.items[i].fail("is no known key" +
                       (nearest.empty()
                            ? ", expected one of " + fmt::format("{}", fmt::join(known, ", "))
                            : "; did you mean " + nearest + "?"));
  }
  for (const Field& field : fields) {
    if (const ConfigNode* child = node.find(field.key)) {
      field.read(*child);
    } else if (field.is_required) {
      node.fail("lacks the key " + field.key);
    }
  }
}

ConfigNode write_fields(const std::vector<Field>& fields) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kMap;
  for (const Field& field : fields) {
    node.keys.push_back(field.key);
    node.items.push_back(field.write());
  }
  return node;
}

namespace {

nlohmann::ordered_json to_json(const ConfigNode& node) {
  using Json = nlohmann::ordered_json;
  switch (node.kind) {
    case ConfigNode::Kind::kNull:
      return nullptr;
    case ConfigNode::Kind::kScalar: {
      if (node.quoted) return node.scalar;
      if (node.scalar == "true" || node.scalar == "false") return node.scalar == "true";
      if (const auto integer = parse_number<std::int64_t>(node.scalar)) return *integer;
      if (const auto real = parse_number<double>(node.scalar); real && std::isfinite(*real)) {
        return *real;
      }
      return node.scalar;
    }
    case ConfigNode::Kind::kSequence: {
      Json list = Json::array();
      for (const ConfigNode& item : node.items) list.push_back(to_json(item));
      return list;
    }
    case ConfigNode::Kind::kMap: {
      Json map = Json::object();
      for (std::size_t i = 0; i < node.keys.size(); ++i) map[node.keys[i]] = to_json(node.items[i]);
      return map;
    }
  }
  return nullptr;
}

std::string first_difference(const nlohmann::ordered_json& before,
                             const nlohmann::ordered_json& now, const std::string& path);

// Lists are told of as a whole, and maps within them compared as others.
bool are_equal(const nlohmann::ordered_json& before, const nlohmann::ordered_json& now) {
  if (!before.is_array() || !now.is_array()) return before == now;
  return std::equal(
      before.begin(), before.end(), now.begin(), now.end(),
      [](const auto& a, const auto& b) { return first_difference(a, b, "").empty(); });
}

std::string first_difference(const nlohmann::ordered_json& before,
                             const nlohmann::ordered_json& now, const std::string& path) {
  if (before.is_object() && now.is_object()) {
    const nlohmann::ordered_json absent;
    const auto value_in = [&](const nlohmann::ordered_json& map, const std::string& key) {
      const auto found = map.find(key);
      return found == map.end() ? absent : *found;
    };
    nlohmann::ordered_json keys = now;
    keys.update(before);
    for (const auto& [key, unused] : keys.items()) {
      std::string difference = first_difference(value_in(before, key), value_in(now, key),
                                                path.empty() ? key : path + "." + key);
      if (!difference.empty()) return difference;
    }
    return "";
  }
  return are_equal(before, now) ? ""
                                : fmt::format("{}: was {}, is {}", path, before.dump(), now.dump());
}

}  // namespace

std::string first_difference(const ConfigNode& before, const ConfigNode& now) {
  return first_difference(to_json(before), to_json(now), "");
}

void erase_key(ConfigNode& root, std::string_view path) {
  const std::size_t dot = path.find('.');
  const auto found = std::find(root.keys.begin(), root.keys.end(), path.substr(0, dot));
  if (found == root.keys.end()) return;
  const auto item = root.items.begin() + (found - root.keys.begin());
  if (dot != std::string_view::npos) return erase_key(*item, path.substr(dot + 1));
  root.items.erase(item);
  root.keys.erase(found);
}

std::string to_json_text(const ConfigNode& node) { return json_text(to_json(node), 2); }

std::string nearest_name(std::string_view name, std::span<const std::string> candidates) {
  std::string nearest;
  std::size_t least = std::max<std::size_t>(name.size() / 3, 2) + 1;
  for (const std::string& candidate : candidates) {
    // Levenshtein distance, a row at a time.
    std::vector<std::size_t> row(candidate.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < name.size(); ++i) {
      std::size_t diagonal = row[0]++;
      for (std::size_t j = 0; j < candidate.size(); ++j) {
        const std::size_t substituted = diagonal + (name[i] != candidate[j] ? 1 : 0);
        diagonal = row[j + 1];
        row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, substituted});
      }
    }
    if (row.back() < least) {
      least = row.back();
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace mcunet
