#include "mcunet/core/standard_streams.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <functional>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "mcunet/core/files.hpp"

namespace mcunet {
namespace {

// Whether `work` is true in a process of its own, which may close and redirect what it likes.
bool holds_in_a_child(const std::function<bool()>& work) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work() ? 0 : 1);
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void redirect(int number, const char* file) {
  const int opened = ::open(file, O_WRONLY);
  ::dup2(opened, number);
  ::close(opened);
}

TEST(StandardStreams, NoFileTakesTheNumberOfAClosedOne) {
  EXPECT_TRUE(holds_in_a_child([] {
    for (const int number : {0, 1, 2}) ::close(number);
    secure_standard_streams();
    const TemporaryFolder folder;
    const int file = ::open((folder / "x").c_str(), O_WRONLY | O_CREAT, 0644);
    say("a message");
    fmt::print("a result");
    finish_standard_output();
    return file > 2 && read_file(folder / "x").empty();
  }));
}

TEST(StandardStreams, OpenOnesStayAsTheyAre) {
  const TemporaryFolder folder;
  folder.write("out", "");
  EXPECT_TRUE(holds_in_a_child([&] {
    redirect(STDOUT_FILENO, (folder / "out").c_str());
    secure_standard_streams();
    fmt::print("{}", 42);
    finish_standard_output();
    return true;
  }));
  EXPECT_EQ(read_file(folder / "out"), "42");
}

TEST(StandardStreams, AMessageThatNobodyHearsIsLostAndNothingElse) {
  EXPECT_TRUE(holds_in_a_child([] {
    secure_standard_streams();
    redirect(STDERR_FILENO, "/dev/full");
    say("text\n");
    say("{} {}\n", "more", 1);
    ::close(STDERR_FILENO);
    say("text\n");
    int ends[2];
    if (::pipe(ends) != 0) return false;
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[0]);
    say("text\n");
    return true;
  }));
}

TEST(StandardStreams, AResultThatIsLostIsAnError) {
  EXPECT_TRUE(holds_in_a_child([] {
    secure_standard_streams();
    redirect(STDOUT_FILENO, "/dev/full");
    fmt::print("a result\n");
    return error_of([] { finish_standard_output(); }) ==
           "standard output: cannot be written: No space left on device";
  }));
  // Also one that was written, or not, in the midst of others.
  EXPECT_TRUE(holds_in_a_child([] {
    secure_standard_streams();
    redirect(STDOUT_FILENO, "/dev/full");
    try {
      fmt::print("{}", std::string(100'000, 'x'));
    } catch (const std::exception&) {
    }
    return error_of([] { finish_standard_output(); })
        .starts_with("standard output: cannot be written");
  }));
}

TEST(StandardStreams, ALimitOnTheSizeOfFilesIsAnErrorAndNoSignal) {
  const TemporaryFolder folder;
  EXPECT_TRUE(holds_in_a_child([&] {
    ::signal(SIGXFSZ, SIG_DFL);
    secure_standard_streams();
    const rlimit limit{100, 100};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    return error_of([&] { write_file_atomically(folder / "x", std::string(1000, 'x')); })
        .ends_with("x: cannot be written: File too large");
  }));
  EXPECT_TRUE(folder.list().empty());
}

}  // namespace
}  // namespace mcunet
