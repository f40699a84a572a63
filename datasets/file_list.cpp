#include "file_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <unordered_map>

#include "mcunet/core/error.hpp"
#include "mcunet/core/names.hpp"

namespace mcunet::datasets {
namespace fs = std::filesystem;
namespace {

// Proportional, the largest remainders rounded up.
std::vector<std::int64_t> proportional(const std::vector<std::int64_t>& sizes, std::int64_t files,
                                       std::int64_t count) {
  std::vector<std::int64_t> quota;
  std::vector<std::pair<double, std::size_t>> remainders;  // negative, so that sorting begins with
  std::int64_t left = count;                               // the largest
  for (std::size_t c = 0; c < sizes.size(); ++c) {
    const double exact =
        static_cast<double>(sizes[c]) * static_cast<double>(count) / static_cast<double>(files);
    quota.push_back(static_cast<std::int64_t>(exact));
    left -= quota.back();
    remainders.emplace_back(static_cast<double>(quota.back()) - exact, c);
  }
  std::sort(remainders.begin(), remainders.end());
  for (std::size_t i = 0; left > 0; i = (i + 1) % remainders.size()) {
    const std::size_t c = remainders[i].second;
    if (quota[c] >= sizes[c]) continue;
    ++quota[c];
    --left;
  }
  return quota;
}

// How many of each class: in proportion, but neither none nor all of a class that has several files,
// as far as others can spare one or take one.
std::vector<std::int64_t> quotas(const std::vector<std::int64_t>& sizes, std::int64_t files,
                                 std::int64_t count) {
  std::vector<std::int64_t> quota = proportional(sizes, files, count);
  const auto spare = [&](std::size_t c) {
    return quota[c] > 1 ? quota[c] : sizes[c] == 1 ? quota[c] : 0;
  };
  const auto room = [&](std::size_t c) { return sizes[c] - 1 - quota[c]; };
  // The class that has the most of something; the first of those.
  const auto most = [&](const auto& amount) {
    std::size_t best = 0;
    for (std::size_t c = 1; c < sizes.size(); ++c) {
      if (amount(c) > amount(best)) best = c;
    }
    return best;
  };
  for (std::size_t c = 0; c < sizes.size(); ++c) {
    if (sizes[c] > 1 && quota[c] == 0) {
      const std::size_t giver = most(spare);
      if (spare(giver) == 0) break;
      --quota[giver];
      ++quota[c];
    }
  }
  for (std::size_t c = 0; c < sizes.size(); ++c) {
    if (sizes[c] > 0 && quota[c] == sizes[c]) {
      const std::size_t taker = most(room);
      if (room(taker) <= 0) break;
      --quota[c];
      ++quota[taker];
    }
  }
  return quota;
}

std::vector<LabelledFile> take(Layout& layout, Split split) {
  std::vector<LabelledFile> files;
  for (ListedFile& file : layout.files) {
    if (file.split != split) continue;
    files.push_back({std::move(file.path), file.label, std::move(file.objects), file.value});
  }
  return files;
}

// Moves examples out of the training data, as a key of the section says.
std::vector<LabelledFile> hold_out(std::vector<LabelledFile>& train, std::int64_t count,
                                   std::uint64_t seed, const char* key) {
  const auto all = static_cast<std::int64_t>(train.size());
  if (count < 1 || count >= all) {
    throw Error("dataset.{}: cannot hold out {} of {} training examples", key, count, all);
  }
  auto parts = split_off(train, count, seed);
  train = std::move(parts.second);
  return std::move(parts.first);
}

// `share` of the files, but at least one, and one of each class that has several.
std::int64_t share_of(const std::vector<LabelledFile>& files, double share) {
  std::map<std::int32_t, int> counts;
  for (const LabelledFile& file : files) ++counts[file.label];
  const std::int64_t classes = std::count_if(counts.begin(), counts.end(),
                                             [](const auto& entry) { return entry.second > 1; });
  return std::max({std::int64_t{1}, classes,
                   std::int64_t{std::llround(share * static_cast<double>(files.size()))}});
}

std::optional<std::int64_t> whole_number(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::pair<std::vector<LabelledFile>, std::vector<LabelledFile>> split_off(
    const std::vector<LabelledFile>& files, std::int64_t count, std::uint64_t seed) {
  const auto all = static_cast<std::int64_t>(files.size());
  if (count < 1 || count >= all) {
    throw Error("dataset: cannot hold out {} of {} examples", count, all);
  }
  std::vector<std::vector<std::size_t>> of_class;
  std::vector<std::size_t> without_objects;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (files[i].label == kNoObjects) {
      without_objects.push_back(i);
      continue;
    }
    const auto label = static_cast<std::size_t>(files[i].label);
    if (label >= of_class.size()) of_class.resize(label + 1);
    of_class[label].push_back(i);
  }
  if (!without_objects.empty()) of_class.push_back(std::move(without_objects));
  std::vector<std::int64_t> sizes;
  for (const auto& members : of_class) sizes.push_back(static_cast<std::int64_t>(members.size()));
  const std::vector<std::int64_t> quota = quotas(sizes, all, count);
  std::vector<bool> is_chosen(files.size());
  for (std::size_t c = 0; c < of_class.size(); ++c) {
    std::vector<std::size_t>& members = of_class[c];
    RandomStream random(seed, {c});
    for (std::size_t i = 0; i < static_cast<std::size_t>(quota[c]); ++i) {
      const auto others = static_cast<std::uint32_t>(members.size() - i);
      std::swap(members[i], members[i + random.index(others)]);
      is_chosen[members[i]] = true;
    }
  }
  std::pair<std::vector<LabelledFile>, std::vector<LabelledFile>> parts;
  for (std::size_t i = 0; i < files.size(); ++i) {
    (is_chosen[i] ? parts.first : parts.second).push_back(files[i]);
  }
  return parts;
}

DatasetFiles divide(Layout layout, const DatasetOptions& options) {
  DatasetFiles result{
      std::move(layout.classes), {}, std::move(layout.left_out), std::move(layout.flaws)};
  const bool has_test =
      std::any_of(layout.files.begin(), layout.files.end(),
                  [](const ListedFile& file) { return file.split == Split::kTest; });
  for (ListedFile& file : layout.files) {
    if (file.split != Split::kSearch) continue;
    if (!has_test) {
      file.split = Split::kTest;
    } else if (options.search_split) {
      file.split = Split::kTrain;
      result.redraws_search = true;
    }
  }
  auto& [train, search, test] = result.splits;
  train = take(layout, Split::kTrain);
  search = take(layout, Split::kSearch);
  test = take(layout, Split::kTest);
  if (train.empty()) fail(options, "has no training examples");
  if (test.empty()) {
    test = hold_out(train, share_of(train, options.test_share), options.seed, "test_share");
  }
  if (search.empty()) {
    const std::int64_t count =
        options.search_split.value_or(layout.search_examples.value_or(share_of(train, 0.1)));
    // Another stream than the one that a test split was drawn with.
    search = hold_out(train, count, RandomStream(options.seed, {1})(), "search_split");
  }
  return result;
}

FileList list_split(const DatasetOptions& options, Split split) {
  DatasetFiles files = divide(list_layout(options), options);
  return {std::move(files.classes), std::move(files.splits[static_cast<std::size_t>(split)])};
}

void fail(const DatasetOptions& options, const std::string& message) {
  throw Error("dataset: {}: {}", options.path, message);
}

fs::path require_path(const DatasetOptions& options) {
  if (options.path.empty()) throw Error("dataset.path: is not set; it names the dataset's folder");
  std::error_code ignored;
  if (!fs::is_directory(options.path, ignored)) fail(options, "is no folder");
  return options.path;
}

fs::path annotations_of(const DatasetOptions& options) {
  const fs::path below = require_path(options) / options.annotations;
  std::error_code ignored;
  for (const fs::path& place : {fs::path(options.annotations), below}) {
    if (fs::exists(place, ignored)) return place;
  }
  throw Error("dataset.annotations: {}: is neither there nor in {}", options.annotations,
              options.path);
}

void take_values(Layout& layout, const std::vector<std::string>& texts, const std::string& source) {
  layout.classes = {"value"};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string& text = texts[i];
    float& value = layout.files[i].value;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, value);
    if (error == std::errc{} && end == last && std::isfinite(value)) continue;
    throw Error("{}: the value of {} must be a number, is {}", source,
                escaped(layout.files[i].path), escaped(text));
  }
}

