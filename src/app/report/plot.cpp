#include "plot.hpp"

#include <fmt/format.h>

#include <map>

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

constexpr char kGnuplot[] = "gnuplot";
constexpr char kPackage[] = "gnuplot-nox";

}  // namespace

void require_gnuplot() { require_program(kGnuplot, kPackage); }

void draw(const std::vector<Plot>& plots, const fs::path& folder) {
  const ScratchFolder temporary;
  std::string script;
  for (const Plot& plot : plots) {
    write_file_atomically(temporary.path() / (plot.name + ".csv"), plot.csv);
    script += draw_commands(plot);
  }
  write_file_atomically(temporary.path() / "script.gp", script);
  const ProcessResult result =
      run_to_end({kGnuplot, "script.gp"}, {.folder = temporary.path(), .package = kPackage});
  if (result.exit_code != 0) throw Error("{}: failed: {}", kGnuplot, result.log.substr(0, 400));

  std::map<std::string, std::string> files;
  for (const Plot& plot : plots) {
    for (const char* extension : {".svg", ".pdf"}) {
      const std::string file = plot.name + extension;
      if (!fs::exists(temporary.path() / file)) throw Error("{}: drew no {}", kGnuplot, file);
      files[file] = read_file(temporary.path() / file);
    }
    files[plot.name + ".csv"] = plot.csv;
    files[plot.name + ".gp"] = draw_commands(plot);
  }
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw Error("{}: cannot be created: {}", folder.string(), error.message());
  for (const auto& [name, contents] : files) write_file_atomically(folder / name, contents);
}

}  // namespace mcunet::report
