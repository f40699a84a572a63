#include "mcunet/core/files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"

namespace mcunet {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(WriteFileAtomically, CreatesAndReplaces) {
  const TemporaryFolder folder;
  const fs::path file = folder / "a.txt";
  write_file_atomically(file, "first");
  EXPECT_EQ(read_file(file), "first");
  write_file_atomically(file, "second, which is longer");
  EXPECT_EQ(read_file(file), "second, which is longer");
  write_file_atomically(file, "");
  EXPECT_EQ(read_file(file), "");
  EXPECT_THAT(folder.list(), ElementsAre("a.txt"));
}

TEST(RemoveAbandonedFiles, TakesThoseOfDeadProcessesAlone) {
  const TemporaryFolder folder;
  const pid_t dead = ::fork();
  if (dead == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(dead, nullptr, 0), dead);
  folder.write("below/weights.pt." + std::to_string(dead) + ".partial", "x");
  folder.write("a." + std::to_string(::getpid()) + ".partial", "x");
  folder.write("b.partial", "x");
  folder.write("c." + std::to_string(dead), "x");
  folder.write("d.1x.partial", "x");
  remove_abandoned_files(folder.path());
  EXPECT_THAT(folder.list(), testing::UnorderedElementsAre(
                                 "a." + std::to_string(::getpid()) + ".partial", "b.partial",
                                 "below", "c." + std::to_string(dead), "d.1x.partial"));
  remove_abandoned_files(folder / "absent");
}

TEST(WriteFileAtomically, WritesAllBytes) {
  const TemporaryFolder folder;
  std::string contents(3'000'000, '\0');
  for (std::size_t i = 0; i < contents.size(); ++i) contents[i] = static_cast<char>(i * 31 >> 3);
  write_file_atomically(folder / "a.bin", contents);
  EXPECT_TRUE(read_file(folder / "a.bin") == contents);
}

TEST(WriteFileAtomically, FailsBelowAFileOrAMissingFolder) {
  const TemporaryFolder folder;
  folder.write("file", "x");
  EXPECT_EQ(error_of([&] { write_file_atomically(folder / "file/a", "y"); }),
            (folder / "file/a").string() + ": cannot be written: Not a directory");
  EXPECT_EQ(error_of([&] { write_file_atomically(folder / "none/a", "y"); }),
            (folder / "none/a").string() + ": cannot be written: No such file or directory");
  EXPECT_THAT(folder.list(), ElementsAre("file"));
  EXPECT_EQ(read_file(folder / "file"), "x");
}

TEST(WriteFileAtomically, AFolderInItsPlaceLeavesNoTrace) {
  const TemporaryFolder folder;
  fs::create_directories(folder / "taken");
  EXPECT_THAT(error_of([&] { write_file_atomically(folder / "taken", "y"); }),
              HasSubstr("taken: cannot be written: is a folder, not a file"));
  EXPECT_THAT(folder.list(), ElementsAre("taken"));
}

TEST(WriteFileAtomically, AFullDiskLeavesTheOldFile) {
  const TemporaryFolder folder;
  const fs::path file = folder.write("a.txt", "old");
  // A limit on the size of files stands for the full disk, in a process of its own.
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const std::string error =
        error_of([&] { write_file_atomically(file, std::string(5000, 'x')); });
    ::_exit(error == file.string() + ": cannot be written: File too large" ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(read_file(file), "old");
  EXPECT_THAT(folder.list(), ElementsAre("a.txt"));
}

TEST(WriteFileAtomically, NeverReplacesWhatIsNoFile) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  fs::create_symlink("/dev/full", folder / "device");
  fs::create_symlink("pipe", folder / "to_pipe");
  fs::create_symlink(".", folder / "to_folder");
  fs::create_symlink("nowhere", folder / "dangling");
  fs::create_symlink("loop", folder / "loop");
  const std::vector<std::string> before = folder.list();
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"pipe", "is a pipe, not a file"},
      {"device", "is a device, not a file"},
      {"to_pipe", "is a pipe, not a file"},
      {"to_folder", "is a folder, not a file"},
      {"dangling", "is a link that leads nowhere: No such file or directory"},
      {"loop", "is a link that leads nowhere: Too many levels of symbolic links"},
      {"new/", "it has no name"}};
  for (const auto& [name, reason] : cases) {
    const std::string file = (folder / name).string();
    const std::string expected = file + ": cannot be written: " + reason;
    EXPECT_EQ(error_of([&] { write_file_atomically(file, "y"); }), expected);
    EXPECT_EQ(error_of([&] { require_replaceable_file(file); }), expected);
  }
  EXPECT_EQ(folder.list(), before);
  EXPECT_TRUE(fs::is_fifo(folder / "pipe"));
  EXPECT_EQ(error_of([] { write_file_atomically("", "y"); }),
            ": cannot be written: it has no name");
}

