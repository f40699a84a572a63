#include "html_page.hpp"

#include <fmt/format.h>

#include "mcunet/core/names.hpp"
#include "style_sheet.hpp"

namespace mcunet::report {
namespace {

std::string table_markup(const TableRows& rows, int highlighted) {
  std::string html = "<div class=\"scroll\"><table>\n";
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const bool is_best = r >= 1 && r <= static_cast<std::size_t>(highlighted);
    const char* cell = r == 0 ? "th" : "td";
    html += is_best ? "<tr class=\"best\">" : "<tr>";
    for (const std::string& text : rows[r]) {
      html += fmt::format("<{0}>{1}</{0}>", cell, escape_html(text));
    }
    html += "</tr>\n";
  }
  return html + "</table></div>\n";
}

std::string figure_markup(const Figure& figure) {
  return fmt::format("<figure>{}<figcaption>{}</figcaption></figure>\n", figure.content.html,
                     escape_html(figure.caption));
}

std::string figures_markup(const char* kind, const std::vector<Figure>& figures) {
  if (figures.empty()) return "";
  std::string html = fmt::format("<div class=\"{}\">\n", kind);
  for (const Figure& figure : figures) html += figure_markup(figure);
  return html + "</div>\n";
}

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
  ++headings_;
  const std::string title = escape_html(text);
  contents_ += fmt::format("<a href=\"#part{}\">{}</a>\n", headings_, title);
  body_ += fmt::format("<h2 id=\"part{}\">{}</h2>\n", headings_, title);
}

void HtmlPage::subheading(std::string_view text) {
  body_ += fmt::format("<h3>{}</h3>\n", escape_html(text));
}

void HtmlPage::paragraph(std::string_view text) {
  body_ += fmt::format("<p>{}</p>\n", escape_html(text));
}

void HtmlPage::facts(const std::vector<Fact>& facts) {
  body_ += "<dl class=\"facts\">\n";
  for (const Fact& fact : facts) {
    body_ +=
        fmt::format("<div><dt>{}</dt><dd>{}<small>{}</small></dd></div>\n", escape_html(fact.label),
                    escape_html(fact.value), escape_html(fact.remark));
  }
  body_ += "</dl>\n";
}

void HtmlPage::table(const TableRows& rows, int highlighted) {
  body_ += table_markup(rows, highlighted);
}

void HtmlPage::properties(const TableRows& rows) {
  body_ += "<table class=\"properties\">\n";
  for (const auto& row : rows) {
    body_ += fmt::format("<tr><td>{}</td><td>{}</td></tr>\n", escape_html(row.at(0)),
                         escape_html(row.at(1)));
  }
  body_ += "</table>\n";
}

void HtmlPage::folded_table(std::string_view title, const TableRows& rows, int highlighted) {
  body_ += fmt::format("<details><summary>{}</summary>\n{}</details>\n", escape_html(title),
                       table_markup(rows, highlighted));
}

void HtmlPage::figures(const std::vector<Figure>& figures) {
  body_ += figures_markup("figures", figures);
}

void HtmlPage::pictures(const std::vector<Figure>& pictures) {
  body_ += figures_markup("pictures", pictures);
}

void HtmlPage::samples(const std::vector<Figure>& rows) {
  body_ += figures_markup("samples", rows);
}

void HtmlPage::wide_figure(const Figure& figure) {
  body_ += fmt::format("<div class=\"wide\">{}</div>\n", figure_markup(figure));
}

std::string HtmlPage::to_string() const {
  const std::string contents = headings_ < 2 ? "" : fmt::format("<nav>\n{}</nav>\n", contents_);
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>{0}</title>\n<style>{1}</style></head>\n<body>\n<h1>{0}</h1>\n{2}{3}</body></html>\n",
      escape_html(title_), kStyleSheet, contents, body_);
}

Figure figure_of(const Drawings& drawings, const std::string& name, std::string_view caption) {
  const auto found = drawings.find(name);
  if (found != drawings.end()) return {inline_svg(found->second, name + "-"), std::string(caption)};
  return {{},
          fmt::format("{} (Not drawn, as there is no gnuplot; the data are in {}.csv.)", caption,
                      name)};
}

}  // namespace mcunet::report
