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

// Warns, once in a process, that there will be no plots, if gnuplot is not there.
void look_for_gnuplot();

// Draws all plots with one run of gnuplot; whether it could. If gnuplot is missing or fails, it
// warns, once in a process, and leaves NAME.csv and NAME.gp alone: no result is worth less for want
// of a picture. Throws Error if the folder cannot be written to.
bool draw(const std::vector<Plot>& plots, const std::filesystem::path& folder);

}  // namespace mcunet::report
