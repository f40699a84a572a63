#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>
#include <sstream>

#include "class_folders.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/names.hpp"
#include "object_labels.hpp"

// A text file for each image, a line for each object: "class cx cy w h", the class by its number, the
// box by its centre and its sides as shares of the image. An image without a file, or with an empty one,
// has no objects. The layouts:
//   images/train/…, images/val/… with labels/train/…, labels/val/…
//   train/images/…, valid/images/… with train/labels/…, valid/labels/…
//   images/… with labels/…, or both kinds of file in one folder: then the splits are drawn
// The names of the classes are `names` in data.yaml (a list, or a map from numbers), or the lines of
// classes.txt or obj.names; without any, their numbers.
namespace mcunet::datasets {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kMostClasses = 10'000;
constexpr std::size_t kValues = 5;

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

struct ImageFolder {
  fs::path folder;
  Split split = Split::kTrain;
};

std::vector<ImageFolder> image_folders(const fs::path& root) {
  const fs::path images = is_folder(root / "images") ? root / "images" : root;
  const auto splits = find_split_folders(images);
  if (!splits) return {{images}};
  std::vector<ImageFolder> folders;
  for (const auto& [name, split] : {std::pair(splits->train, Split::kTrain),
                                    {splits->search, Split::kSearch},
                                    {splits->test, Split::kTest}}) {
    if (name.empty()) continue;
    const fs::path folder = images / name;
    folders.push_back({is_folder(folder / "images") ? folder / "images" : folder, split});
  }
  return folders;
}

// "images/train/a.jpg" -> "labels/train/a.txt"; beside the image where no folder is called images.
fs::path labels_of(const fs::path& image, const fs::path& root) {
  std::vector<fs::path> parts;
  for (const fs::path& part : image.lexically_relative(root)) parts.push_back(part);
  const auto last = std::find(parts.rbegin(), parts.rend(), "images");
  if (last != parts.rend()) *last = "labels";
  fs::path labels = root;
  for (const fs::path& part : parts) labels /= part;
  return labels.replace_extension(".txt");
}

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

// An object of a class by its number, which may have no name.
struct YoloObject {
  std::int64_t class_number = 0;
  double centre_x = 0;
  double centre_y = 0;
  double width = 0;
  double height = 0;
};

std::optional<YoloObject> parse_object(const std::string& line, const std::string& place) {
  std::istringstream words(line);
  std::vector<double> values;
  for (std::string word; words >> word;) {
    const std::optional<double> value = number_of(word);
    if (!value) throw Error("{}: must be a number, is {}", place, escaped(word));
    values.push_back(*value);
  }
  if (values.empty()) return std::nullopt;
  if (values.size() != kValues) {
    throw Error("{}: has {} values; expected a class and the box's centre and sides, CLASS X Y W H",
                place, values.size());
  }
  const double number = values[0];
  if (number < 0 || number != std::floor(number) || number >= 1e15) {
    throw Error("{}: the number of a class must be 0 or more, is {}", place, number);
  }
  return YoloObject{static_cast<std::int64_t>(number), values[1], values[2], values[3], values[4]};
}

std::vector<YoloObject> read_objects(const fs::path& file) {
  std::vector<YoloObject> objects;
  std::istringstream lines(read_file(file, kMaxTextBytes));
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::string place = fmt::format("{}:{}", file.string(), ++number);
    if (const auto object = parse_object(line, place)) objects.push_back(*object);
  }
  return objects;
}

std::vector<std::string> names_in_list(const fs::path& file) {
  std::vector<std::string> names;
  std::istringstream lines(read_file(file, kMaxTextBytes));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t end = line.find_last_not_of(" \t\r");
    names.push_back(end == std::string::npos ? "" : line.substr(0, end + 1));
  }
  while (!names.empty() && names.back().empty()) names.pop_back();
  return names;
}

// A map's names by its numbers; classes in between, of which it has none, are called by theirs.
std::vector<std::string> names_in_map(const ConfigNode& map) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < map.keys.size(); ++i) {
    const auto number = number_of(map.keys[i]);
    if (!number || *number < 0 || *number >= kMostClasses || *number != std::floor(*number)) {
      map.fail("must have the numbers of classes as keys, has " + escaped(map.keys[i]));
    }
    const auto index = static_cast<std::size_t>(*number);
    while (names.size() <= index) names.push_back(std::to_string(names.size()));
    read_value(map.items[i], names[index]);
  }
  return names;
}

std::vector<std::string> names_in_yaml(const fs::path& file) {
  const ConfigNode root = parse_config(read_file(file, kMaxTextBytes), file.string());
  const ConfigNode* names = root.find("names");
  if (names == nullptr) return {};
  if (names->kind == ConfigNode::Kind::kMap) return names_in_map(*names);
  if (names->kind != ConfigNode::Kind::kSequence) names->fail("must be a list or a map of names");
  std::vector<std::string> list;
  for (const ConfigNode& name : names->items) read_value(name, list.emplace_back());
  return list;
}

