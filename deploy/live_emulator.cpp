#include "live_emulator.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "cross_compiler.hpp"
#include "emulator_board.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/process.hpp"
#include "mcunet/deploy/emulator.hpp"

namespace mcunet::deploy {
namespace fs = std::filesystem;
namespace {

constexpr char kProgram[] = "live.elf";
constexpr char kLog[] = "log";

void build(const fs::path& project, const EmulatorBoard& board, const std::string& core,
           const fs::path& folder) {
  std::vector<fs::path> sources = model_sources(project, read_model_description(project).names);
  for (const char* name :
       {"live_main.c", "serial_link.c", "emulator_line.c", "console.c", "startup.c"}) {
    const fs::path source = project / "firmware" / name;
    if (!fs::exists(source)) {
      throw Error("{}: is not there: the folder was compiled by an older mcunet; compile it again",
                  source.string());
    }
    sources.push_back(source);
  }
  const fs::path script = folder / "live.ld";
  write_file_atomically(script, linker_script(board.map, "Memory of " + board.name));
  FirmwareReport report;
  if (!link(compile(project, sources, core, board.defines, folder), script, core, board.map,
            folder / kProgram, report)) {
    throw Error("the network does not fit {}: {}", board.name, describe_excess(report).at(0));
  }
}

std::vector<std::string> command_for(const EmulatorBoard& board) {
  return {"qemu-system-arm",
          "-M",
          board.name,
          "-icount",
          "shift=0",
          "-display",
          "none",
          "-monitor",
          "none",
          "-chardev",
          "stdio,id=line,signal=off",
          "-serial",
          "chardev:line",
          "-kernel",
          kProgram};
}

}  // namespace

LiveEmulator::LiveEmulator(const fs::path& project, const std::string& name) {
  const std::string core = read_project_device(project).core;
  const EmulatorBoard& board = choose_board(name, core);
  if (!board.defines.empty()) {
    throw Error("{}: has another serial line than that of live firmware; choose an mps2 board",
                board.name);
  }
  board_ = board.name;
  build(project, board, core, scratch_.path());
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw Error("socketpair: {}", std::strerror(errno));
  }
  const int log = ::open((scratch_.path() / kLog).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  try {
    // In a group of its own: an interrupt from the terminal is for this program, which ends it.
    process_ = start_process(command_for(board),
                             {.folder = scratch_.path(),
                              .input = ends[1],
                              .output = ends[1],
                              .error = log,
                              .blocked_signals = {},
                              .leads_group = true},
                             "qemu-system-arm");
  } catch (...) {
    for (const int end : {ends[0], ends[1], log}) ::close(end);
    throw;
  }
  ::close(ends[1]);
  ::close(log);
  socket_ = ends[0];
}

LiveEmulator::~LiveEmulator() {
  end();
  if (socket_ >= 0) ::close(socket_);
}

int LiveEmulator::take_socket() { return std::exchange(socket_, -1); }

void LiveEmulator::end() {
  if (process_ < 0) return;
  // Does nothing to one that has ended on its own, whose status is kept for waitpid.
  ::kill(process_, SIGKILL);
  while (::waitpid(process_, &status_, 0) < 0 && errno == EINTR) {
  }
  process_ = -1;
}

std::string LiveEmulator::describe_end() {
  // It has closed its end, or is about to be gone; it gets a moment for that.
  for (int turn = 0; turn < 100 && process_ >= 0; ++turn) {
    if (::waitpid(process_, &status_, WNOHANG) == process_) process_ = -1;
    if (process_ >= 0) std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  if (process_ >= 0) return "has closed its serial line";
  if (WIFSIGNALED(status_)) {
    const int signal = WTERMSIG(status_);
    return fmt::format("was killed by signal {} ({})", signal, ::strsignal(signal));
  }
  const std::string log = read_file(scratch_.path() / kLog);
  return fmt::format("ended with code {}{}", WEXITSTATUS(status_),
                     log.empty() ? "" : ": " + log.substr(0, log.find('\n')));
}

}  // namespace mcunet::deploy
