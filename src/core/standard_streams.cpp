#include "mcunet/core/standard_streams.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "mcunet/core/error.hpp"

namespace mcunet {

void secure_standard_streams() {
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // The lowest number that is free is this one.
    if (::fcntl(number, F_GETFD) < 0 && errno == EBADF) ::open("/dev/null", O_RDWR);
  }
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
}

void say(std::string_view text) noexcept { std::fwrite(text.data(), 1, text.size(), stderr); }

void finish_standard_output() {
  const bool was_good = std::ferror(stdout) == 0;
  errno = 0;
  if (std::fflush(stdout) == 0 && was_good) return;
  throw Error("standard output: cannot be written{}{}", errno == 0 ? "" : ": ",
              errno == 0 ? "" : std::strerror(errno));
}

}  // namespace mcunet
