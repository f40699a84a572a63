#pragma once

#include <optional>
#include <string>
#include <vector>

#include "file_list.hpp"

namespace mcunet::datasets {

// Where the label stands in the names of files, "{label}_{speaker}_#.wav":
//   {label}      the class; must be there, once
//   {split}      train, val, test or another name of a split
//   {anything}   any text; so is *
//   #            a number
// All else stands for itself. No part is empty or holds a '/'. A pattern without '/' is for the names
// of files at any depth, one with it for their paths below the dataset's folder.
class FilePattern {
 public:
  // Throws Error.
  explicit FilePattern(const std::string& pattern);

  struct Match {
    std::string label;
    std::string split;  // empty: the pattern has none
  };

  // Nothing if the path, below the dataset's folder, does not fit. Throws Error if it fits in
  // several ways that give different labels.
  std::optional<Match> match(const std::string& path) const;

 private:
  enum class Kind { kLiteral, kNumber, kText };
  struct Part {
    Kind kind = Kind::kLiteral;
    std::string text;  // itself, or the name between the braces
  };
  class Matcher;

  void add_literal(char c);
  void require_once(const std::string& name) const;

  std::string pattern_;
  std::vector<Part> parts_;
};

// The files below dataset.path that fit dataset.pattern.
Layout list_by_pattern(const DatasetOptions& options);

}  // namespace mcunet::datasets
