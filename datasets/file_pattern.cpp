#include "file_pattern.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "class_folders.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/names.hpp"

namespace mcunet::datasets {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void fail_pattern(const std::string& pattern, const std::string& message) {
  throw Error("dataset.pattern: {}: {}", escaped(pattern), message);
}

}  // namespace

FilePattern::FilePattern(const std::string& pattern) : pattern_(pattern) {
  std::string shortest;
  std::string longest;
  std::size_t groups = 0;
  const auto take = [&](std::size_t& group, const std::string& name) {
    if (group != 0) fail_pattern(pattern, fmt::format("has {{{}}} twice", name));
    group = groups;
  };
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    const char c = pattern[at];
    if (c == '{' || c == '*') {
      ++groups;
      shortest += "([^/]+?)";
      longest += "([^/]+)";
      if (c == '*') continue;
      const std::size_t end = pattern.find('}', at);
      if (end == std::string::npos) fail_pattern(pattern, "has a { without its }");
      const std::string name = pattern.substr(at + 1, end - at - 1);
      if (name == "label") take(label_group_, name);
      if (name == "split") take(split_group_, name);
      at = end;
    } else if (c == '#') {
      shortest += "[0-9]+";
      longest += "[0-9]+";
    } else {
      if (std::string_view(R"(\^$.|?*+()[]{})").find(c) != std::string_view::npos) {
        shortest += '\\';
        longest += '\\';
      }
      shortest += c;
      longest += c;
    }
  }
  if (label_group_ == 0) {
    fail_pattern(pattern, "has no {label}, the part of a name that is its class");
  }
  shortest_ = shortest;
  longest_ = longest;
}

std::optional<FilePattern::Match> FilePattern::match(const std::string& text,
                                                     const std::regex& regex) const {
  std::smatch parts;
  if (!std::regex_match(text, parts, regex)) return std::nullopt;
  return Match{parts[label_group_].str(), split_group_ == 0 ? "" : parts[split_group_].str()};
}

std::optional<FilePattern::Match> FilePattern::match(const std::string& path) const {
  const bool is_of_paths = pattern_.find('/') != std::string::npos;
  const std::string text = is_of_paths ? path : fs::path(path).filename().string();
  const auto shortest = match(text, shortest_);
  if (!shortest) return std::nullopt;
  const auto longest = match(text, longest_);
  if (shortest->label != longest->label) {
    fail_pattern(pattern_,
                 fmt::format("{} fits it with the class {} and with {}; # stands for a number",
                             escaped(path), escaped(shortest->label), escaped(longest->label)));
  }
  return shortest;
}

Layout list_by_pattern(const DatasetOptions& options) {
  const fs::path root = require_path(options);
  const FilePattern pattern(options.pattern);
  const Medium medium = medium_of(options.kind);
  Layout layout;
  std::vector<std::string> labels;
  const std::vector<fs::path> files = files_below(root, medium, layout.left_out);
  for (const fs::path& file : files) {
    const std::string below = file.lexically_relative(root).string();
    const auto match = pattern.match(below);
    if (!match) {
      ++layout.left_out.files["not of the pattern"];
      continue;
    }
    if (!is_utf8_text(match->label)) {
      throw Error("{}: its class is not UTF-8; rename the file", escaped(file.string()));
    }
    const auto split = match->split.empty() ? Split::kTrain : split_named(match->split);
    if (!split) {
      throw Error("{}: {} is no split; expected train, val or test", escaped(file.string()),
                  escaped(match->split));
    }
    labels.push_back(match->label);
    layout.files.push_back({file.string(), 0, *split});
  }
  if (layout.files.empty()) {
    fail(options,
         fmt::format("holds no {} of the pattern {}{}", plural_of(medium), escaped(options.pattern),
                     files.empty() ? "" : ", but " + escaped(files.front().filename().string())));
  }
  label_files(layout, labels, fmt::format("dataset.pattern: {}", escaped(options.pattern)));
  return layout;
}

}  // namespace mcunet::datasets
