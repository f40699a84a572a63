#pragma once

#include <string>
#include <string_view>

#include "mcunet/core/config.hpp"

// Names that come from outside: from configurations, models and folders.
namespace mcunet {

// At most 100 letters, digits, spaces and `_ - . + ( )`, with a letter, digit or `_` at both ends
// but for `)` at the last: such a name can stand unescaped in a file name, in a comment or string of
// C, in a make file, a linker script and in markup, and leads to no other folder.
bool is_plain_name(std::string_view name);

// A name under a key. Reading throws Error unless it is plain.
Field name_field(std::string key, std::string& value);

// The text with a space for every control character, line ends among them.
std::string on_one_line(std::string_view text);

// Whether the bytes are text: UTF-8 as Unicode defines it, without NUL.
bool is_utf8_text(std::string_view bytes);

// Fit for a line on a terminal and for JSON: control characters, and bytes that are no UTF-8,
// become \x1b and the like; everything else stays.
std::string escaped(std::string_view bytes);

}  // namespace mcunet