void check_names(const std::vector<std::string>& names, const fs::path& file) {
  std::set<std::string> known;
  for (const std::string& name : names) {
    if (name.empty() || !is_utf8_text(name)) {
      throw Error("{}: class {} has no name that is text", file.string(), known.size());
    }
    if (!known.insert(name).second) {
      throw Error("{}: two classes are called {}", file.string(), escaped(name));
    }
  }
}

bool is_yaml(const fs::path& file) {
  return file.extension() == ".yaml" || file.extension() == ".yml";
}

std::optional<fs::path> find_names(const DatasetOptions& options) {
  if (!options.annotations.empty()) return annotations_of(options);
  const fs::path root = options.path;
  for (const char* name :
       {"data.yaml", "data.yml", "dataset.yaml", "classes.txt", "obj.names", "labels/classes.txt",
        "labels/train/classes.txt", "train/classes.txt", "train/labels/classes.txt"}) {
    if (is_file(root / name)) return root / name;
  }
  return std::nullopt;
}

// None: the classes have no names.
std::vector<std::string> read_names(const DatasetOptions& options) {
  const std::optional<fs::path> file = find_names(options);
  if (!file) return {};
  std::vector<std::string> names = is_yaml(*file) ? names_in_yaml(*file) : names_in_list(*file);
  if (names.empty()) throw Error("{}: has no names of classes", file->string());
  check_names(names, *file);
  return names;
}

// Without names as many classes as there are numbers.
std::int32_t label_of(const YoloObject& object, bool has_names, std::vector<std::string>& names,
                      const std::string& file) {
  const auto known = static_cast<std::int64_t>(names.size());
  if (object.class_number < known) return static_cast<std::int32_t>(object.class_number);
  if (has_names) return kNoObjects;
  if (object.class_number >= kMostClasses) {
    throw Error("{}: tells of class {}; expected fewer than {}", file, object.class_number,
                kMostClasses);
  }
  while (static_cast<std::int64_t>(names.size()) <= object.class_number) {
    names.push_back(std::to_string(names.size()));
  }
  return static_cast<std::int32_t>(object.class_number);
}

// All that lies beside the images but their labels.
void leave_out(const LeftOut& found, LeftOut& left_out) {
  left_out.folders.insert(left_out.folders.end(), found.folders.begin(), found.folders.end());
  for (const auto& [kind, count] : found.files) {
    if (kind != ".txt" && kind != ".yaml") left_out.files[kind] += count;
  }
}

}  // namespace

Layout list_yolo_objects(const DatasetOptions& options) {
  const fs::path root = require_path(options);
  Layout layout;
  layout.classes = read_names(options);
  const bool has_names = !layout.classes.empty();
  bool has_labels = false;
  for (const auto& [folder, split] : image_folders(root)) {
    LeftOut left_out;
    for (const fs::path& path : files_below(folder, Medium::kImage, left_out)) {
      ListedFile& image = layout.files.emplace_back(ListedFile{path.string(), 0, split});
      const fs::path labels = labels_of(path, root);
      if (!is_file(labels)) continue;
      has_labels = true;
      const std::string name = labels.lexically_relative(root).string();
      for (const YoloObject& object : read_objects(labels)) {
        const std::int32_t label = label_of(object, has_names, layout.classes, labels.string());
        if (label == kNoObjects) {
          ++layout.flaws.unknown_class[name];
          continue;
        }
        const auto box =
            box_in_image(object.centre_x - object.width / 2, object.centre_y - object.height / 2,
                         object.centre_x + object.width / 2, object.centre_y + object.height / 2,
                         name, layout.flaws);
        if (box) image.objects.push_back({*box, label});
      }
    }
    leave_out(left_out, layout.left_out);
  }
  if (!has_labels) {
    fail(options, fmt::format("found {} images, but no labels; expected labels/a.txt for "
                              "images/a.jpg, or a.txt beside a.jpg",
                              layout.files.size()));
  }
  if (layout.classes.empty()) fail(options, "has no objects");
  label_by_objects(layout);
  return layout;
}

Layout list_yolo(const DatasetOptions& options) {
  Layout layout = list_yolo_objects(options);
  if (layout.classes.size() < 2) fail(options, "expected at least two classes, found one");
  const std::size_t before = layout.files.size();
  std::erase_if(layout.files, [](const ListedFile& file) { return file.label == kNoObjects; });
  if (layout.files.size() < before) {
    layout.left_out.files["without objects"] +=
        static_cast<std::int64_t>(before - layout.files.size());
  }
  for (ListedFile& file : layout.files) file.objects.clear();
  return layout;
}

}  // namespace mcunet::datasets
