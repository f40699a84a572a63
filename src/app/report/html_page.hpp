#pragma once

#include <string>
#include <string_view>
#include <vector>

// A page that opens from disk: no scripts, nothing from a network, plots as SVG beside it.
namespace mcunet::report {

std::string escape_html(std::string_view text);

class HtmlPage {
 public:
  // Without plots, figures are links to their data.
  explicit HtmlPage(std::string title, bool has_plots = true)
      : title_(std::move(title)), has_plots_(has_plots) {}

  void heading(std::string_view text);
  void paragraph(std::string_view text);

  // Rows of cells; the first row is the header. The first `highlighted` rows of the body stand out.
  void table(const std::vector<std::vector<std::string>>& rows, int highlighted = 0);

  // A plot with its caption, and links to its PDF and CSV.
  void figure(const std::string& plot_name, std::string_view caption);

  // An image file beside the page.
  void drawing(const std::string& file, std::string_view caption);

  void link(const std::string& file, std::string_view text);

  std::string to_string() const;

 private:
  std::string title_;
  bool has_plots_;
  std::string body_;
};

}  // namespace mcunet::report
