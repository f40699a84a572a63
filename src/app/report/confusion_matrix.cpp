#include "confusion_matrix.hpp"

#include <fmt/format.h>

#include <numeric>

namespace mcunet::report {
namespace {

std::string cell(std::int64_t count, std::int64_t of_row, bool is_right,
                 const std::string& meaning) {
  if (count == 0) return "<td></td>";
  const double share = static_cast<double>(count) / static_cast<double>(of_row);
  const char* shade = is_right ? "11,92,173" : "200,40,30";
  // A few of many are to be seen as well.
  return fmt::format(
      "<td style=\"background:rgba({},{:.2f});color:{}\" title=\"{}: {:.1f} %\">{}</td>", shade,
      0.08 + 0.92 * share, share > 0.5 ? "#fff" : "#1d2733", escape_html(meaning), 100 * share,
      count);
}

}  // namespace

Markup draw_confusion(const ConfusionMatrix& matrix) {
  const std::size_t classes = matrix.classes.size();
  std::string html =
      "<div class=\"scroll\"><table class=\"matrix\">\n<tr><th>label \\ predicted</th>";
  for (const std::string& name : matrix.classes) {
    html += fmt::format("<th class=\"column\"><span>{}</span></th>", escape_html(name));
  }
  html += "</tr>\n";
  for (std::size_t label = 0; label < classes; ++label) {
    const auto row = matrix.counts.begin() + static_cast<std::ptrdiff_t>(label * classes);
    const std::int64_t sum =
        std::accumulate(row, row + static_cast<std::ptrdiff_t>(classes), std::int64_t{0});
    html += fmt::format("<tr><th>{}</th>", escape_html(matrix.classes[label]));
    for (std::size_t predicted = 0; predicted < classes; ++predicted) {
      html +=
          cell(row[static_cast<std::ptrdiff_t>(predicted)], sum, label == predicted,
               fmt::format("{} taken for {}", matrix.classes[label], matrix.classes[predicted]));
    }
    html += "</tr>\n";
  }
  return {html + "</table></div>\n"};
}

}  // namespace mcunet::report
