#pragma once

#include <filesystem>
#include <string>
#include <vector>

// Plots as gnuplot draws them. Each is kept as NAME.csv (the data), NAME.gp (the script, to redraw
// it in another style), NAME.svg and NAME.pdf.
namespace mcunet::report {

struct Plot {
  std::string name;
  std::string csv;  // with a header line
  std::string
      script;  // gnuplot commands that read NAME.csv; terminal and output are set before them
  int width_px = 760;
  int height_px = 460;
};

// Throws Error, with the package to install, if gnuplot is not there.
void require_gnuplot();

// Draws all plots with one run of gnuplot. Throws Error if gnuplot is missing or refuses a script;
// plots that were there before are then as they were.
void draw(const std::vector<Plot>& plots, const std::filesystem::path& folder);

}  // namespace mcunet::report
