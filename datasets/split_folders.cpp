#include <fmt/ranges.h>

#include <algorithm>

#include "class_folders.hpp"
#include "mcunet/core/error.hpp"

namespace mcunet::datasets {
namespace fs = std::filesystem;
namespace {

struct SplitName {
  const char* name;
  Split split;
};

constexpr SplitName kSplitNames[] = {
    {"train", Split::kTrain},       {"training", Split::kTrain}, {"trn", Split::kTrain},
    {"val", Split::kSearch},        {"valid", Split::kSearch},   {"validate", Split::kSearch},
    {"validation", Split::kSearch}, {"dev", Split::kSearch},     {"development", Split::kSearch},
    {"test", Split::kTest},         {"testing", Split::kTest},   {"tst", Split::kTest},
    {"eval", Split::kTest},         {"evaluation", Split::kTest}};

// "Test_Set" -> "test": letters alone, without what only says that there are data in it.
std::string core_of(std::string_view name) {
  std::string core;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') core += static_cast<char>(c - 'A' + 'a');
    if (c >= 'a' && c <= 'z') core += c;
  }
  for (const std::string_view end : {"set", "data", "images", "split"}) {
    if (core.ends_with(end)) return core.substr(0, core.size() - end.size());
  }
  return core;
}

bool is_evaluation(std::string_view name) { return core_of(name).starts_with("eval"); }

// The one folder among the names that is the split; empty if none is.
std::string only_one(const fs::path& root, const std::vector<std::string>& names, Split split) {
  std::string found;
  for (const std::string& name : names) {
    if (split_named(name) != split) continue;
    // Beside a test set, what is evaluated on is for validation.
    const bool other_is_for_validation =
        !found.empty() && split == Split::kTest && is_evaluation(name) != is_evaluation(found);
    if (other_is_for_validation) {
      if (is_evaluation(found)) found = name;
    } else if (!found.empty()) {
      throw Error("{}: {} and {} are both the {} split by their names; rename one of them",
                  root.string(), found, name, name_of(split));
    } else {
      found = name;
    }
  }
  return found;
}

}  // namespace

std::optional<Split> split_named(std::string_view name) {
  const std::string core = core_of(name);
  for (const SplitName& known : kSplitNames) {
    if (core == known.name) return known.split;
  }
  return std::nullopt;
}

std::optional<SplitFolders> find_split_folders(const fs::path& root) {
  const std::vector<std::string> names = folder_names(root);
  const bool are_all_splits = std::all_of(names.begin(), names.end(), [](const std::string& name) {
    return split_named(name).has_value();
  });
  const std::string train = only_one(root, names, Split::kTrain);
  if (train.empty()) {
    if (names.empty() || !are_all_splits) return std::nullopt;
    throw Error("{}: has {}, but no training data beside it, as in train/CLASS/", root.string(),
                fmt::join(names, " and "));
  }
  // There are classes of that name: vehicles, say.
  if (!are_all_splits && folder_names(root / train).empty()) return std::nullopt;
  SplitFolders folders{train, only_one(root, names, Split::kSearch),
                       only_one(root, names, Split::kTest)};
  if (folders.search.empty()) {
    const auto evaluation = std::find_if(names.begin(), names.end(), [&](const std::string& name) {
      return is_evaluation(name) && name != folders.test;
    });
    if (evaluation != names.end() && split_named(*evaluation)) folders.search = *evaluation;
  }
  if (folders.test.empty() && folders.search.empty() && !are_all_splits) {
    throw Error(
        "{}: has a folder {}, but neither test nor val beside it; if it holds all the data, let "
        "dataset.path end in it",
        root.string(), train);
  }
  return folders;
}

}  // namespace mcunet::datasets
