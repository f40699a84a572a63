#include <fmt/ranges.h>

#include <map>
#include <opencv2/imgcodecs.hpp>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "file_list.hpp"
#include "shared_data.hpp"

// Datasets whose images have boxes: what lies there, and which objects come of it.
namespace mcunet::datasets {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

DatasetOptions options_of(DatasetKind kind, const std::filesystem::path& path) {
  return {.kind = kind, .targets = TargetKind::kBoxes, .path = path.string()};
}

// "a.jpg train: cat 0 0 50 100", sides in percent; a difficult object has a '?', a crowd a '*'.
std::vector<std::string> texts_of(const Layout& layout) {
  std::vector<std::string> texts;
  for (const ListedFile& file : layout.files) {
    std::string text = fmt::format("{} {}:", std::filesystem::path(file.path).filename().string(),
                                   name_of(file.split));
    for (const BoxedObject& object : file.objects) {
      constexpr const char* kMarks[] = {"", "?", "*"};
      const auto percent = [](float side) { return std::lround(100 * side); };
      text += fmt::format(
          " {}{} {} {} {} {}", layout.classes[static_cast<std::size_t>(object.label)],
          kMarks[static_cast<std::size_t>(object.kind)], percent(object.box.left),
          percent(object.box.top), percent(object.box.right), percent(object.box.bottom));
    }
    texts.push_back(text);
  }
  return texts;
}

std::string flaws_of(const ObjectFlaws& flaws) {
  return fmt::format("{} {} {}", flaws.leave_image, flaws.no_area, flaws.unknown_class);
}

std::string voc_object(const char* name, const std::string& box, const char* more = "") {
  std::istringstream sides(box);
  std::string text = fmt::format("<object><name>{}</name>{}<bndbox>", name, more);
  for (const char* side : {"xmin", "ymin", "xmax", "ymax"}) {
    std::string value;
    sides >> value;
    text += fmt::format("<{0}>{1}</{0}>", side, value);
  }
  return text + "</bndbox></object>";
}

std::string voc_file(const std::string& objects, const char* size = "100") {
  return fmt::format(
      "<annotation><filename>a.png</filename><size><width>{0}</width><height>{0}</height></size>{1}"
      "</annotation>",
      size, objects);
}

TEST(VocObjects, AreSharesOfTheImage) {
  const TemporaryFolder folder;
  folder.write("Annotations/a.xml",
               voc_file(voc_object("dog", "1 1 100 50") +
                        voc_object("cat", "51 51 100 100", "<difficult>1</difficult>")));
  folder.write("Annotations/b.xml", voc_file(""));
  const Layout layout = list_layout(options_of(DatasetKind::kVoc, folder.path()));
  EXPECT_THAT(layout.classes, ElementsAre("cat", "dog"));
  EXPECT_THAT(texts_of(layout),
              ElementsAre("a.png train: dog 0 0 100 50 cat? 50 50 100 100", "a.png train:"));
  EXPECT_EQ(layout.files[0].label, 1);
  EXPECT_EQ(layout.files[1].label, kNoObjects);
  EXPECT_EQ(flaws_of(layout.flaws), "{} {} {}");
}

TEST(VocObjects, ThatAreNotAsTheyShouldBeAreTold) {
  const TemporaryFolder folder;
  folder.write("Annotations/a.xml",
               voc_file(voc_object("cat", "-49 1 50 150") + voc_object("cat", "200 1 300 50")));
  folder.write("Annotations/b.xml",
               voc_file(voc_object("cat", "50 50 20 80") + voc_object("dog", "30 30 30 30") +
                        voc_object("dog", "30 30 30 40")));
  folder.write("Annotations/c.xml",
               voc_file(voc_object("cat", "0 0 100 100") + voc_object("dog", "1e300 1 1e301 50") +
                        voc_object("dog", "-1e300 1 -1e299 50")));
  const Layout layout = list_layout(options_of(DatasetKind::kVoc, folder.path()));
  EXPECT_THAT(texts_of(layout),
              ElementsAre("a.png train: cat 0 0 50 100", "a.png train: dog 29 29 30 40",
                          "a.png train: cat 0 0 100 100"));
  EXPECT_EQ(flaws_of(layout.flaws),
            R"({"Annotations/a.xml": 2, "Annotations/c.xml": 3} {"Annotations/b.xml": 2} {})");
}

TEST(VocObjects, OfAnImageWhoseSizeIsNotStatedAreSharesOfItsOwn) {
  const TemporaryFolder folder;
  folder.write("Annotations/a.xml", voc_file(voc_object("cat", "1 1 20 20"), "0"));
  folder.write("JPEGImages/none", "");
  EXPECT_THAT(error_of([&] { list_layout(options_of(DatasetKind::kVoc, folder.path())); }),
              HasSubstr("has no objects"));  // as the image cannot be read
  cv::imwrite((folder / "JPEGImages/a.png").string(), cv::Mat(40, 80, CV_8UC1, cv::Scalar(0)));
  EXPECT_THAT(texts_of(list_layout(options_of(DatasetKind::kVoc, folder.path()))),
              ElementsAre("a.png train: cat 0 0 25 50"));
}

TEST(CocoObjects, AreSharesOfTheImage) {
  const TemporaryFolder folder;
  folder.write("annotations/instances_train.json", R"({
    "images": [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 200},
               {"id": 2, "file_name": "b.jpg", "width": 100, "height": 100},
               {"id": 3, "file_name": "c.jpg", "width": 0, "height": -3}],
    "annotations": [
      {"image_id": 1, "category_id": 9, "area": 5, "bbox": [10, 20, 30, 40]},
      {"image_id": 1, "category_id": 8, "area": 5, "bbox": [50, 100, 50.2, 100], "iscrowd": 1},
      {"image_id": 1, "category_id": 7, "area": 5, "bbox": [50, 100, 50, 100]},
      {"image_id": 1, "category_id": 8, "bbox": [50, 100, -50, 100]},
      {"image_id": 1, "category_id": 8, "area": 1},
      {"image_id": 1, "category_id": 8, "area": 5, "bbox": [50, 0, 1e38, 100]},
      {"image_id": 3, "category_id": 8, "area": 5, "bbox": [50, 0, 10, 100]},
      {"image_id": 4, "category_id": 8, "area": 5, "bbox": [50, 0, 10, 100]}],
    "categories": [{"id": 8, "name": "person"}, {"id": 9, "name": "cat"}, {"id": 10, "name": "bat"}]})");
  const Layout layout = list_layout(options_of(DatasetKind::kCoco, folder.path()));
  EXPECT_THAT(layout.classes, ElementsAre("cat", "person"));
  EXPECT_THAT(texts_of(layout),
              ElementsAre("a.jpg train: cat 10 10 40 30 person* 50 50 100 100 person 50 0 100 50",
                          "b.jpg train:", "c.jpg train:"));
  EXPECT_EQ(layout.files[0].label, 1);
  EXPECT_EQ(flaws_of(layout.flaws), R"({"a.jpg": 1} {"a.jpg": 2} {"a.jpg": 1})");
}

