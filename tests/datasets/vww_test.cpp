#include <fstream>
#include <map>
#include <sstream>

#include "coco_labels.hpp"
#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "file_list.hpp"
#include "shared_data.hpp"

namespace mcunet::datasets {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Annotations before images, categories last; extra keys and nested objects of the same names.
constexpr const char* kInstances = R"({
  "info": {"id": 7, "name": "person", "nested": [{"id": 3}]},
  "annotations": [
    {"id": 1, "image_id": 10, "category_id": 5, "area": 5.0, "iscrowd": 0,
     "segmentation": [[1, 2, 3]], "bbox": [1, 2, 3, 4], "extra": {"area": 99}},
    {"id": 2, "image_id": 11, "category_id": 5, "area": 5.1, "segmentation": {"counts": [1], "size": [1, 2]}},
    {"id": 3, "image_id": 12, "category_id": 6, "area": 900},
    {"id": 4, "image_id": 13, "category_id": 5, "area": 2},
    {"id": 5, "image_id": 13, "category_id": 5, "area": 600, "iscrowd": 1}
  ],
  "images": [
    {"id": 10, "file_name": "a.jpg", "width": 100, "height": 10},
    {"id": 11, "file_name": "b.jpg", "width": 100, "height": 10},
    {"id": 12, "file_name": "c.jpg", "width": 100, "height": 10},
    {"id": 13, "file_name": "d.jpg", "width": 100, "height": 10},
    {"id": 14, "file_name": "e.jpg", "width": 100, "height": 10}
  ],
  "categories": [{"id": 6, "name": "dog"}, {"id": 5, "name": "person", "supercategory": "person"}]
})";

TEST(CocoInstances, HaveTheObjectsOfEachImage) {
  const TemporaryFolder folder;
  const auto instances = read_coco_instances(folder.write("a.json", kInstances));
  std::vector<std::string> texts;
  for (const CocoImage& image : instances->images) {
    std::string text = fmt::format("{} {}:", image.file, image.width * image.height);
    for (const CocoObject& object : image.objects) {
      text += fmt::format(" {} {}", instances->categories.at(object.category), object.area);
    }
    texts.push_back(text);
  }
  EXPECT_THAT(texts,
              ElementsAre("a.jpg 1000: person 5", "b.jpg 1000: person 5.1", "c.jpg 1000: dog 900",
                          "d.jpg 1000: person 2 person 600", "e.jpg 1000:"));
  const CocoObject& boxed = instances->images[0].objects[0];
  EXPECT_EQ(std::tuple(boxed.x, boxed.y, boxed.width, boxed.height), std::tuple(1, 2, 3, 4));
  EXPECT_FALSE(boxed.is_crowd);
  EXPECT_TRUE(instances->images[3].objects[1].is_crowd);
}

TEST(CocoInstances, TellWhatIsWrong) {
  const TemporaryFolder folder;
  int number = 0;
  const auto error = [&](const std::string& text) {
    const auto file = folder.write(fmt::format("{}.json", number++), text);
    return error_of([&] { read_coco_instances(file); });
  };
  EXPECT_THAT(error("{\"images\": [{"), HasSubstr("is no valid JSON at byte"));
  EXPECT_THAT(error("{}"), HasSubstr("has no images"));
  EXPECT_THAT(error("[[[[{\"images\": 3}]]]]"), HasSubstr("has no images"));
  EXPECT_THAT(error(R"({"images": [{"id": 1, "file_name": "a.jpg", "width": 3}]})"),
              HasSubstr("lacks height"));
  EXPECT_THAT(error(R"({"images": [{"id": 1, "width": 3}]})"), HasSubstr("has no file_name"));
  EXPECT_THAT(error(R"({"categories": [{"id": 1}]})"), HasSubstr("has no name that is text"));
  EXPECT_THAT(
      error(R"({"annotations": [{"image_id": 1, "category_id": 1, "area": 1, "bbox": [1, 2]}]})"),
      HasSubstr("an entry of annotations has a bbox that is not four numbers"));
  EXPECT_THAT(error(R"({"annotations": [{"image_id": 1, "category_id": 1}]})"),
              HasSubstr("lacks area"));
  EXPECT_THAT(error(R"({"annotations": [{"image_id": 1, "bbox": [NaN, 1, 1, 1]}]})"),
              HasSubstr("is no valid JSON at byte"));
  EXPECT_THAT(error_of([&] { read_coco_instances(folder / "b.json"); }),
              HasSubstr("cannot be read"));
}

