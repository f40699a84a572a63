#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "mcunet/core/embedded_file.hpp"

// The files of deploy/templates/, which are part of the library.
namespace mcunet::deploy {

std::span<const EmbeddedFile> embedded_files();

// The contents of a template by its file name; empty if there is none.
std::string_view find_template(std::string_view name);

// The template with every {{key}} replaced. Throws Error for a key that has no value: the template
// and the code disagree.
std::string fill_template(std::string_view name, const std::map<std::string, std::string>& values);

}  // namespace mcunet::deploy
