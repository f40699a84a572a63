#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace mcunet {

// Throws Error, with the line, if the text is no JSON or nests so deep that walking over it would
// exhaust the stack.
nlohmann::ordered_json parse_json(std::string_view text, const std::string& source);

// JSON as text: on one line, or indented. Bytes that are no UTF-8, which the names of files and
// tensors may have, become U+FFFD; without that, a result would end in an error.
std::string json_text(const nlohmann::ordered_json& json, int indent = -1);

}  // namespace mcunet