TEST(CocoInstances, AreReadAgainOnceTheyChange) {
  const TemporaryFolder folder;
  const auto file = folder.write("a.json", kInstances);
  const auto instances = read_coco_instances(file);
  EXPECT_EQ(read_coco_instances(file), instances);
  std::filesystem::last_write_time(
      file, std::filesystem::last_write_time(file) + std::chrono::seconds(1));
  EXPECT_NE(read_coco_instances(file), instances);
}

TEST(Vww, PersonsOfMoreThanTheShareCount) {
  const TemporaryFolder folder;
  folder.write("annotations/instances_train2017.json", kInstances);
  const DatasetOptions options{.kind = DatasetKind::kVww, .path = folder.path().string()};
  std::string labels;
  for (const ListedFile& file : list_vww(options).files) labels += std::to_string(file.label);
  EXPECT_EQ(labels, "01010");  // a.jpg has exactly 0.005
}

TEST(Vww, EqualsThePublishedRuleOnCoco) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  std::map<std::string, int> expected;  // by file name
  std::ifstream csv(data / "coco_tiny/vww_labels_expected.csv");
  std::string line;
  std::getline(csv, line);
  while (std::getline(csv, line)) {
    std::vector<std::string> cells;
    std::istringstream row(line);
    for (std::string cell; std::getline(row, cell, ',');) cells.push_back(cell);
    expected[cells.at(2)] = std::stoi(cells.at(9));
  }
  const DatasetOptions options{
      .kind = DatasetKind::kVww, .path = (data / "coco_tiny").string(), .search_split = 20};
  int checked = 0;
  int persons = 0;
  for (const auto& [split, size] :
       {std::pair(Split::kTrain, 60), {Split::kSearch, 20}, {Split::kTest, 80}}) {
    const FileList list = list_split(options, split);
    EXPECT_EQ(list.files.size(), static_cast<std::size_t>(size));
    for (const LabelledFile& file : list.files) {
      EXPECT_TRUE(std::filesystem::exists(file.path)) << file.path;
      const std::string name = std::filesystem::path(file.path).filename();
      ASSERT_TRUE(expected.contains(name));
      EXPECT_EQ(file.label, expected[name]) << name;
      ++checked;
      persons += file.label;
    }
  }
  EXPECT_EQ(checked, 160);
  EXPECT_GT(persons, 40);
}

TEST(Vww, ReadsAPreparedFolder) {
  const TemporaryFolder folder;
  for (int i = 0; i < 30; ++i) {
    folder.write(fmt::format("person/{}.jpg", i), "");
    folder.write(fmt::format("not_person/{}.jpg", i), "");
  }
  const DatasetOptions options{
      .kind = DatasetKind::kVww, .path = folder.path().string(), .search_split = 10};
  EXPECT_THAT(vww_classes(options), ElementsAre("not_person", "person"));
  EXPECT_EQ(list_split(options, Split::kSearch).files.size(), 10u);
  folder.write("cat/1.jpg", "");
  EXPECT_THAT(error_of([&] { list_split(options, Split::kTest); }), HasSubstr("expected COCO"));
}

TEST(Vww, TellsWhenTooFewAreLeft) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  const DatasetOptions options{.kind = DatasetKind::kVww, .path = (data / "coco_tiny").string()};
  EXPECT_THAT(error_of([&] { list_split(options, Split::kTrain); }),
              HasSubstr("dataset.search_split: cannot hold out 5000 of 80"));
}

}  // namespace
}  // namespace mcunet::datasets
