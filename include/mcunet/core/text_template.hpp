#pragma once

#include <map>
#include <string>
#include <vector>

#include "mcunet/core/embedded_file.hpp"

// Files that the program generates are templates with named placeholders, which read as what they
// make: C, make, a linker script. Nothing is escaped.
namespace mcunet {

// What placeholders stand for.
struct TemplateValues {
  std::map<std::string, std::string, std::less<>> texts;
  std::map<std::string, std::vector<TemplateValues>, std::less<>> sections;
};

// The template with these replaced:
//   {{name}}               its text; of three braces the inner two count, so that C's stay outside
//   {{#name}} … {{/name}}  what lies between, once per element of the section, whose own values
//                          come before those around it. A tag that is all of its line takes the
//                          line with it.
// Throws Error for a name without a value and a section without an end: template and code disagree.
std::string fill_template(const EmbeddedFile& file, const TemplateValues& values);

}  // namespace mcunet