TEST(WriteFileAtomically, ReplacesTheFileBehindALink) {
  const TemporaryFolder folder;
  folder.write("there/file", "old");
  fs::create_symlink("there/file", folder / "link");
  fs::create_symlink("link", folder / "second");
  write_file_atomically(folder / "second", "new");
  EXPECT_EQ(read_file(folder / "there/file"), "new");
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_TRUE(fs::is_symlink(folder / "second"));
  EXPECT_THAT(folder.list(), ElementsAre("link", "second", "there", "there/file"));
}

TEST(WriteFileAtomically, WritesThroughALinkToAFolder) {
  const TemporaryFolder folder;
  fs::create_directories(folder / "there");
  fs::create_symlink("there", folder / "link");
  write_file_atomically(folder / "link/file", "x");
  EXPECT_EQ(read_file(folder / "there/file"), "x");
}

TEST(WriteFileAtomically, TakesTheLongestNamesThereAre) {
  const TemporaryFolder folder;
  const std::string name(255, 'n');
  write_file_atomically(folder / name, "x");
  EXPECT_THAT(folder.list(), ElementsAre(name));
  EXPECT_THAT(error_of([&] { write_file_atomically(folder / (name + "n"), "x"); }),
              HasSubstr("cannot be written: File name too long"));
  EXPECT_THAT(folder.list(), ElementsAre(name));
}

TEST(RequireReplaceableFile, LeavesNoTrace) {
  const TemporaryFolder folder;
  folder.write("old", "x");
  require_replaceable_file(folder / "old");
  require_replaceable_file(folder / "new");
  EXPECT_THAT(folder.list(), ElementsAre("old"));
  EXPECT_EQ(read_file(folder / "old"), "x");
  EXPECT_THAT(error_of([&] { require_replaceable_file(folder / "old/new"); }),
              HasSubstr("Not a directory"));
}

TEST(ReadFile, RefusesWhatIsNoFile) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  const std::vector<std::pair<fs::path, std::string>> cases = {
      {folder / "none", "No such file or directory"},
      {folder.path(), "is a folder, not a file"},
      {folder / "pipe", "is a pipe, not a file"},
      {"/dev/zero", "is a device, not a file"},
      {"/dev/null", "is a device, not a file"}};
  for (const auto& [file, reason] : cases) {
    EXPECT_EQ(error_of([&] { read_file(file); }), file.string() + ": cannot be read: " + reason);
  }
}

TEST(ReadFile, RefusesWhatIsTooLarge) {
  const TemporaryFolder folder;
  const fs::path file = folder.write("x", "12345");
  EXPECT_EQ(read_file(file, 5), "12345");
  EXPECT_EQ(
      error_of([&] { read_file(file, 4); }),
      file.string() + ": cannot be read: has more than the 4 bytes that such a file may have");
  // One that takes no room on the disk.
  fs::resize_file(file, std::uintmax_t{1} << 40);
  EXPECT_THAT(error_of([&] { read_file(file); }), HasSubstr("has more than the 4294967296 bytes"));
}

TEST(ReadFile, ReadsFilesThatDoNotTellTheirSize) {
  EXPECT_THAT(read_file("/proc/self/status"), HasSubstr("VmSize"));
}

TEST(MakeFolder, MakesThoseAboveToo) {
  const TemporaryFolder folder;
  EXPECT_EQ(make_folder(folder / "a/b"), folder / "a/b");
  EXPECT_TRUE(fs::is_directory(folder / "a/b"));
  EXPECT_EQ(make_folder(folder / "a/b"), folder / "a/b") << "which is there";
  folder.write("file", "x");
  EXPECT_EQ(error_of([&] { make_folder(folder / "file/below"); }),
            (folder / "file/below").string() + ": cannot be created: Not a directory");
}

