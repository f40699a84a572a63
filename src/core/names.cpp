#include "mcunet/core/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace mcunet {
namespace {

constexpr std::size_t kMaxName = 100;

// Whatever the locale is.
bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_plain(char c) {
  return is_letter_or_digit(c) || std::string_view("_-.+() ").find(c) != std::string_view::npos;
}

// The bytes of the character that the text begins with; 0 if they make none (Unicode, table 3-7:
// no overlong forms, no surrogates, nothing beyond U+10FFFF).
std::size_t length_of_character(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<std::uint8_t>(text[i]) : std::uint8_t{0};
  };
  const auto continues = [&](std::size_t i, std::uint8_t least = 0x80, std::uint8_t most = 0xBF) {
    return byte(i) >= least && byte(i) <= most;
  };
  const std::uint8_t first = byte(0);
  if (first < 0x80) return first == 0 ? 0 : 1;
  if (first >= 0xC2 && first <= 0xDF) return continues(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool good = continues(1, first == 0xE0 ? 0xA0 : 0x80, first == 0xED ? 0x9F : 0xBF);
    return good && continues(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool good = continues(1, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF);
    return good && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

// Those of ASCII, and of Latin-1, which terminals obey as well (U+0080 to U+009F).
bool is_control(std::string_view character) {
  const auto first = static_cast<std::uint8_t>(character.front());
  if (character.size() == 1) return first < 0x20 || first == 0x7F;
  return first == 0xC2 && static_cast<std::uint8_t>(character[1]) < 0xA0;
}

}  // namespace

bool is_plain_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxName) return false;
  const auto is_end = [](char c) { return is_letter_or_digit(c) || c == '_'; };
  return std::all_of(name.begin(), name.end(), is_plain) && is_end(name.front()) &&
         (is_end(name.back()) || name.back() == ')');
}

Field name_field(std::string key, std::string& value) {
  Field result = field(std::move(key), value);
  result.read = [&value](const ConfigNode& node) {
    read_value(node, value);
    if (is_plain_name(value)) return;
    node.fail(
        "must be a name of at most 100 letters, digits, spaces and _ - . + ( ), that begins and "
        "ends with a letter or digit, is \"" +
        value.substr(0, 2 * kMaxName) + "\"");
  };
  return result;
}

std::string on_one_line(std::string_view text) {
  std::string line(text);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  }
  return line;
}

bool is_utf8_text(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t length = length_of_character(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

std::string escaped(std::string_view bytes) {
  std::string result;
  while (!bytes.empty()) {
    const std::size_t length = length_of_character(bytes);
    const std::string_view character = bytes.substr(0, std::max<std::size_t>(length, 1));
    if (length == 0 || is_control(character)) {
      for (const char c : character) {
        result += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(c));
      }
    } else {
      result += character;
    }
    bytes.remove_prefix(character.size());
  }
  return result;
}

}  // namespace mcunet
