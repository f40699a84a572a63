#include "pipeline/data_identity.hpp"

#include <gmock/gmock.h>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "mcunet/core/files.hpp"

namespace mcunet::pipeline {
namespace {

using datasets::BoxedObject;
using datasets::DatasetFiles;
using testing::HasSubstr;

// Two images with objects and one without; all of them for training.
class DataIdentity : public testing::Test {
 protected:
  DataIdentity() {
    for (const char* name : {"a.jpg", "b.jpg", "c.jpg"}) folder_.write(name, "image");
    files_.classes = {"cat", "dog"};
    files_.splits[0] = {
        {file("a.jpg"), 0, {{{0, 0, 0.5F, 1}, 0}}},
        {file("b.jpg"), 1, {{{0.25F, 0, 0.5F, 1}, 1}}},
        {file("c.jpg"), datasets::kNoObjects},
    };
    options_.path = folder_.path().string();
    write_data_identity(files_, options_, folder_ / "run");
  }

  std::string file(const char* name) const { return (folder_ / name).string(); }

  std::string change() const {
    return error_of([&] { require_same_data(files_, options_, folder_ / "run"); });
  }

  std::vector<datasets::LabelledFile>& training() { return files_.splits[0]; }

  TemporaryFolder folder_;
  datasets::DatasetOptions options_{.kind = datasets::DatasetKind::kVoc,
                                    .targets = datasets::TargetKind::kBoxes};
  DatasetFiles files_;
};

TEST_F(DataIdentity, IsThatOfTheSameFilesAndObjects) {
  EXPECT_EQ(change(), "(no error)");
  EXPECT_THAT(read_file(folder_ / "run/data.json"), HasSubstr("\"without objects\""));
}

TEST_F(DataIdentity, ChangesWithABox) {
  training()[1].objects[0].box.left = 0.5F;
  EXPECT_THAT(change(), HasSubstr("class dog has other files in train, or other targets"));
}

TEST_F(DataIdentity, ChangesWithWhatCounts) {
  training()[0].objects[0].kind = datasets::ObjectKind::kDifficult;
  EXPECT_THAT(change(), HasSubstr("class cat has other files in train, or other targets"));
}

TEST_F(DataIdentity, ChangesWithImagesWithoutObjects) {
  training().pop_back();
  EXPECT_THAT(change(), HasSubstr("the data are not those that this run began with"));
}

TEST_F(DataIdentity, ChangesWithAValue) {
  training()[0].value = 3;
  EXPECT_THAT(change(), HasSubstr("class cat"));
}

}  // namespace
}  // namespace mcunet::pipeline
