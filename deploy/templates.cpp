#include "templates.hpp"

#include "mcunet/core/error.hpp"
#include "mcunet/core/text_template.hpp"

namespace mcunet::deploy {

std::string_view find_template(std::string_view name) {
  const EmbeddedFile* const file = find_file(embedded_templates(), name);
  if (file == nullptr) throw Error("{}: is no template", name);
  return file->contents;
}

std::string fill_template(std::string_view name,
                          const std::map<std::string, std::string, std::less<>>& values) {
  return mcunet::fill_template({name, find_template(name)}, {.texts = values});
}

}  // namespace mcunet::deploy
