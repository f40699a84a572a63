#include "report/html_page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mcunet::report {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(EscapeHtml, EscapesWhatHasAMeaning) {
  EXPECT_EQ(escape_html("a < b && c > \"d\""), "a &lt; b &amp;&amp; c &gt; &quot;d&quot;");
  EXPECT_EQ(escape_html("&amp;"), "&amp;amp;");
  EXPECT_EQ(escape_html("é ± 95 %"), "é ± 95 %");
  EXPECT_EQ(escape_html("a\x1b[2J\xff"), "a\\x1b[2J\\xff");
  EXPECT_EQ(escape_html(""), "");
}

TEST(HtmlPage, EscapesEveryText) {
  const std::string evil = "<script>alert(\"1\")</script>";
  HtmlPage page(evil);
  page.heading(evil);
  page.paragraph(evil);
  page.table({{evil}, {evil}}, 1);
  page.figure("plot", evil);
  const std::string text = page.to_string();
  EXPECT_THAT(text, Not(HasSubstr("<script")));
  EXPECT_THAT(text, HasSubstr("<h2>&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;</h2>"));
  EXPECT_THAT(text, HasSubstr("alt=\"&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;\""));
}

TEST(HtmlPage, IsAPageOfItsOwn) {
  HtmlPage page("Title");
  page.paragraph("Text.");
  const std::string text = page.to_string();
  EXPECT_EQ(text.rfind("<!DOCTYPE html>\n", 0), 0u);
  EXPECT_THAT(text, HasSubstr("<title>Title</title>"));
  EXPECT_THAT(text, HasSubstr("<h1>Title</h1>\n<p>Text.</p>\n</body></html>\n"));
  EXPECT_THAT(text, Not(HasSubstr("http"))) << "nothing from a network";
}

TEST(HtmlPage, HighlightsTheFirstRowsOfTheBody) {
  HtmlPage page("Title");
  page.table({{"h1", "h2"}, {"a", "b"}, {"c", "d"}}, 1);
  EXPECT_THAT(page.to_string(), HasSubstr("<tr><th>h1</th><th>h2</th></tr>\n"
                                          "<tr class=\"best\"><td>a</td><td>b</td></tr>\n"
                                          "<tr><td>c</td><td>d</td></tr>\n"));
}

TEST(HtmlPage, FiguresLinkTheirFiles) {
  HtmlPage page("Title");
  page.figure("curve", "What it shows.");
  const std::string text = page.to_string();
  for (const char* link :
       {"src=\"curve.svg\"", "href=\"curve.pdf\"", "href=\"curve.csv\"", "href=\"curve.gp\""}) {
    EXPECT_THAT(text, HasSubstr(link));
  }
}

}  // namespace
}  // namespace mcunet::report
