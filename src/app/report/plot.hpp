#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

// Plots as gnuplot draws them. Each is kept as NAME.csv (the data), NAME.gp (the script, to redraw
// it in another style), NAME.svg and NAME.pdf.
namespace mcunet::report {

struct Plot {
  std::string name;
  std::string csv;  // with a header line
  // Gnuplot commands that read NAME.csv; terminal and output are set before them.
  std::string script;
  // Small enough that its text can be read on a telephone.
  int width_px = 560;
  int height_px = 380;
};

// Warns, once in a process, that there will be no plots, if gnuplot is not there.
void look_for_gnuplot();

using Drawings = std::map<std::string, std::string>;  // SVG by the plot's name

// Draws all plots with one run of gnuplot. If gnuplot is missing or fails, it warns, once in a process,
// leaves NAME.csv and NAME.gp alone, and gives nothing: no result is worth less for want of a picture.
// Throws Error if the folder cannot be written to.
Drawings draw(const std::vector<Plot>& plots, const std::filesystem::path& folder);

}  // namespace mcunet::report