struct YoloRow {
  std::map<std::string, std::string> files;
  std::vector<std::string> expected;  // as texts_of; or the error
  std::string classes = "";
};

void expect_all(const std::vector<YoloRow>& rows) {
  for (const YoloRow& row : rows) {
    const TemporaryFolder folder;
    for (const auto& [name, text] : row.files) folder.write(name, text);
    std::vector<std::string> found;
    std::string classes;
    try {
      const Layout layout = list_layout(options_of(DatasetKind::kYolo, folder.path()));
      found = texts_of(layout);
      classes = fmt::format("{}", fmt::join(layout.classes, " "));
    } catch (const Error& error) {
      found = {error.what()};
      EXPECT_THAT(found.front(), HasSubstr(row.expected.front()));
      continue;
    }
    EXPECT_EQ(found, row.expected);
    if (!row.classes.empty()) {
      EXPECT_EQ(classes, row.classes);
    }
  }
}

TEST(YoloObjects, OfAllLayouts) {
  const std::string one = "1 0.5 0.5 0.5 1\n";
  expect_all({
      {{{"images/train/a.jpg", ""},
        {"images/val/b.jpg", ""},
        {"images/test/c.jpg", ""},
        {"labels/train/a.txt", one + "\n0 0.1 0.1 0.2 0.2\r\n"},
        {"labels/val/b.txt", one},
        {"labels/test/c.txt", ""},
        {"data.yaml", "names: [cat, dog]\nnc: 2\ntrain: images/train\n"}},
       {"a.jpg train: dog 25 0 75 100 cat 0 0 20 20", "b.jpg search: dog 25 0 75 100",
        "c.jpg test:"},
       "cat dog"},
      {{{"train/images/a.jpg", ""},
        {"valid/images/b.png", ""},
        {"train/labels/a.txt", one},
        {"valid/labels/b.txt", one},
        {"data.yaml", "names:\n  0: cat\n  1: dog\n  3: cow\n"}},
       {"a.jpg train: dog 25 0 75 100", "b.png search: dog 25 0 75 100"},
       "cat dog 2 cow"},
      {{{"images/a.jpg", ""},
        {"images/b.jpg", ""},
        {"labels/b.txt", one},
        {"labels/classes.txt", "x y\nz\n\n"}},
       {"a.jpg train:", "b.jpg train: z 25 0 75 100"},
       "x y z"},
      {{{"a.jpg", ""}, {"a.txt", one}, {"b.jpg", ""}, {"obj.names", "cat\r\ndog\r\n"}},
       {"a.jpg train: dog 25 0 75 100", "b.jpg train:"},
       "cat dog"},
      {{{"a.jpg", ""}, {"a.txt", one}}, {"a.jpg train: 1 25 0 75 100"}, "0 1"},
      {{{"images/train/deep/a.jpg", ""},
        {"images/val/b.jpg", ""},
        {"labels/train/deep/a.txt", one}},
       {"a.jpg train: 1 25 0 75 100", "b.jpg search:"}},
      {{{"images/a.jpg", ""}}, {"found 1 images, but no labels; expected labels/a.txt"}},
      {{}, {"found 0 images"}},
      {{{"images/a.jpg", ""}, {"labels/a.txt", "\n"}}, {"has no objects"}},
  });
}

