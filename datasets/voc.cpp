#include "mcunet/datasets/voc.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <sstream>

#include "class_folders.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/names.hpp"
#include "object_labels.hpp"

namespace mcunet::datasets {
namespace fs = std::filesystem;
namespace {

constexpr double kMostPixels = 1e6;  // of an image's side

// "a.xml:17", of a place in the text of a file.
std::string place_of(const fs::path& file, const std::string& text, std::size_t at) {
  const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(at, text.size()));
  return fmt::format("{}:{}", file.string(), 1 + std::count(text.begin(), end, '\n'));
}

// Elements and their text, all that VOC uses of XML: calls on_text(path, text, at) for each element
// without children and on_end(path, at) for every one, with paths as "annotation/object/name".
template <typename OnText, typename OnEnd>
void walk_xml(const std::string& text, const fs::path& file, OnText on_text, OnEnd on_end) {
  std::vector<std::string> open;
  std::string path;
  std::size_t text_begin = std::string::npos;  // where the innermost element's content begins
  std::size_t at = 0;
  const auto fail_at = [&](const char* what) {
    throw Error("{}: {}", place_of(file, text, at), what);
  };
  while ((at = text.find('<', at)) != std::string::npos) {
    const bool is_comment = text.compare(at, 4, "<!--") == 0;
    const std::size_t end = is_comment ? text.find("-->", at) : text.find('>', at);
    if (end == std::string::npos) fail_at("a tag does not end");
    const std::string tag = text.substr(at + 1, end - at - 1);
    if (tag.empty()) fail_at("an empty tag");
    if (tag[0] == '/') {
      if (open.empty() || open.back() != tag.substr(1)) fail_at("an end tag that fits none before");
      if (text_begin != std::string::npos) {
        const std::size_t first = text.find_first_not_of(" \t\r\n", text_begin);
        const std::size_t last = text.find_last_not_of(" \t\r\n", at - 1);
        on_text(path, first < at ? text.substr(first, last - first + 1) : std::string(), at);
      }
      on_end(path, at);
      path.resize(path.size() - open.back().size() - (open.size() > 1 ? 1 : 0));
      open.pop_back();
      text_begin = std::string::npos;
    } else if (!is_comment && tag[0] != '?' && tag[0] != '!' && tag.back() != '/') {
      open.push_back(tag.substr(0, tag.find_first_of(" \t\r\n")));
      if (open.back().empty()) fail_at("an empty tag");
      path += (path.empty() ? "" : "/") + open.back();
      text_begin = end + 1;
    }
    at = end;
  }
  if (!open.empty()) fail_at("the file ends within an element");
}

std::optional<double> number_of(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

// An annotation file, of a split.
struct AnnotationFile {
  fs::path file;
  Split split = Split::kTrain;
};

// 2007 publishes trainval and test; 2012 train and val, which is the test set then. Beside test, val
// is for the search, unless trainval has it.
std::vector<AnnotationFile> files_of_lists(const fs::path& root) {
  const fs::path lists = root / "ImageSets" / "Main";
  std::error_code ignored;
  const auto has = [&](const char* name) {
    return fs::is_regular_file(lists / fmt::format("{}.txt", name), ignored);
  };
  const bool has_test = has("test");
  std::vector<AnnotationFile> files;
  const auto add = [&](const char* name, Split split) {
    const fs::path list = lists / fmt::format("{}.txt", name);
    std::istringstream stream(read_file(list, kMaxTextBytes));
    const std::size_t before = files.size();
    for (std::string line; std::getline(stream, line);) {
      const std::string image = line.substr(0, line.find_first_of(" \t\r"));
      if (!image.empty()) files.push_back({root / "Annotations" / (image + ".xml"), split});
    }
    if (files.size() == before) throw Error("{}: names no images", list.string());
  };
  if (has_test && has("trainval")) {
    add("trainval", Split::kTrain);
  } else if (has("train")) {
    add("train", Split::kTrain);
    if (has("val")) add("val", Split::kSearch);
  } else {
    throw Error("{}: is missing; expected the layout of Pascal VOC",
                (lists / "train.txt").string());
  }
  if (has_test) add("test", Split::kTest);
  return files;
}

// Without lists: of the folders train, val and test, or all.
std::vector<AnnotationFile> files_of_folders(const fs::path& root) {
  std::vector<AnnotationFile> files;
  const auto add = [&](const fs::path& folder, Split split) {
    for (const fs::path& file : files_in(folder, {".xml"})) files.push_back({file, split});
  };
  std::error_code ignored;
  if (const auto splits = find_split_folders(root)) {
    add(root / splits->train, Split::kTrain);
    if (!splits->search.empty()) add(root / splits->search, Split::kSearch);
    if (!splits->test.empty()) add(root / splits->test, Split::kTest);
  } else {
    const fs::path annotations = root / "Annotations";
    add(fs::is_directory(annotations, ignored) ? annotations : root, Split::kTrain);
  }
  if (files.empty()) {
    throw Error(
        "{}: has no annotations; expected Annotations/*.xml with JPEGImages/, or both kinds of file "
        "in one folder",
        root.string());
  }
  return files;
}

// Tools write names without an extension, or those of another computer.
std::string image_of(const fs::path& root, const fs::path& file, const std::string& stated) {
  std::error_code ignored;
  const std::string name = stated.substr(stated.find_last_of("/\\") + 1);
  for (const fs::path& folder : {root / "JPEGImages", file.parent_path(), root / "images"}) {
    if (!name.empty() && fs::is_regular_file(folder / name, ignored))
      return (folder / name).string();
    for (const std::string& extension : image_extensions()) {
      const fs::path image = folder / (file.stem().string() + extension);
      if (fs::is_regular_file(image, ignored)) return image.string();
    }
  }
  return (root / "JPEGImages" / name).string();
}

// The class of the largest object, if possible not of a difficult one; empty if there is none.
std::string main_class(const VocAnnotation& annotation) {
  const auto largest = std::max_element(annotation.objects.begin(), annotation.objects.end(),
                                        [](const VocObject& a, const VocObject& b) {
                                          return std::pair(!a.is_difficult, a.area()) <
                                                 std::pair(!b.is_difficult, b.area());
                                        });
  return largest == annotation.objects.end() ? "" : largest->name;
}

std::vector<AnnotationFile> annotation_files(const fs::path& root) {
  std::error_code ignored;
  const bool has_lists = fs::is_directory(root / "ImageSets" / "Main", ignored);
  return has_lists ? files_of_lists(root) : files_of_folders(root);
}

void require_text(const std::string& name, const fs::path& file) {
  if (!is_utf8_text(name)) throw Error("{}: a name is not UTF-8", file.string());
}

// A box of one pixel comes of a click that meant none.
std::optional<Box> box_of(const VocObject& object, cv::Size2d image, const std::string& file,
                          ObjectFlaws& flaws) {
  const bool is_pixel = object.x_min == object.x_max && object.y_min == object.y_max;
  const double first = is_pixel ? 0 : 1;
  return box_in_image((object.x_min - first) / image.width, (object.y_min - first) / image.height,
                      object.x_max / image.width, object.y_max / image.height, file, flaws);
}

}  // namespace

double VocObject::area() const {
  return std::max(0.0, x_max - x_min + 1) * std::max(0.0, y_max - y_min + 1);
}

VocAnnotation read_voc_annotation(const fs::path& file) {
  const std::string contents = read_file(file, kMaxTextBytes);
  VocAnnotation annotation;
  VocObject object;
  int sides = 0;  // of the object's box
  const auto on_text = [&](const std::string& path, const std::string& text, std::size_t at) {
    const auto number = [&] {
      const std::optional<double> value = number_of(text);
      if (value) return *value;
      throw Error("{}: {}: must be a number, is {}", place_of(file, contents, at), path,
                  escaped(text));
    };
    const auto pixels = [&] {
      const double value = number();
      if (value >= 0 && value <= kMostPixels) return static_cast<int>(value);
      throw Error("{}: {}: must be a number of pixels, is {}", place_of(file, contents, at), path,
                  text);
    };
    const auto side = [&] {
      ++sides;
      return number();
    };
    if (path == "annotation/filename") annotation.image_file = text;
    if (path == "annotation/size/width") annotation.width = pixels();
    if (path == "annotation/size/height") annotation.height = pixels();
    if (path == "annotation/object/name") object.name = text;
    if (path == "annotation/object/difficult") object.is_difficult = number() != 0;
    if (path == "annotation/object/truncated") object.is_truncated = number() != 0;
    if (path == "annotation/object/bndbox/xmin") object.x_min = side();
    if (path == "annotation/object/bndbox/ymin") object.y_min = side();
    if (path == "annotation/object/bndbox/xmax") object.x_max = side();
    if (path == "annotation/object/bndbox/ymax") object.y_max = side();
  };
  const auto on_end = [&](const std::string& path, std::size_t at) {
    if (path != "annotation/object") return;
    if (object.name.empty() || sides != 4) {
      throw Error("{}: an object has no name or no box", place_of(file, contents, at));
    }
    annotation.objects.push_back(std::move(object));
    object = {};
    sides = 0;
  };
  walk_xml(contents, file, on_text, on_end);
  if (annotation.image_file.empty()) throw Error("{}: names no image", file.string());
  return annotation;
}

Layout list_voc(const DatasetOptions& options) {
  const fs::path root = require_path(options);
  Layout layout;
  std::vector<std::string> labels;
  for (const auto& [file, split] : annotation_files(root)) {
    const VocAnnotation annotation = read_voc_annotation(file);
    const std::string label = main_class(annotation);
    if (label.empty()) {
      ++layout.left_out.files["without objects"];
      continue;
    }
    require_text(label, file);
    labels.push_back(label);
    layout.files.push_back({image_of(root, file, annotation.image_file), 0, split});
  }
  label_files(layout, labels, root.string());
  return layout;
}

Layout list_voc_objects(const DatasetOptions& options) {
  const fs::path root = require_path(options);
  Layout layout;
  NumberedNames names;
  for (const auto& [file, split] : annotation_files(root)) {
    const VocAnnotation annotation = read_voc_annotation(file);
    ListedFile& image = layout.files.emplace_back(
        ListedFile{image_of(root, file, annotation.image_file), 0, split});
    const cv::Size2d size = stated_or_own_size(annotation.width, annotation.height, image.path);
    if (size.empty()) continue;
    const std::string name = file.lexically_relative(root).string();
    for (const VocObject& object : annotation.objects) {
      require_text(object.name, file);
      if (const auto box = box_of(object, size, name, layout.flaws)) {
        image.objects.push_back(
            {*box, names.number_of(object.name),
             object.is_difficult ? ObjectKind::kDifficult : ObjectKind::kPlain});
      }
    }
  }
  label_objects(layout, names, root.string());
  return layout;
}

}  // namespace mcunet::datasets