TEST(RequireWritableFolder, LeavesNoTrace) {
  const TemporaryFolder folder;
  require_writable_folder(folder / "a/b/c");
  require_writable_folder(folder / "a/b/c/");
  require_writable_folder(folder / "a/./b/../c");
  EXPECT_THAT(folder.list(), IsEmpty());
  fs::create_directories(folder / "there");
  require_writable_folder(folder / "there");
  require_writable_folder(folder / "there/more");
  EXPECT_THAT(folder.list(), ElementsAre("there"));
}

TEST(RequireWritableFolder, RefusesAFileInTheWay) {
  const TemporaryFolder folder;
  folder.write("file", "x");
  EXPECT_EQ(error_of([&] { require_writable_folder(folder / "file"); }),
            (folder / "file").string() + ": cannot be created: Not a directory");
  EXPECT_EQ(error_of([&] { require_writable_folder(folder / "file/below/it"); }),
            (folder / "file/below/it").string() + ": cannot be created: Not a directory");
  EXPECT_THAT(folder.list(), ElementsAre("file"));
}

TEST(RequireWritableFolder, AFailureHalfWayLeavesNoTrace) {
  const TemporaryFolder folder;
  const fs::path too_long = folder / "new" / std::string(300, 'x');
  EXPECT_THAT(error_of([&] { require_writable_folder(too_long); }),
              HasSubstr("cannot be created: File name too long"));
  EXPECT_THAT(folder.list(), IsEmpty());
}

TEST(RequireWritableFolder, RefusesAFolderThatCannotBeWritten) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write anywhere";
  const TemporaryFolder folder;
  fs::create_directories(folder / "locked");
  fs::permissions(folder / "locked", fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_THAT(error_of([&] { require_writable_folder(folder / "locked"); }),
              HasSubstr("cannot be written to: Permission denied"));
}

// A working directory and a MCUNET_CONFIGS of its own.
class FindConfig : public testing::Test {
 protected:
  FindConfig() : before_(fs::current_path()) {
    folder_.write("variable/fruits/apple.yaml", "");
    folder_.write("work/configs/fruits/apple.yaml", "");
    folder_.write("work/configs/fruits/pear.yaml", "");
    folder_.write("work/configs/fruits/README.md", "");
    fs::current_path(folder_ / "work");
  }
  ~FindConfig() override { fs::current_path(before_); }

  fs::path before_;
  TemporaryFolder folder_;
  ScopedVariable variable_{"MCUNET_CONFIGS", (folder_ / "variable").string()};
};

TEST_F(FindConfig, AFileComesFirst) {
  folder_.write("work/apple", "");
  EXPECT_EQ(find_config("apple", "fruits"), "apple");
  EXPECT_EQ(find_config("configs/fruits/pear.yaml", "fruits"), "configs/fruits/pear.yaml");
}

TEST_F(FindConfig, ThenTheVariableThenTheWorkingDirectory) {
  EXPECT_EQ(find_config("apple", "fruits"), folder_ / "variable/fruits/apple.yaml");
  EXPECT_EQ(find_config("pear", "fruits"), "configs/fruits/pear.yaml");
  const ScopedVariable none("MCUNET_CONFIGS", std::nullopt);
  EXPECT_EQ(find_config("apple", "fruits"), "configs/fruits/apple.yaml");
}

TEST_F(FindConfig, AFolderIsNoConfig) {
  fs::create_directories(folder_ / "work/apple");
  EXPECT_EQ(find_config("apple", "fruits"), folder_ / "variable/fruits/apple.yaml");
}

TEST_F(FindConfig, TheErrorListsTheNames) {
  EXPECT_EQ(error_of([] { find_config("xylophone", "fruits"); }),
            "xylophone: is no file and no name in configs/fruits (there are apple, pear)");
  EXPECT_EQ(error_of([] { find_config("aple", "fruits"); }),
            "aple: is no file and no name in configs/fruits; "
            "did you mean apple? (there are apple, pear)");
  EXPECT_EQ(error_of([] { find_config("carrot", "vegetables"); }),
            "carrot: is no file and no name in configs/vegetables");
}

}  // namespace
}  // namespace mcunet