TEST(YoloObjects, OfMalformedFilesAreErrors) {
  const auto row = [](const char* text, const char* error) {
    return YoloRow{{{"a.jpg", ""}, {"a.txt", text}}, {error}};
  };
  expect_all({
      row("0 0.5 0.5 0.5 0.5\n0 0.5 0.5 0.5", "a.txt:2: has 4 values; expected a class"),
      row("0 0.5 0.5 0.5 0.5 0.9", "a.txt:1: has 6 values"),
      row("0 0.5 nan 0.5 0.5", "a.txt:1: must be a number, is nan"),
      row("0 0.5 1e999 0.5 0.5", "a.txt:1: must be a number, is 1e999"),
      row("cat 0.5 0.5 0.5 0.5", "a.txt:1: must be a number, is cat"),
      row("-1 0.5 0.5 0.5 0.5", "a.txt:1: the number of a class must be 0 or more, is -1"),
      row("0.5 0.5 0.5 0.5 0.5", "is 0.5"),
      row("2000000000 0.5 0.5 0.5 0.5", "tells of class 2000000000; expected fewer than"),
      row("1e300 0.5 0.5 0.5 0.5", "the number of a class"),
      {{{"a.jpg", ""}, {"a.txt", ""}, {"data.yaml", "names: 3"}}, {"must be a list or a map"}},
      {{{"a.jpg", ""}, {"a.txt", ""}, {"data.yaml", "nc: 3"}}, {"has no names of classes"}},
      {{{"a.jpg", ""}, {"a.txt", ""}, {"data.yaml", "names: {a: cat}"}}, {"numbers of classes"}},
      {{{"a.jpg", ""}, {"a.txt", ""}, {"data.yaml", "names: {99999999: a}"}},
       {"numbers of classes"}},
      {{{"a.jpg", ""}, {"a.txt", ""}, {"data.yaml", "names: [a, a]"}},
       {"two classes are called a"}},
      {{{"a.jpg", ""}, {"a.txt", ""}, {"classes.txt", "a\n\nb"}}, {"class 1 has no name"}},
      {{{"a.jpg", ""}, {"a.txt", ""}, {"classes.txt", "a\xff"}},
       {"class 0 has no name that is text"}},
  });
}

