#include "mcunet/core/json_text.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "mcunet/core/error.hpp"

namespace mcunet {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kMaxDepth = 100;

// What the library says after the place, which it counts in columns too.
std::string reason_of(const Json::parse_error& error) {
  const std::string_view text = error.what();
  const std::size_t column = text.find(", column ");
  const std::size_t colon = text.find(": ", column == std::string_view::npos ? 0 : column);
  return std::string(colon == std::string_view::npos ? text : text.substr(colon + 2));
}

}  // namespace

Json parse_json(std::string_view text, const std::string& source) {
  const auto check_depth = [&](int depth, Json::parse_event_t, const Json&) {
    if (depth > kMaxDepth) throw Error("{}: is nested too deep", source);
    return true;
  };
  // The library takes it for the end.
  if (text.find('\0') != std::string_view::npos) {
    throw Error("{}: is no valid JSON: it has a NUL", source);
  }
  try {
    return Json::parse(text, check_depth);
  } catch (const Json::parse_error& error) {
    const std::string_view before = text.substr(0, error.byte);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    throw Error("{}: is no valid JSON: line {}: {}", source, line, reason_of(error));
  } catch (const Json::exception& error) {
    throw Error("{}: is no valid JSON: {}", source, error.what());
  }
}

std::string json_text(const nlohmann::ordered_json& json, int indent) {
  return json.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace mcunet
