#include "codegen/kernel_files.hpp"

#include <algorithm>

#include "mcunet/core/error.hpp"

namespace mcunet::engine {
namespace {

std::vector<std::string> included_by(std::string_view contents) {
  constexpr std::string_view kInclude = "#include \"";
  std::vector<std::string> names;
  for (std::size_t at = contents.find(kInclude); at != std::string_view::npos;
       at = contents.find(kInclude, at)) {
    at += kInclude.size();
    names.emplace_back(contents.substr(at, contents.find('"', at) - at));
  }
  return names;
}

// What other kernels a source calls.
std::vector<std::string> called_by(std::string_view contents) {
  std::vector<std::string> names;
  for (const std::string& name : kernel_functions()) {
    if (contents.find("mcunet_" + name + "(") != std::string_view::npos)
      names.push_back(name + ".c");
  }
  return names;
}

}  // namespace

// A kernel stands in a file of its name and is declared in mcunet_kernels.h.
std::vector<std::string> kernel_functions() {
  const std::string_view header = find_file(embedded_kernels(), "mcunet_kernels.h")->contents;
  std::vector<std::string> names;
  for (const EmbeddedFile& file : embedded_kernels()) {
    if (!file.name.ends_with(".c")) continue;
    const std::string name(file.name.substr(0, file.name.size() - 2));
    if (header.find("void mcunet_" + name + "(") != std::string_view::npos) names.push_back(name);
  }
  return names;
}

std::set<std::string> with_dependencies(const std::vector<std::string>& files) {
  std::set<std::string> result;
  std::vector<std::string> waiting = files;
  while (!waiting.empty()) {
    const std::string name = waiting.back();
    waiting.pop_back();
    if (!result.insert(name).second) continue;
    const EmbeddedFile* const file = find_file(embedded_kernels(), name);
    if (file == nullptr) throw Error("engine/kernels has no file {}", name);
    for (std::string& other : included_by(file->contents)) waiting.push_back(std::move(other));
    if (name.ends_with(".c")) {
      for (std::string& other : called_by(file->contents)) waiting.push_back(std::move(other));
    }
    if (name.ends_with(".h")) {
      const std::string source = name.substr(0, name.size() - 2) + ".c";
      if (find_file(embedded_kernels(), source) != nullptr) waiting.push_back(source);
    }
  }
  return result;
}

}  // namespace mcunet::engine