TEST(YoloObjects, ThatAreNotAsTheyShouldBeAreTold) {
  const TemporaryFolder folder;
  folder.write("images/a.jpg", "");
  folder.write("labels/a.txt",
               "0 0 0.5 0.5 0.5\n0 3 3 0.1 0.1\n0 0.5 0.5 0 0.5\n0 0.5 0.5 -1 0.5\n7 0.5 0.5 1 1\n"
               "0 0.5 0.5 1.000001 1\n0 0.5 0.5 1e300 1e300\n");
  folder.write("data.yaml", "names: [cat]");
  const DatasetOptions options = options_of(DatasetKind::kYolo, folder.path());
  const Layout layout = list_layout(options);
  EXPECT_THAT(texts_of(layout),
              ElementsAre("a.jpg train: cat 0 25 25 75 cat 0 0 100 100 cat 0 0 100 100"));
  DatasetFiles files{layout.classes, {}, layout.left_out, layout.flaws};
  std::vector<std::string> findings;
  for (const Finding& finding : findings_in(files)) {
    if (finding.what.starts_with("objects"))
      findings.push_back(finding.what + ": " + finding.list(9));
  }
  EXPECT_THAT(findings, ElementsAre("objects that leave their image: labels/a.txt (3)",
                                    "objects of no area: labels/a.txt (2)",
                                    "objects of unknown class: labels/a.txt"));
}

TEST(YoloObjects, AreClassesByTheLargestToo) {
  const TemporaryFolder folder;
  folder.write("a.jpg", "");
  folder.write("b.jpg", "");
  folder.write("a.txt", "0 0.5 0.5 0.1 0.1\n1 0.5 0.5 0.4 0.1\n");
  DatasetOptions options = options_of(DatasetKind::kYolo, folder.path());
  options.targets = TargetKind::kClasses;
  const Layout layout = list_layout(options);
  ASSERT_EQ(layout.files.size(), 1u);
  EXPECT_EQ(layout.files[0].label, 1);
  EXPECT_TRUE(layout.files[0].objects.empty());
  EXPECT_EQ(layout.left_out.files.at("without objects"), 1);
}

TEST(ObjectSplits, AreStratifiedByTheLargestObject) {
  const TemporaryFolder folder;
  for (int i = 0; i < 40; ++i) {
    folder.write(fmt::format("{}.jpg", i), "");
    // Ten of each class, ten without objects.
    const std::string text = i % 4 == 3 ? "" : fmt::format("{} 0.5 0.5 0.5 0.5", i % 4);
    folder.write(fmt::format("{}.txt", i), text);
  }
  const DatasetFiles files = files_of(options_of(DatasetKind::kYolo, folder.path()));
  for (const auto& [split, count] : {std::pair(Split::kTest, 2), {Split::kSearch, 1}}) {
    std::map<std::int32_t, int> counts;
    for (const LabelledFile& file : files.of(split)) {
      ++counts[file.label];
      EXPECT_EQ(file.objects.empty(), file.label == kNoObjects);
    }
    EXPECT_EQ(counts.size(), 4u);
    for (const auto& [label, number] : counts) EXPECT_EQ(number, count) << label;
  }
}

