#include "report/html_page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace mcunet::report {
namespace {

using testing::AllOf;
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
  page.subheading(evil);
  page.paragraph(evil);
  page.facts({{evil, evil, evil}});
  page.table({{evil}, {evil}}, 1);
  page.folded_table(evil, {{evil}, {evil}});
  page.properties({{evil, evil}});
  const Figure figure{inline_image("x", "image/png", evil), evil};
  page.figures({figure});
  page.pictures({figure});
  page.samples({figure});
  page.wide_figure(figure);
  page.figures({figure_of({}, "plot", evil)});
  const std::string text = page.to_string();
  EXPECT_THAT(text, Not(HasSubstr("<script")));
  EXPECT_THAT(text, HasSubstr(">&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;</h2>"));
  EXPECT_THAT(text, HasSubstr("alt=\"&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;\""));
}

TEST(HtmlPage, IsAPageOfItsOwn) {
  HtmlPage page("Title");
  page.paragraph("Text.");
  const std::string text = page.to_string();
  EXPECT_EQ(text.rfind("<!DOCTYPE html>\n", 0), 0u);
  EXPECT_THAT(text, HasSubstr("<title>Title</title>"));
  EXPECT_THAT(text, HasSubstr("<h1>Title</h1>\n<p>Text.</p>\n</body></html>\n"));
  EXPECT_THAT(text, HasSubstr("width=device-width")) << "or a telephone shows it as on a desk";
  EXPECT_THAT(text, AllOf(Not(HasSubstr("http")), Not(HasSubstr("src=")), Not(HasSubstr("href="))));
}

TEST(HtmlPage, LinksItsChapters) {
  HtmlPage page("Title");
  page.heading("First & last");
  page.heading("Second");
  EXPECT_THAT(page.to_string(),
              AllOf(HasSubstr("<a href=\"#part1\">First &amp; last</a>"),
                    HasSubstr("<h2 id=\"part1\">First &amp; last</h2>"),
                    HasSubstr("<a href=\"#part2\">Second</a>"), HasSubstr("<h2 id=\"part2\">")));
}

TEST(HtmlPage, HighlightsTheFirstRowsOfTheBody) {
  HtmlPage page("Title");
  page.table({{"h1", "h2"}, {"a", "b"}, {"c", "d"}}, 1);
  EXPECT_THAT(page.to_string(), HasSubstr("<tr><th>h1</th><th>h2</th></tr>\n"
                                          "<tr class=\"best\"><td>a</td><td>b</td></tr>\n"
                                          "<tr><td>c</td><td>d</td></tr>\n"));
}

TEST(HtmlPage, AFigureWithoutItsPlotSaysWhereTheDataAre) {
  const Drawings drawings = {{"curve", "<?xml?><svg><g id='a'/></svg>"}};
  EXPECT_EQ(figure_of(drawings, "curve", "What it shows.").content.html,
            "<svg><g id='curve-a'/></svg>");
  const Figure figure = figure_of({}, "curve", "What it shows.");
  EXPECT_EQ(figure.content.html, "");
  EXPECT_THAT(figure.caption, AllOf(HasSubstr("What it shows."), HasSubstr("curve.csv")));
}

TEST(InlineSvg, KeepsTheNamesOfTwoApart) {
  const std::string svg =
      "<?xml version=\"1.0\"?>\n<!DOCTYPE svg>\n<svg><defs><circle id='dot'/>"
      "<clipPath id=\"clip\"/></defs><use xlink:href='#dot'/><use href=\"#dot\"/>"
      "<g clip-path=\"url(#clip)\" filter=\"url('#dot')\" width='1'/></svg>";
  EXPECT_EQ(inline_svg(svg, "a-").html,
            "<svg><defs><circle id='a-dot'/><clipPath id=\"a-clip\"/></defs>"
            "<use xlink:href='#a-dot'/><use href=\"#a-dot\"/>"
            "<g clip-path=\"url(#a-clip)\" filter=\"url('#a-dot')\" width='1'/></svg>");
}

// RFC 4648, section 10, and bytes of all kinds.
TEST(InlineImage, IsBase64) {
  const auto encoded = [](std::string_view bytes) {
    const std::string html = inline_image(bytes, "image/jpeg", "a cat").html;
    const std::string begin = "<img src=\"data:image/jpeg;base64,";
    EXPECT_EQ(html.substr(0, begin.size()), begin);
    const std::size_t end = html.find("\" alt=\"a cat\">");
    return html.substr(begin.size(), end - begin.size());
  };
  EXPECT_EQ(encoded(""), "");
  EXPECT_EQ(encoded("f"), "Zg==");
  EXPECT_EQ(encoded("fo"), "Zm8=");
  EXPECT_EQ(encoded("foo"), "Zm9v");
  EXPECT_EQ(encoded("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encoded(std::string_view("\x00\xff\xfe\x80", 4)), "AP/+gA==");
}

}  // namespace
}  // namespace mcunet::report
