#pragma once

#include <string>
#include <vector>

#include "plot.hpp"

// The same curve of several runs in one plot.
namespace mcunet::report {

struct PlotPoint {
  double x = 0;
  double y = 0;
};

struct Series {
  std::string label;  // plain, see is_plain_name; it stands in the script of gnuplot
  std::vector<PlotPoint> points;
};

struct Overlay {
  std::string name;  // of the plot's files
  std::string x_label;
  std::string y_label;
  bool is_front = false;  // points with steps between them, else lines
  std::vector<Series> series;
};

Plot overlay_plot(const Overlay& overlay);

// The winner of the search in one space.
struct SpaceAccuracy {
  std::string label;
  double mean_macs = 0;  // of the space's networks within the budget
  double accuracy = 0;   // of the winner
};

// Accuracy against the mean computation of the space (paper, Figure 10).
Plot accuracy_by_space_plot(const std::vector<SpaceAccuracy>& spaces);

}  // namespace mcunet::report