TEST(Objects, AreOfFewKinds) {
  for (const auto kind : {DatasetKind::kFolder, DatasetKind::kImagenet, DatasetKind::kVww,
                          DatasetKind::kSpeechCommands, DatasetKind::kSyntheticSeries}) {
    const DatasetOptions options = options_of(kind, "/nowhere");
    const std::string error =
        "dataset.targets: boxes are for the kinds voc, coco, yolo and synthetic-images";
    EXPECT_EQ(error_of([&] { open_dataset(options, Split::kTrain, 32, false); }), error);
    EXPECT_EQ(error_of([&] { class_names(options); }), error);
  }
}

// Whatever is damaged: an error, or boxes that are boxes.
TEST(Objects, OfDamagedFilesLieInTheirImages) {
  struct Sample {
    DatasetKind kind;
    const char* file;
    std::string text;
  };
  const std::vector<Sample> samples = {
      {DatasetKind::kVoc, "Annotations/a.xml",
       voc_file(voc_object("dog", "1 1 100 50") + voc_object("cat", "51 51.5 100 100"))},
      {DatasetKind::kCoco, "annotations/instances_train.json",
       R"({"images": [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 200}], "annotations": [
           {"image_id": 1, "category_id": 9, "area": 5, "bbox": [10, 20, 30, 40], "iscrowd": 0}],
           "categories": [{"id": 9, "name": "cat"}]})"},
      {DatasetKind::kYolo, "labels/a.txt", "0 0.5 0.5 0.25 0.5\n1 0.125 0.5 0.25 0.5\n"}};
  for (const Sample& sample : samples) {
    int listed = 0;
    const TemporaryFolder folder;
    folder.write("images/a.jpg", "");
    RandomStream random(1);
    for (int i = 0; i < 150; ++i) {
      std::string damaged = sample.text;
      for (int j = 0; j < i % 3; ++j) {
        const auto at = random.index(static_cast<std::uint32_t>(damaged.size()));
        damaged[at] = "-e99012. <\"]{\xff"[random.index(14)];
      }
      if (i % 5 == 0) damaged.resize(random.index(static_cast<std::uint32_t>(damaged.size())));
      // COCO's files are read anew once their time changes.
      const auto file = folder.write(sample.file, damaged);
      std::filesystem::last_write_time(file,
                                       std::filesystem::file_time_type() + std::chrono::seconds(i));
      error_of([&] {
        const Layout layout = list_layout(options_of(sample.kind, folder.path()));
        for (const ListedFile& image : layout.files) {
          for (const BoxedObject& object : image.objects) {
            ++listed;
            ASSERT_GE(std::min(object.box.left, object.box.top), 0);
            ASSERT_LE(std::max(object.box.right, object.box.bottom), 1);
            ASSERT_GT(object.box.area(), 0);
            ASSERT_LT(static_cast<std::size_t>(object.label), layout.classes.size());
          }
        }
      });
    }
    EXPECT_GT(listed, 30);
  }
}

std::size_t count_objects(const DatasetFiles& files) {
  std::size_t count = 0;
  for (const auto& split : files.splits) {
    for (const LabelledFile& file : split) count += file.objects.size();
  }
  return count;
}

TEST(Objects, OfTheSamples) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  const DatasetFiles cells = files_of(options_of(DatasetKind::kVoc, data / "bccd"));
  EXPECT_THAT(cells.classes, ElementsAre("Platelets", "RBC", "WBC"));
  EXPECT_EQ(cells.of(Split::kTrain).size() + cells.of(Split::kSearch).size(), 292u);
  EXPECT_EQ(cells.of(Split::kTest).size(), 72u);
  EXPECT_EQ(count_objects(cells), 4155u + 372 + 361 - 2);
  EXPECT_EQ(cells.flaws.no_area.size(), 2u);  // of one pixel
  EXPECT_TRUE(cells.flaws.leave_image.empty());
  const DatasetFiles coco = files_of(options_of(DatasetKind::kCoco, data / "coco_tiny"));
  EXPECT_EQ(coco.of(Split::kTrain).size() + coco.of(Split::kSearch).size(), 80u);
  EXPECT_EQ(coco.of(Split::kTest).size(), 80u);
}

}  // namespace
}  // namespace mcunet::datasets
