#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "mcunet/core/embedded_file.hpp"

// The files of deploy/templates/, which are part of the library.
namespace mcunet::deploy {

std::span<const EmbeddedFile> embedded_templates();

// The contents of a template by its file name. Throws Error if there is none.
std::string_view find_template(std::string_view name);

// The template with its placeholders replaced (text_template.hpp). Throws Error.
std::string fill_template(std::string_view name,
                          const std::map<std::string, std::string, std::less<>>& values);

}  // namespace mcunet::deploy
