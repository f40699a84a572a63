#include "network_drawing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "html_page.hpp"

namespace mcunet::report {
namespace {

constexpr int kBoxWidth = 46;
constexpr int kGap = 12;
constexpr int kMargin = 16;
constexpr int kBaseline = 190;  // the lower edge of all boxes
constexpr int kMaxHeight = 110;

struct Box {
  std::string title;     // inside
  std::string subtitle;  // below: channels
  std::string color;
  int channels = 0;
  int side = 0;  // columns of the output map
  bool has_residual = false;
};

// Small kernels are light; the shades can be told apart in grey.
const char* color_of(int kernel) {
  if (kernel <= 1) return "#d9d9d9";
  if (kernel <= 3) return "#c6dbef";
  if (kernel <= 5) return "#6baed6";
  return "#2171b5";
}

std::string size(search::space::Form form, int columns) {
  return fmt::format("{}x{}", search::space::rows_of(form, columns), columns);
}

int side_after(int side, int kernel, int stride) {
  return (side + 2 * (kernel / 2) - kernel) / stride + 1;
}

std::string subtitle_of(const search::space::InvertedResidual& block) {
  std::string text = fmt::format("MB{}", block.expand_ratio);
  if (block.weight_bits != 0) text += fmt::format(" w{}", block.weight_bits);
  return text;
}

std::vector<Box> boxes_of(const search::space::Network& network) {
  int side = side_after(network.resolution, network.stem_kernel, network.stem_stride);
  const auto size_of = [&](int kernel) { return size(network.form, kernel); };
  std::vector<Box> boxes = {{.title = size_of(network.stem_kernel),
                             .subtitle = "stem",
                             .color = color_of(network.stem_kernel),
                             .channels = network.stem_channels,
                             .side = side}};
  for (const search::space::InvertedResidual& block : network.blocks) {
    side = side_after(side, block.kernel, block.stride);
    boxes.push_back({.title = size_of(block.kernel),
                     .subtitle = subtitle_of(block),
                     .color = color_of(block.kernel),
                     .channels = block.out_channels,
                     .side = side,
                     .has_residual = block.has_residual});
  }
  if (network.feature_mix_channels) {
    boxes.push_back({.title = "1x1",
                     .subtitle = "mix",
                     .color = color_of(1),
                     .channels = *network.feature_mix_channels,
                     .side = side});
  }
  const bool is_pooled = network.head == search::space::Head::kPooled;
  boxes.push_back({.title = is_pooled ? "pool" : "1x1",
                   .subtitle = is_pooled ? "FC" : "boxes",
                   .color = "#fdd0a2",
                   .channels = network.outputs,
                   .side = is_pooled ? 1 : side});
  return boxes;
}

std::string text(int x, int y, const std::string& label, const char* style = "") {
  return fmt::format("<text x=\"{}\" y=\"{}\" {}>{}</text>\n", x, y, style, escape_html(label));
}

}  // namespace

std::string draw_network(const search::space::Network& network) {
  const std::vector<Box> boxes = boxes_of(network);
  int most = 1;
  for (const Box& box : boxes) most = std::max(most, box.channels);
  const int width = 2 * kMargin + static_cast<int>(boxes.size()) * (kBoxWidth + kGap) + kBoxWidth;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} 250\" width=\"{0}\" "
      "height=\"250\" font-family=\"DejaVu Sans, sans-serif\" font-size=\"12\" "
      "text-anchor=\"middle\">\n<rect width=\"{0}\" height=\"250\" fill=\"white\"/>\n",
      width);
  int x = kMargin;
  svg += fmt::format(
      "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"34\" fill=\"white\" stroke=\"#444\"/>\n", x,
      kBaseline - 34, kBoxWidth);
  svg += text(x + kBoxWidth / 2, kBaseline - 12, "input");
  int side = network.resolution;
  svg += text(x + kBoxWidth / 2, 40, size(network.form, side), "fill=\"#555\"");
  for (const Box& box : boxes) {
    x += kBoxWidth + kGap;
    const int middle = x + kBoxWidth / 2;
    const double share = std::log2(1.0 + box.channels) / std::log2(1.0 + most);
    const int height = std::max(24, static_cast<int>(kMaxHeight * share));
    svg +=
        fmt::format("<path d=\"M {} {} h {}\" stroke=\"#444\"/>\n", x - kGap, kBaseline - 12, kGap);
    svg += fmt::format(
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"3\" fill=\"{}\" "
        "stroke=\"#444\"/>\n",
        x, kBaseline - height, kBoxWidth, height, box.color);
    if (box.has_residual) {
      svg += fmt::format(
          "<path d=\"M {} {} q {} -18 {} 0\" fill=\"none\" stroke=\"#d62728\" "
          "stroke-width=\"1.5\"/>\n",
          x - kGap / 2, kBaseline - height - 2, (kBoxWidth + kGap) / 2, kBoxWidth + kGap);
    }
    const bool is_dark = box.color == color_of(7);
    svg += text(middle, kBaseline - 8, box.title, is_dark ? "fill=\"white\"" : "");
    svg += text(middle, kBaseline + 18, box.subtitle);
    svg += text(middle, kBaseline + 36, std::to_string(box.channels), "fill=\"#555\"");
    if (box.side != side) {
      side = box.side;
      svg += text(middle, 40, size(network.form, side), "fill=\"#555\"");
    }
  }
  return svg + "</svg>\n";
}

}  // namespace mcunet::report
