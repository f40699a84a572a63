#include "overlay_plot.hpp"

#include <fmt/format.h>

#include <iterator>

namespace mcunet::report {
namespace {

constexpr const char* kColors[] = {"#d62728", "#1f77b4", "#2ca02c", "#ff9f1c", "#9467bd",
                                   "#17becf", "#8c564b", "#e377c2", "#7f7f7f", "#222222"};

}  // namespace

Plot overlay_plot(const Overlay& overlay) {
  Plot plot{.name = overlay.name, .csv = "series,x,y\n", .height_px = 400};
  std::string curves;
  for (std::size_t i = 0; i < overlay.series.size(); ++i) {
    const Series& series = overlay.series[i];
    for (const PlotPoint& point : series.points) {
      plot.csv += fmt::format("{},{:.6g},{:.6g}\n", i, point.x, point.y);
    }
    if (series.points.empty()) continue;
    const char* color = kColors[i % std::size(kColors)];
    const std::string data =
        fmt::format("'{}.csv' using ($1 == {} ? $2 : 1/0):3 skip 1", overlay.name, i);
    curves +=
        fmt::format("{}{} with {} lw 2 lc rgb '{}' title '{}'", curves.empty() ? "" : ", \\\n ",
                    data, overlay.is_front ? "steps" : "lines", color, series.label);
    if (!overlay.is_front) continue;
    curves += fmt::format(", \\\n {} with points pt 7 ps 0.6 lc rgb '{}' notitle", data, color);
  }
  plot.script = fmt::format(
      "set datafile missing NaN\nset xlabel '{}'\nset ylabel '{}'\n"
      "set key above horizontal Left reverse noenhanced samplen 2\nplot {}",
      overlay.x_label, overlay.y_label, curves);
  return plot;
}

Plot accuracy_by_space_plot(const std::vector<SpaceAccuracy>& spaces) {
  Plot plot{.name = "accuracy_by_space", .csv = "space,mean_million_macs,accuracy\n"};
  for (const SpaceAccuracy& space : spaces) {
    plot.csv +=
        fmt::format("{},{:.4f},{:.4f}\n", space.label, space.mean_macs / 1e6, 100 * space.accuracy);
  }
  plot.script =
      "set xlabel 'mean of the space (million MACs)'\nset ylabel 'accuracy of the winner (%)'\n"
      "set key off\nset offsets graph 0.12, graph 0.12, graph 0.12, graph 0.08\n"
      "plot 'accuracy_by_space.csv' using 2:3 skip 1 with points pt 7 ps 1 lc rgb '#d62728', \\\n"
      " '' using 2:3:1 skip 1 with labels offset 0,0.9 tc rgb '#333333'";
  return plot;
}

}  // namespace mcunet::report
