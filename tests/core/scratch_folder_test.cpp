#include "mcunet/core/scratch_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "error_text.hpp"
#include "mcunet/core/files.hpp"
#include "temporary_folder.hpp"

namespace mcunet {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(ScratchFolder, IsRemovedWithItsContents) {
  const TemporaryFolder folder;
  {
    const ScratchFolder scratch(folder.path());
    EXPECT_TRUE(scratch.path().is_absolute());
    fs::create_directories(scratch.path() / "a" / "b");
    EXPECT_EQ(folder.list().size(), 3u);
  }
  EXPECT_TRUE(folder.list().empty());
}

TEST(ScratchFolder, IsAnotherOneEachTime) {
  const ScratchFolder first;
  const ScratchFolder second;
  EXPECT_NE(first.path(), second.path());
  EXPECT_TRUE(fs::is_directory(first.path()));
}

TEST(ScratchFolder, NeedsItsParent) {
  EXPECT_THAT(error_of([] { ScratchFolder("/no/such/folder"); }),
              HasSubstr("cannot be created: No such file or directory"));
}

TEST(ScratchFolder, SaysWhatIsWrongWithTheTemporaryFolder) {
  const TemporaryFolder folder;
  const std::string file = folder.write("file", "").string();
  for (const std::string& tmpdir : {file, (folder / "none").string()}) {
    const ScopedVariable variable("TMPDIR", tmpdir);
    EXPECT_THAT(error_of([] { const ScratchFolder scratch; }),
                testing::AllOf(testing::StartsWith(tmpdir + ": cannot hold temporary files"),
                               HasSubstr("TMPDIR says where they go")));
  }
}

TEST(StagedFolder, WritesThroughALinkAndKeepsIt) {
  const TemporaryFolder folder;
  folder.write("there/old", "x");
  fs::create_symlink("there", folder / "link");
  const StagedFolder staged(folder / "link");
  staged.write("new", "y");
  staged.commit();
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_THAT(folder.list(), testing::Contains("there/new"));
  EXPECT_THAT(folder.list(), testing::Not(testing::Contains("there/old")));
}

TEST(StagedFolder, RefusesALinkThatLeadsNowhere) {
  const TemporaryFolder folder;
  fs::create_symlink("none", folder / "link");
  EXPECT_THAT(error_of([&] { const StagedFolder staged(folder / "link"); }),
              HasSubstr("link: cannot be "));
  EXPECT_THAT(folder.list(), ElementsAre("link"));
}

TEST(StagedFolder, FilesAppearWithCommit) {
  const TemporaryFolder folder;
  for (const char* name : {"a/b/out", "a/b/slash/"}) {
    {
      const StagedFolder staged(folder / name);
      staged.write("model.c", "1");
      staged.write("firmware/main.c", "2");
      EXPECT_FALSE(fs::exists(folder / name));
      staged.commit();
    }
    EXPECT_EQ(read_file(folder / name / "firmware/main.c"), "2");
  }
  EXPECT_THAT(folder.list(),
              ElementsAre("a", "a/b", "a/b/out", "a/b/out/firmware", "a/b/out/firmware/main.c",
                          "a/b/out/model.c", "a/b/slash", "a/b/slash/firmware",
                          "a/b/slash/firmware/main.c", "a/b/slash/model.c"));
}

TEST(StagedFolder, ReplacesTheWholeOfAnOlderFolder) {
  const TemporaryFolder folder;
  folder.write("out/old.c", "old");
  {
    const StagedFolder staged(folder / "out");
    staged.write("new.c", "new");
    EXPECT_EQ(read_file(folder / "out/old.c"), "old");
    staged.commit();
  }
  EXPECT_THAT(folder.list(), ElementsAre("out", "out/new.c"));
}

TEST(StagedFolder, WithoutCommitNothingChanges) {
  const TemporaryFolder folder;
  folder.write("out/old.c", "old");
  { StagedFolder(folder / "out").write("new.c", "new"); }
  EXPECT_THAT(folder.list(), ElementsAre("out", "out/old.c"));
}

TEST(StagedFolder, AFileInItsPlaceIsAnError) {
  const TemporaryFolder folder;
  folder.write("out", "file");
  EXPECT_THAT(error_of([&] { StagedFolder(folder / "out"); }), HasSubstr("out: cannot be created"));
  EXPECT_THAT(folder.list(), ElementsAre("out"));
}

TEST(ScratchFolder, WhatAKilledProcessLeftIsRemoved) {
  const TemporaryFolder folder;
  folder.write(ScratchFolder(folder.path()).path().filename() / "model.c", "half");
  folder.write("out/model.c", "whole");
  remove_abandoned_scratch(folder.path());
  EXPECT_THAT(folder.list(), ElementsAre("out", "out/model.c"));
  remove_abandoned_scratch(folder / "nothing");
}

TEST(ReplaceFolder, LeavesTheOldOneIfItFails) {
  const TemporaryFolder folder;
  folder.write("out/old.c", "old");
  EXPECT_THAT(error_of([&] { replace_folder(folder / "nothing", folder / "out"); }),
              HasSubstr("out: cannot be replaced: No such file or directory"));
  EXPECT_THAT(folder.list(), ElementsAre("out", "out/old.c"));
}

}  // namespace
}  // namespace mcunet
