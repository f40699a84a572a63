#include "mcunet/datasets/voc.hpp"

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "file_list.hpp"
#include "shared_data.hpp"

namespace mcunet::datasets {
namespace {

using testing::HasSubstr;

constexpr const char* kAnnotation = R"(<?xml version="1.0"?>
<!-- <object> in a comment -->
<annotation>
  <filename>a.jpg</filename>
  <size><width>500</width><height>375</height><depth>3</depth></size>
  <object>
    <name>person</name>
    <difficult>1</difficult>
    <bndbox><xmin>1</xmin><ymin>1</ymin><xmax>500</xmax><ymax>375</ymax></bndbox>
    <part><name>head</name><bndbox><xmin>7</xmin><ymin>7</ymin><xmax>8</xmax><ymax>8</ymax></bndbox></part>
  </object>
  <object><name>dog</name><pose/><truncated>1</truncated>
    <bndbox><xmax>20.5</xmax><xmin>10</xmin><ymax>40</ymax><ymin>30</ymin></bndbox></object>
</annotation>)";

TEST(Voc, ReadsObjectsButNotTheirParts) {
  const TemporaryFolder folder;
  const VocAnnotation annotation = read_voc_annotation(folder.write("a.xml", kAnnotation));
  EXPECT_EQ(annotation.image_file, "a.jpg");
  EXPECT_EQ(annotation.width, 500);
  EXPECT_EQ(annotation.height, 375);
  ASSERT_EQ(annotation.objects.size(), 2u);
  EXPECT_EQ(annotation.objects[0].name, "person");
  EXPECT_EQ(annotation.objects[0].x_max, 500);
  EXPECT_EQ(annotation.objects[0].area(), 500 * 375);
  EXPECT_TRUE(annotation.objects[0].is_difficult);
  EXPECT_EQ(annotation.objects[1].x_max, 20.5);
  EXPECT_TRUE(annotation.objects[1].is_truncated);
  EXPECT_FALSE(annotation.objects[1].is_difficult);
}

TEST(Voc, TellsWhatIsWrong) {
  const TemporaryFolder folder;
  const auto error = [&](const std::string& text) {
    return error_of([&] { read_voc_annotation(folder.write("a.xml", text)); });
  };
  EXPECT_THAT(error("<annotation>\n<object></annotation>"), HasSubstr("a.xml:2: an end tag"));
  EXPECT_THAT(error("<annotation>"), HasSubstr("within an element"));
  EXPECT_THAT(error("<annotation"), HasSubstr("does not end"));
  EXPECT_THAT(error("<></>"), HasSubstr("empty tag"));
  EXPECT_THAT(error(""), HasSubstr("names no image"));
  EXPECT_THAT(error("<annotation><size><width>many</width></size></annotation>"),
              HasSubstr("annotation/size/width: must be a number, is many"));
  EXPECT_THAT(error("<annotation><object></object></annotation>"), HasSubstr("no name or no box"));
  EXPECT_THAT(error("<annotation>\n<object><name>cat</name></object></annotation>"),
              HasSubstr("a.xml:2: an object has no name or no box"));
  for (const char* width : {"nan", "inf", "1e400", "1e300", "-5", ""}) {
    EXPECT_THAT(
        error(fmt::format("<annotation>\n<size><width>{}</width></size></annotation>", width)),
        HasSubstr("a.xml:2: annotation/size/width: must be a number"))
        << width;
  }
}

TEST(Voc, SurvivesDamagedFiles) {
  const TemporaryFolder folder;
  RandomStream random(1);
  const std::string whole = kAnnotation;
  for (int i = 0; i < 500; ++i) {
    std::string damaged = whole.substr(0, random.index(static_cast<std::uint32_t>(whole.size())));
    for (int j = 0; j < 3 && !damaged.empty(); ++j) {
      damaged[random.index(static_cast<std::uint32_t>(damaged.size()))] = "<>/ a1"[random.index(6)];
    }
    error_of([&] { read_voc_annotation(folder.write("a.xml", damaged)); });
  }
}

TEST(Voc, TheLargestObjectIsTheClassUnlessItIsDifficult) {
  const TemporaryFolder folder;
  folder.write("Annotations/a.xml", kAnnotation);
  folder.write("Annotations/b.xml",
               "<annotation><filename>b</filename><object><name>cat</name><bndbox><xmin>1</xmin>"
               "<ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></object></annotation>");
  const DatasetOptions options{.kind = DatasetKind::kVoc, .path = folder.path().string()};
  const Layout layout = list_voc(options);
  EXPECT_THAT(layout.classes, testing::ElementsAre("cat", "dog"));
  ASSERT_EQ(layout.files.size(), 2u);
  EXPECT_EQ(layout.files[0].label, 1);
  EXPECT_EQ(layout.files[0].path, (folder / "JPEGImages/a.jpg").string());
}

TEST(Voc, ReadsTheSample) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  int objects = 0;
  int difficult = 0;
  for (const auto& entry : std::filesystem::directory_iterator(data / "voc100/Annotations")) {
    for (const VocObject& object : read_voc_annotation(entry.path()).objects) {
      ++objects;
      difficult += object.is_difficult ? 1 : 0;
    }
  }
  EXPECT_EQ(objects, 273);
  EXPECT_EQ(difficult, 38);
  const DatasetOptions options{.kind = DatasetKind::kVoc, .path = (data / "voc100").string()};
  EXPECT_THAT(error_of([&] { list_voc(options); }), HasSubstr("train.txt: is missing"));
}

}  // namespace
}  // namespace mcunet::datasets
