#include "mcunet/core/json_numbers.hpp"

#include <nlohmann/json.hpp>

#include "mcunet/core/error.hpp"

namespace mcunet {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kShownBytes = 40;

[[noreturn]] void fail(const char* kind, double min, double max, const Json& value) {
  const std::string text = value.is_structured()
                               ? value.type_name()
                               : value.dump(-1, ' ', false, Json::error_handler_t::replace);
  throw Error("must be {} from {:g} to {:g}, is {}", kind, min, max, text.substr(0, kShownBytes));
}

template <typename Read>
auto at_key(const Json& map, std::string_view key, const Read& read) {
  if (!map.is_object()) throw Error("must be a map with {}, is {}", key, map.type_name());
  const auto found = map.find(std::string(key));
  if (found == map.end()) throw Error("lacks {}", key);
  try {
    return read(*found);
  } catch (const Error& error) {
    throw Error("{}: {}", key, error.what());
  }
}

}  // namespace

double number_of(const Json& value, double min, double max) {
  if (!value.is_number()) fail("a number", min, max, value);
  const auto number = value.get<double>();
  if (!(number >= min && number <= max)) fail("a number", min, max, value);
  return number;
}

std::int64_t integer_of(const Json& value, double min, double max) {
  if (!value.is_number_integer()) fail("an integer", min, max, value);
  const auto number = value.get<double>();
  if (!(number >= min && number <= max)) fail("an integer", min, max, value);
  return value.get<std::int64_t>();
}

double number_at(const Json& map, std::string_view key, double min, double max) {
  return at_key(map, key, [&](const Json& value) { return number_of(value, min, max); });
}

std::int64_t integer_at(const Json& map, std::string_view key, double min, double max) {
  return at_key(map, key, [&](const Json& value) { return integer_of(value, min, max); });
}

std::int64_t count_at(const Json& map, std::string_view key) {
  return integer_at(map, key, 0, kMostCount);
}

double share_at(const Json& map, std::string_view key) { return number_at(map, key, 0, 1); }

double amount_at(const Json& map, std::string_view key) {
  return number_at(map, key, 0, kMostCount);
}

}  // namespace mcunet
