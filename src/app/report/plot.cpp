#include "plot.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/scratch_folder.hpp"

namespace mcunet::report {
namespace fs = std::filesystem;
namespace {

constexpr char kStyle[] =
    "set datafile separator ','\n"
    "set border 3 lc rgb '#555555'\n"
    "set tics nomirror tc rgb '#333333'\n"
    "set grid lc rgb '#dddddd' lw 0.5\n";

std::string draw_commands(const Plot& plot) {
  return fmt::format(
      "reset\n{0}"
      "set terminal svg size {1},{2} dynamic enhanced font 'DejaVu Sans,12' "
      "background rgb 'white'\n"
      "set output '{3}.svg'\n{4}\n"
      "reset\n{0}"
      "set terminal pdfcairo size {5:.2f}in,{6:.2f}in enhanced font 'DejaVu Sans,9'\n"
      "set output '{3}.pdf'\n{4}\n"
      "set output\n",
      kStyle, plot.width_px, plot.height_px, plot.name, plot.script, plot.width_px / 110.0,
      plot.height_px / 110.0);
}

// Runs gnuplot on a script in its folder; returns what it wrote to its standard error.
std::string run_gnuplot(const fs::path& folder, int& status) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "log", O_WRONLY | O_CREAT | O_TRUNC,
                                     0644);
  ::posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  std::string program = "gnuplot";
  std::string script = "script.gp";
  char* arguments[] = {program.data(), script.data(), nullptr};
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, "gnuplot", &actions, nullptr, arguments, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error == ENOENT)
    throw Error("gnuplot: is not installed; plots need it (package gnuplot-nox)");
  if (error != 0) throw Error("gnuplot: cannot be started: {}", std::strerror(error));
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return read_file(folder / "log");
}

}  // namespace

void draw(const std::vector<Plot>& plots, const fs::path& folder) {
  const ScratchFolder temporary;
  std::string script;
  for (const Plot& plot : plots) {
    write_file_atomically(temporary.path() / (plot.name + ".csv"), plot.csv);
    script += draw_commands(plot);
  }
  write_file_atomically(temporary.path() / "script.gp", script);
  int status = 0;
  const std::string log = run_gnuplot(temporary.path(), status);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw Error("gnuplot: failed: {}", log.substr(0, 400));
  }

  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw Error("{}: cannot be created: {}", folder.string(), error.message());
  for (const Plot& plot : plots) {
    for (const char* extension : {".svg", ".pdf"}) {
      const std::string file = plot.name + extension;
      write_file_atomically(folder / file, read_file(temporary.path() / file));
    }
    write_file_atomically(folder / (plot.name + ".csv"), plot.csv);
    write_file_atomically(folder / (plot.name + ".gp"), draw_commands(plot));
  }
}

}  // namespace mcunet::report
