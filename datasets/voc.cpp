#include "mcunet/datasets/voc.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>

#include "file_list.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"

namespace mcunet::datasets {
namespace fs = std::filesystem;
namespace {

// Elements and their text, all that VOC uses of XML: calls on_text(path, text) for each element
// without children and on_end(path) for every one, with paths as "annotation/object/name".
template <typename OnText, typename OnEnd>
void walk_xml(const std::string& text, const fs::path& file, OnText on_text, OnEnd on_end) {
  std::vector<std::string> open;
  std::string path;
  std::size_t text_begin = std::string::npos;  // where the innermost element's content begins
  std::size_t at = 0;
  const auto fail_at = [&](const char* what) {
    const auto line =
        1 + std::count(text.begin(),
                       text.begin() + static_cast<std::ptrdiff_t>(std::min(at, text.size())), '\n');
    throw Error("{}:{}: {}", file.string(), line, what);
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
        on_text(path, first < at ? text.substr(first, last - first + 1) : std::string());
      }
      on_end(path);
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

double number_of(const std::string& text, const std::string& path, const fs::path& file) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw Error("{}: {}: must be a number, is {}", file.string(), path, text);
  }
  return value;
}

fs::path list_file(const DatasetOptions& options, const char* name) {
  return fs::path(options.path) / "ImageSets" / "Main" / fmt::format("{}.txt", name);
}

// 2007 publishes a test list; 2012 does not, and is tested on val.
fs::path list_of(const DatasetOptions& options, Split split) {
  std::error_code ignored;
  const bool has_test = fs::is_regular_file(list_file(options, "test"), ignored);
  fs::path file = split == Split::kTest ? list_file(options, has_test ? "test" : "val")
                                        : list_file(options, has_test ? "trainval" : "train");
  if (!fs::is_regular_file(file, ignored)) {
    throw Error("{}: is missing; expected the layout of Pascal VOC", file.string());
  }
  return file;
}

// The class of the largest object, if possible not of a difficult one.
std::int32_t main_class(const VocAnnotation& annotation, const fs::path& file) {
  const auto largest = std::max_element(annotation.objects.begin(), annotation.objects.end(),
                                        [](const VocObject& a, const VocObject& b) {
                                          return std::pair(!a.is_difficult, a.area()) <
                                                 std::pair(!b.is_difficult, b.area());
                                        });
  if (largest == annotation.objects.end()) throw Error("{}: has no objects", file.string());
  const std::vector<std::string> classes = voc_classes();
  const auto found = std::find(classes.begin(), classes.end(), largest->name);
  if (found == classes.end()) {
    throw Error("{}: {} is no class of Pascal VOC", file.string(), largest->name);
  }
  return static_cast<std::int32_t>(found - classes.begin());
}

}  // namespace

VocAnnotation read_voc_annotation(const fs::path& file) {
  VocAnnotation annotation;
  VocObject object;
  const auto on_text = [&](const std::string& path, const std::string& text) {
    const auto number = [&] { return number_of(text, path, file); };
    if (path == "annotation/filename") annotation.image_file = text;
    if (path == "annotation/size/width") annotation.width = static_cast<int>(number());
    if (path == "annotation/size/height") annotation.height = static_cast<int>(number());
    if (path == "annotation/object/name") object.name = text;
    if (path == "annotation/object/difficult") object.is_difficult = number() != 0;
    if (path == "annotation/object/truncated") object.is_truncated = number() != 0;
    if (path == "annotation/object/bndbox/xmin") object.x_min = number();
    if (path == "annotation/object/bndbox/ymin") object.y_min = number();
    if (path == "annotation/object/bndbox/xmax") object.x_max = number();
    if (path == "annotation/object/bndbox/ymax") object.y_max = number();
  };
  const auto on_end = [&](const std::string& path) {
    if (path != "annotation/object") return;
    if (object.name.empty() || object.x_max < object.x_min || object.y_max < object.y_min) {
      throw Error("{}: an object has no name or no box", file.string());
    }
    annotation.objects.push_back(std::move(object));
    object = {};
  };
  walk_xml(read_file(file), file, on_text, on_end);
  if (annotation.image_file.empty()) throw Error("{}: names no image", file.string());
  return annotation;
}

std::vector<std::string> voc_classes() {
  return {"aeroplane", "bicycle",     "bird",  "boat",        "bottle", "bus",      "car",
          "cat",       "chair",       "cow",   "diningtable", "dog",    "horse",    "motorbike",
          "person",    "pottedplant", "sheep", "sofa",        "train",  "tvmonitor"};
}

FileList list_voc(const DatasetOptions& options, Split split) {
  const fs::path root = require_path(options);
  FileList list{voc_classes(), {}};
  const fs::path names = list_of(options, split);
  std::ifstream stream(names);
  for (std::string line; std::getline(stream, line);) {
    const std::string name = line.substr(0, line.find_first_of(" \t\r"));
    if (name.empty()) continue;
    const fs::path file = root / "Annotations" / (name + ".xml");
    const VocAnnotation annotation = read_voc_annotation(file);
    list.files.push_back(
        {(root / "JPEGImages" / annotation.image_file).string(), main_class(annotation, file)});
  }
  if (list.files.empty()) throw Error("{}: names no images", names.string());
  if (split != Split::kTest) {
    list.files = training_part(
        list.files, split, options.search_split.value_or(share_of(list.files, 0.1)), options.seed);
  }
  return list;
}

}  // namespace mcunet::datasets
