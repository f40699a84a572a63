#include "plot.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <spdlog/spdlog.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <mutex>

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
  if (error == ENOENT) throw Error("gnuplot: is not installed (package gnuplot-nox)");
  if (error != 0) throw Error("gnuplot: cannot be started: {}", std::strerror(error));
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return read_file(folder / "log");
}

}  // namespace

namespace {

using Drawings = std::map<std::string, std::string>;  // files by name

// Throws Error if not all could be drawn.
Drawings run_script(const std::vector<Plot>& plots) {
  const ScratchFolder folder;
  std::string script;
  for (const Plot& plot : plots) {
    write_file_atomically(folder.path() / (plot.name + ".csv"), plot.csv);
    script += draw_commands(plot);
  }
  write_file_atomically(folder.path() / "script.gp", script);
  int status = 0;
  const std::string log = run_gnuplot(folder.path(), status);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw Error("gnuplot: failed: {}", log.substr(0, 400));
  }
  Drawings drawings;
  for (const Plot& plot : plots) {
    for (const char* extension : {".svg", ".pdf"}) {
      const std::string file = plot.name + extension;
      if (!fs::exists(folder.path() / file)) throw Error("gnuplot: has not drawn {}", file);
      drawings[file] = read_file(folder.path() / file);
    }
  }
  return drawings;
}

// Once: a report has many plots, and all fail for the same reason.
void warn_of(const Error& reason) {
  static std::once_flag once;
  std::call_once(once, [&] {
    spdlog::warn("{}; the report has no plots, all else is there. Draw it again with mcunet report",
                 reason.what());
  });
}

Drawings draw_or_warn(const std::vector<Plot>& plots) {
  try {
    return run_script(plots);
  } catch (const Error& reason) {
    warn_of(reason);
    return {};
  }
}

}  // namespace

bool draw(const std::vector<Plot>& plots, const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw Error("{}: cannot be created: {}", folder.string(), error.message());
  const Drawings drawings = draw_or_warn(plots);
  for (const auto& [file, contents] : drawings) write_file_atomically(folder / file, contents);
  for (const Plot& plot : plots) {
    write_file_atomically(folder / (plot.name + ".csv"), plot.csv);
    write_file_atomically(folder / (plot.name + ".gp"), draw_commands(plot));
    if (!drawings.empty()) continue;
    // Older drawings show other data.
    for (const char* extension : {".svg", ".pdf"})
      fs::remove(folder / (plot.name + extension), error);
  }
  return !drawings.empty();
}

}  // namespace mcunet::report
