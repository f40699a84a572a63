#include "mcunet/core/folder_lock.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <optional>

#include "error_text.hpp"
#include "temporary_folder.hpp"

namespace mcunet {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(FolderLock, KeepsOthersOutWhileItLives) {
  const TemporaryFolder folder;
  {
    const FolderLock lock(folder.path());
    EXPECT_THAT(error_of([&] { const FolderLock second(folder.path()); }),
                testing::AllOf(HasSubstr("process " + std::to_string(::getpid()) + " on "),
                               HasSubstr("works there")));
    // Who was refused took nothing away.
    EXPECT_NE(error_of([&] { const FolderLock third(folder.path()); }), "");
  }
  EXPECT_THAT(folder.list(), IsEmpty());
  EXPECT_NO_THROW(FolderLock(folder.path()));
}

TEST(FolderLock, RemovesTheFoldersThatItMadeAndThatStayedEmpty) {
  const TemporaryFolder folder;
  {
    const FolderLock lock(folder / "a/b");
    EXPECT_TRUE(fs::is_directory(folder / "a/b"));
  }
  EXPECT_THAT(folder.list(), IsEmpty());
  {
    const FolderLock lock(folder / "a/b");
    folder.write("a/b/result", "1");
  }
  EXPECT_THAT(folder.list(), testing::UnorderedElementsAre("a", "a/b", "a/b/result"));
}

TEST(FolderLock, EndsWithItsProcess) {
  const TemporaryFolder folder;
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const FolderLock lock(folder.path());
    [[maybe_unused]] const auto told = ::write(ready[1], "x", 1);
    for (;;) ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_THAT(error_of([&] { const FolderLock lock(folder.path()); }),
              HasSubstr("process " + std::to_string(child) + " on "));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_THAT(folder.list(), ElementsAre(".lock"));  // nobody was there to remove it
  EXPECT_NO_THROW(FolderLock(folder.path()));
  EXPECT_THAT(folder.list(), IsEmpty());
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(FolderLock, CanBeMoved) {
  const TemporaryFolder folder;
  std::optional<FolderLock> kept;
  {
    FolderLock lock(folder.path());
    kept.emplace(std::move(lock));
  }
  EXPECT_NE(error_of([&] { const FolderLock second(folder.path()); }), "");
  kept.reset();
  EXPECT_NO_THROW(FolderLock(folder.path()));
}

TEST(FolderLock, FollowsNoLink) {
  const TemporaryFolder folder;
  folder.write("precious", "data");
  fs::create_symlink("precious", folder / ".lock");
  EXPECT_THAT(error_of([&] { const FolderLock lock(folder.path()); }),
              HasSubstr("cannot be written"));
  std::ifstream file(folder / "precious");
  std::string text;
  file >> text;
  EXPECT_EQ(text, "data");
}

}  // namespace
}  // namespace mcunet