void label_files(Layout& layout, const std::vector<std::string>& labels,
                 const std::string& source) {
  std::vector<std::string>& classes = layout.classes;
  classes = labels;
  sort_classes(classes);
  if (classes.size() < 2) {
    throw Error("{}: expected at least two classes, found {}", source,
                classes.empty() ? "none" : "only " + escaped(classes.front()));
  }
  std::unordered_map<std::string, std::int32_t> numbers;
  for (const std::string& name : classes) {
    numbers.emplace(name, static_cast<std::int32_t>(numbers.size()));
  }
  for (std::size_t i = 0; i < labels.size(); ++i) layout.files[i].label = numbers.at(labels[i]);
}

void sort_classes(std::vector<std::string>& classes) {
  const auto is_number = [](const std::string& label) { return whole_number(label).has_value(); };
  std::sort(classes.begin(), classes.end());
  classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
  if (!std::all_of(classes.begin(), classes.end(), is_number)) return;
  std::stable_sort(classes.begin(), classes.end(), [](const std::string& a, const std::string& b) {
    return *whole_number(a) < *whole_number(b);
  });
}

std::int32_t index_of(const std::vector<std::string>& classes, const std::string& name) {
  return static_cast<std::int32_t>(std::find(classes.begin(), classes.end(), name) -
                                   classes.begin());
}

}  // namespace mcunet::datasets
