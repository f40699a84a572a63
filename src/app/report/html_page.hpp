#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "plot.hpp"

// A page that is one file: no scripts, nothing from a network, pictures and plots within it. It is made to
// be read on a telephone, at a desk and on paper.
namespace mcunet::report {

std::string escape_html(std::string_view text);

// HTML that may stand in a page as it is: whatever came from outside is escaped in it.
struct Markup {
  std::string html;
};

// An SVG as an element of a page that takes the width it finds. All names
// in it get the prefix, as those of one page must differ.
Markup inline_svg(std::string_view svg, std::string_view prefix);

// The contents of an image file of a type such as "image/jpeg".
Markup inline_image(std::string_view bytes, std::string_view type, std::string_view description);

// A figure of the page's head.
struct Fact {
  std::string label;
  std::string value;
  std::string remark;
};

struct Figure {
  Markup content;
  std::string caption;
};

using TableRows = std::vector<std::vector<std::string>>;  // the first row is the header

class HtmlPage {
 public:
  explicit HtmlPage(std::string title) : title_(std::move(title)) {}

  // Of a chapter, with an entry in the contents; and of a part of it.
  void heading(std::string_view text);
  void subheading(std::string_view text);
  void paragraph(std::string_view text);
  void facts(const std::vector<Fact>& facts);

  // The first `highlighted` rows of the body stand out.
  void table(const TableRows& rows, int highlighted = 0);
  // Of properties and their values, without a header.
  void properties(const TableRows& rows);
  // A table under its title, opened by a click.
  void folded_table(std::string_view title, const TableRows& rows, int highlighted = 0);

  // Beside each other where there is room.
  void figures(const std::vector<Figure>& figures);
  // Small ones, many in a row; and rows of them under their captions.
  void pictures(const std::vector<Figure>& pictures);
  void samples(const std::vector<Figure>& rows);
  // Scrolls sideways where it is wider than the page.
  void wide_figure(const Figure& figure);
  void add(const Markup& markup) { body_ += markup.html; }

  std::string to_string() const;

 private:
  std::string title_;
  std::string contents_;
  std::string body_;
  int headings_ = 0;
};

// The plot of this name among those that were drawn. Without gnuplot there are none, and the figure says
// where its data lie.
Figure figure_of(const Drawings& drawings, const std::string& name, std::string_view caption);

}  // namespace mcunet::report
