#include "html_page.hpp"

#include <fmt/format.h>

#include "mcunet/core/names.hpp"

namespace mcunet::report {
namespace {

constexpr char kStyleSheet[] = R"css(
body { font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; color: #222; max-width: 60rem;
       margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; margin-bottom: 0.2rem; }
h2 { font-size: 1.25rem; margin-top: 2.2rem; border-bottom: 1px solid #ddd; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.15rem 0.8rem; text-align: right; border-bottom: 1px solid #eee; }
th { border-bottom: 2px solid #999; }
tr.best td { background: #fff3d6; font-weight: 600; }
figure { margin: 1rem 0; }
figure img { max-width: 100%; height: auto; }
figcaption { color: #555; font-size: 0.9rem; }
.scroll { max-height: 28rem; overflow: auto; display: inline-block; max-width: 100%; }
@media print { .scroll { max-height: none; } }
)css";

}  // namespace

std::string escape_html(std::string_view text) {
  std::string result;
  for (const char c : escaped(text)) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

void HtmlPage::heading(std::string_view text) {
  body_ += fmt::format("<h2>{}</h2>\n", escape_html(text));
}

void HtmlPage::paragraph(std::string_view text) {
  body_ += fmt::format("<p>{}</p>\n", escape_html(text));
}

void HtmlPage::table(const std::vector<std::vector<std::string>>& rows, int highlighted) {
  body_ += "<div class=\"scroll\"><table>\n";
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const bool is_best = r >= 1 && r <= static_cast<std::size_t>(highlighted);
    const char* cell = r == 0 ? "th" : "td";
    body_ += is_best ? "<tr class=\"best\">" : "<tr>";
    for (const std::string& text : rows[r]) {
      body_ += fmt::format("<{0}>{1}</{0}>", cell, escape_html(text));
    }
    body_ += "</tr>\n";
  }
  body_ += "</table></div>\n";
}

void HtmlPage::figure(const std::string& plot_name, std::string_view caption) {
  const std::string text = escape_html(caption);
  const std::string image =
      has_plots_ ? fmt::format("<img src=\"{}.svg\" alt=\"{}\">", plot_name, text) : "";
  const std::string pdf = has_plots_ ? fmt::format("<a href=\"{}.pdf\">PDF</a> ", plot_name) : "";
  body_ += fmt::format(
      "<figure>{1}<figcaption>{2} {3}"
      "<a href=\"{0}.csv\">CSV</a> <a href=\"{0}.gp\">gnuplot</a></figcaption></figure>\n",
      plot_name, image, text, pdf);
}

void HtmlPage::drawing(const std::string& file, std::string_view caption) {
  body_ +=
      fmt::format("<figure><img src=\"{0}\" alt=\"{1}\"><figcaption>{1}</figcaption></figure>\n",
                  file, escape_html(caption));
}

void HtmlPage::link(const std::string& file, std::string_view text) {
  body_ += fmt::format("<p><a href=\"{}\">{}</a></p>\n", file, escape_html(text));
}

std::string HtmlPage::to_string() const {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<title>{0}</title>\n"
      "<style>{1}</style></head>\n<body>\n<h1>{0}</h1>\n{2}</body></html>\n",
      escape_html(title_), kStyleSheet, body_);
}

}  // namespace mcunet::report
