#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

// Numbers in JSON files that a program once wrote and now reads back, perhaps damaged. Unlike
// nlohmann's own conversions they neither wrap nor cut, and know what is possible.
namespace mcunet {

inline constexpr double kMostCount = 1e15;  // up to which every integer is a double

// All throw Error that says what was expected and what is there: "top1: must be a number from 0 to
// 1, is 7". A key that is missing is an Error too.
double number_of(const nlohmann::ordered_json& value, double min, double max);
double number_at(const nlohmann::ordered_json& map, std::string_view key, double min, double max);
std::int64_t integer_of(const nlohmann::ordered_json& value, double min, double max);
std::int64_t integer_at(const nlohmann::ordered_json& map, std::string_view key, double min,
                        double max);

// Of things, bytes or operations.
std::int64_t count_at(const nlohmann::ordered_json& map, std::string_view key);
// Of examples, such as an accuracy.
double share_at(const nlohmann::ordered_json& map, std::string_view key);
// Seconds, milliseconds, millijoules.
double amount_at(const nlohmann::ordered_json& map, std::string_view key);

}  // namespace mcunet
