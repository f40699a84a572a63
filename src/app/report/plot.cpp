#include "plot.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <map>
#include <mutex>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/process.hpp"
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
      "set terminal svg size {1},{2} dynamic enhanced font 'DejaVu Sans,13' "
      "background rgb 'white'\n"
      "set output '{3}.svg'\n{4}\n"
      "reset\n{0}"
      "set terminal pdfcairo size {5:.2f}in,{6:.2f}in enhanced font 'DejaVu Sans,9'\n"
      "set output '{3}.pdf'\n{4}\n"
      "set output\n",
      kStyle, plot.width_px, plot.height_px, plot.name, plot.script, plot.width_px / 110.0,
      plot.height_px / 110.0);
}

constexpr char kGnuplot[] = "gnuplot";
constexpr char kPackage[] = "gnuplot-nox";

using Files = std::map<std::string, std::string>;  // contents by name

// Throws Error if not all could be drawn.
Files run_script(const std::vector<Plot>& plots) {
  const ScratchFolder folder;
  std::string script;
  for (const Plot& plot : plots) {
    write_file_atomically(folder.path() / (plot.name + ".csv"), plot.csv);
    script += draw_commands(plot);
  }
  write_file_atomically(folder.path() / "script.gp", script);
  const ProcessResult result =
      run_to_end({kGnuplot, "script.gp"}, {.folder = folder.path(), .package = kPackage});
  if (result.exit_code != 0) throw Error("{}: failed: {}", kGnuplot, result.log.substr(0, 400));
  Files drawings;
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

Files draw_or_warn(const std::vector<Plot>& plots) {
  try {
    return run_script(plots);
  } catch (const Error& reason) {
    warn_of(reason);
    return {};
  }
}

}  // namespace

void look_for_gnuplot() {
  try {
    require_program(kGnuplot, kPackage);
  } catch (const Error& reason) {
    warn_of(reason);
  }
}

Drawings draw(const std::vector<Plot>& plots, const fs::path& folder) {
  make_folder(folder);
  const Files files = draw_or_warn(plots);
  Drawings drawings;
  for (const auto& [file, contents] : files) write_file_atomically(folder / file, contents);
  for (const Plot& plot : plots) {
    write_file_atomically(folder / (plot.name + ".csv"), plot.csv);
    write_file_atomically(folder / (plot.name + ".gp"), draw_commands(plot));
    if (!files.empty()) {
      drawings[plot.name] = files.at(plot.name + ".svg");
      continue;
    }
    // Older drawings show other data.
    std::error_code ignored;
    for (const char* extension : {".svg", ".pdf"})
      fs::remove(folder / (plot.name + extension), ignored);
  }
  return drawings;
}

}  // namespace mcunet::report
