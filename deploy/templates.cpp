#include "templates.hpp"

#include "mcunet/core/error.hpp"

namespace mcunet::deploy {

std::string_view find_template(std::string_view name) {
  for (const EmbeddedFile& file : embedded_files()) {
    if (file.name == name) return file.contents;
  }
  return {};
}

std::string fill_template(std::string_view name, const std::map<std::string, std::string>& values) {
  std::string_view rest = find_template(name);
  if (rest.empty()) throw Error("{}: is no template", name);
  std::string text;
  for (std::size_t begin = rest.find("{{"); begin != std::string_view::npos;
       begin = rest.find("{{")) {
    const std::size_t end = rest.find("}}", begin);
    const std::string key(rest.substr(begin + 2, end - begin - 2));
    const auto value = values.find(key);
    if (end == std::string_view::npos || value == values.end()) {
      throw Error("template {}: {} has no value", name, key);
    }
    text += rest.substr(0, begin);
    text += value->second;
    rest.remove_prefix(end + 2);
  }
  text += rest;
  return text;
}

}  // namespace mcunet::deploy
