#include "file_pattern.hpp"

#include <fmt/format.h>

#include <algorithm>
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

// Tries the parts one after the other, each as short or as long as it may be. What has failed is not
// tried again, so that it takes no longer than the parts times the square of the text.
class FilePattern::Matcher {
 public:
  Matcher(const std::vector<Part>& parts, const std::string& text, bool shortest_first)
      : parts_(parts),
        text_(text),
        shortest_first_(shortest_first),
        has_failed_((parts.size() + 1) * (text.size() + 1)) {}

  std::optional<Match> run() {
    if (!fits(0, 0)) return std::nullopt;
    return match_;
  }

 private:
  bool fits(std::size_t part, std::size_t at) {
    if (part == parts_.size()) return at == text_.size();
    const std::size_t state = part * (text_.size() + 1) + at;
    if (has_failed_[state]) return false;
    if (fits_here(parts_[part], part, at)) return true;
    has_failed_[state] = true;
    return false;
  }

  bool fits_here(const Part& here, std::size_t part, std::size_t at) {
    if (here.kind == Kind::kLiteral) {
      return text_.compare(at, here.text.size(), here.text) == 0 &&
             fits(part + 1, at + here.text.size());
    }
    std::size_t most = at;
    while (most < text_.size() && may_hold(here.kind, text_[most])) ++most;
    for (std::size_t i = at + 1; i <= most; ++i) {
      const std::size_t end = shortest_first_ ? i : at + 1 + most - i;
      if (!fits(part + 1, end)) continue;
      if (here.text == "label") match_.label = text_.substr(at, end - at);
      if (here.text == "split") match_.split = text_.substr(at, end - at);
      return true;
    }
    return false;
  }

  static bool may_hold(Kind kind, char c) {
    return kind == Kind::kNumber ? c >= '0' && c <= '9' : c != '/';
  }

  const std::vector<Part>& parts_;
  const std::string& text_;
  bool shortest_first_;
  std::vector<bool> has_failed_;
  Match match_;
};

void FilePattern::add_literal(char c) {
  if (parts_.empty() || parts_.back().kind != Kind::kLiteral) parts_.push_back({});
  parts_.back().text += c;
}

void FilePattern::require_once(const std::string& name) const {
  const auto count = std::count_if(parts_.begin(), parts_.end(), [&](const Part& part) {
    return part.kind == Kind::kText && part.text == name;
  });
  if (count > 1) fail_pattern(pattern_, fmt::format("has {{{}}} twice", name));
  if (count == 0 && name == "label") {
    fail_pattern(pattern_, "has no {label}, the part of a name that is its class");
  }
}

FilePattern::FilePattern(const std::string& pattern) : pattern_(pattern) {
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at] == '{') {
      const std::size_t end = pattern.find('}', at);
      if (end == std::string::npos) fail_pattern(pattern, "has a { without its }");
      parts_.push_back({Kind::kText, pattern.substr(at + 1, end - at - 1)});
      at = end;
    } else if (pattern[at] == '*') {
      parts_.push_back({Kind::kText, ""});
    } else if (pattern[at] == '#') {
      parts_.push_back({Kind::kNumber, ""});
    } else {
      add_literal(pattern[at]);
    }
  }
  require_once("label");
  require_once("split");
}

std::optional<FilePattern::Match> FilePattern::match(const std::string& path) const {
  const bool is_of_paths = pattern_.find('/') != std::string::npos;
  const std::string text = is_of_paths ? path : fs::path(path).filename().string();
  auto shortest = Matcher(parts_, text, /*shortest_first=*/true).run();
  if (!shortest) return std::nullopt;
  const auto longest = Matcher(parts_, text, /*shortest_first=*/false).run();
  if (shortest->label != longest->label) {
    fail_pattern(pattern_,
                 fmt::format("{} fits it with the class {} and with {}; # stands for a number",
                             escaped(path), escaped(shortest->label), escaped(longest->label)));
  }
  if (split_named(shortest->split) != split_named(longest->split)) {
    fail_pattern(pattern_, fmt::format("{} fits it with the split {} and with {}", escaped(path),
                                       escaped(shortest->split), escaped(longest->split)));
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
  const std::string source = fmt::format("dataset.pattern: {}", escaped(options.pattern));
  if (options.targets == TargetKind::kValues) {
    take_values(layout, labels, source);
  } else {
    label_files(layout, labels, source);
  }
  return layout;
}

}  // namespace mcunet::datasets
