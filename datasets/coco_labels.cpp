#include "coco_labels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "mcunet/core/error.hpp"
#include "mcunet/core/names.hpp"

namespace mcunet::datasets {
namespace {

struct Object {
  std::int64_t image = 0;
  CocoObject object;
};

// {"images": [{…}], "annotations": [{…}], "categories": [{…}], …}: takes the values that stand
// directly in those objects, and the boxes, in any order of the sections.
class InstancesReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::vector<std::int64_t> image_order;
  std::unordered_map<std::int64_t, CocoImage> images;
  std::vector<Object> objects;
  std::map<std::int64_t, std::string> categories;
  std::string problem;

  bool null() override { return true; }
  bool boolean(bool value) override { return number(value ? 1 : 0); }
  bool binary(binary_t&) override { return true; }
  bool number_integer(number_integer_t value) override {
    return number(static_cast<double>(value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    return number(static_cast<double>(value));
  }
  bool number_float(number_float_t value, const string_t&) override { return number(value); }
  bool string(string_t& value) override {
    if (depth_ == kRecord) texts_[key_] = value;
    return true;
  }
  bool key(string_t& name) override {
    if (depth_ == 1) section_ = name;
    if (depth_ == kRecord) key_ = name;
    return true;
  }
  bool start_object(std::size_t) override { return deeper(); }
  bool start_array(std::size_t) override { return deeper(); }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool end_object() override {
    if (depth_ == kRecord) take_record();
    --depth_;
    return problem.empty();
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::json::exception&) override {
    problem = fmt::format("is no valid JSON at byte {}", position);
    return false;
  }

 private:
  static constexpr int kRecord = 3;
  static constexpr std::size_t kSides = 4;

  bool deeper() {
    if (++depth_ == kRecord) {
      numbers_.clear();
      texts_.clear();
      box_.clear();
    }
    return true;
  }

  bool number(double value) {
    if (depth_ == kRecord) numbers_[key_] = value;
    if (depth_ == kRecord + 1 && key_ == "bbox" && box_.size() <= kSides) box_.push_back(value);
    return true;
  }

  double take(const char* name) {
    const auto found = numbers_.find(name);
    if (found != numbers_.end()) return found->second;
    if (problem.empty()) problem = fmt::format("an entry of {} lacks {}", section_, name);
    return 0;
  }

  std::int64_t take_id(const char* name) {
    constexpr double kMost = 1e15;  // up to which every integer is a double
    const double value = take(name);
    if (std::abs(value) < kMost) return static_cast<std::int64_t>(value);
    if (problem.empty()) problem = fmt::format("an entry of {} has no usable {}", section_, name);
    return 0;
  }

  // Below the folder of images.
  std::string take_file_name() {
    std::string name = texts_["file_name"];
    const std::filesystem::path path(name);
    const bool leaves_folder =
        path.is_absolute() || std::find(path.begin(), path.end(), "..") != path.end();
    if ((name.empty() || leaves_folder) && problem.empty()) {
      problem = fmt::format("an entry of {} has no file_name within the folder of images, but {}",
                            section_, name.empty() ? "none" : escaped(name));
    }
    return name;
  }

  CocoObject take_object() {
    CocoObject object{.category = take_id("category_id")};
    const auto crowd = numbers_.find("iscrowd");
    object.is_crowd = crowd != numbers_.end() && crowd->second != 0;
    if (box_.size() == kSides) {
      object.x = static_cast<float>(box_[0]);
      object.y = static_cast<float>(box_[1]);
      object.width = static_cast<float>(box_[2]);
      object.height = static_cast<float>(box_[3]);
    } else if (!box_.empty() && problem.empty()) {
      problem = fmt::format("an entry of {} has a bbox that is not four numbers", section_);
    }
    const bool has_area = numbers_.contains("area") || box_.size() != kSides;
    object.area = has_area ? take("area") : box_[2] * box_[3];
    return object;
  }

  void take_record() {
    if (section_ == "images") {
      const std::int64_t id = take_id("id");
      image_order.push_back(id);
      images[id] = {take_file_name(), take("width"), take("height"), {}};
    } else if (section_ == "annotations") {
      objects.push_back({take_id("image_id"), take_object()});
    } else if (section_ == "categories") {
      const std::string& name = texts_["name"];
      if ((name.empty() || !is_utf8_text(name)) && problem.empty()) {
        problem = fmt::format("an entry of {} has no name that is text", section_);
      }
      categories[take_id("id")] = name;
    }
  }

  int depth_ = 0;
  std::string section_;
  std::string key_;
  std::map<std::string, double, std::less<>> numbers_;
  std::map<std::string, std::string, std::less<>> texts_;
  std::vector<double> box_;  // the numbers of bbox, up to one more than there should be
};

CocoInstances read(const std::filesystem::path& file) {
  std::error_code ignored;  // a pipe would be waited for
  const bool is_file = std::filesystem::is_regular_file(file, ignored);
  std::ifstream stream;
  if (is_file) stream.open(file, std::ios::binary);
  if (!stream.is_open()) throw Error("{}: cannot be read", file.string());
  InstancesReader reader;
  const bool good = nlohmann::json::sax_parse(stream, &reader);
  if (!good) throw Error("{}: {}", file.string(), reader.problem);
  if (reader.images.empty()) {
    throw Error("{}: has no images; expected COCO instances", file.string());
  }
  for (const Object& object : reader.objects) {
    const auto image = reader.images.find(object.image);
    if (image == reader.images.end()) continue;
    image->second.objects.push_back(object.object);
  }
  CocoInstances result;
  for (std::int64_t id : reader.image_order) {
    auto image = reader.images.extract(id);
    if (!image.empty()) result.images.push_back(std::move(image.mapped()));  // else: told twice
  }
  result.categories = std::move(reader.categories);
  return result;
}

}  // namespace

// Several hundred megabytes take seconds, and a job opens each split several times.
std::shared_ptr<const CocoInstances> read_coco_instances(const std::filesystem::path& file) {
  using Key = std::pair<std::string, std::filesystem::file_time_type>;
  static std::mutex mutex;
  static std::map<Key, std::shared_ptr<const CocoInstances>> known;
  const std::lock_guard lock(mutex);
  std::error_code absent;
  std::shared_ptr<const CocoInstances>& instances =
      known[{file.string(), std::filesystem::last_write_time(file, absent)}];
  if (!instances) instances = std::make_shared<const CocoInstances>(read(file));
  return instances;
}

}  // namespace mcunet::datasets
