#include "report/confusion_matrix.hpp"

#include <gmock/gmock.h>

namespace mcunet::report {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ConfusionMatrix, ShadesByTheShareOfARow) {
  const std::string html = draw_confusion({{"a", "b"}, {3, 1, 0, 5}}).html;
  EXPECT_THAT(html,
              HasSubstr("rgba(11,92,173,0.77);color:#fff\" title=\"a taken for a: 75.0 %\">3<"));
  EXPECT_THAT(html,
              HasSubstr("rgba(200,40,30,0.31);color:#1d2733\" title=\"a taken for b: 25.0 %\">1<"));
  EXPECT_THAT(html, HasSubstr("<tr><th>b</th><td></td><td"));
}

TEST(ConfusionMatrix, EscapesNames) {
  EXPECT_THAT(draw_confusion({{"<b>\"", "c"}, {1, 1, 1, 1}}).html, Not(HasSubstr("<b>")));
}

TEST(ConfusionMatrix, AClassWithoutExamplesIsARowOfNothing) {
  EXPECT_THAT(draw_confusion({{"a", "b"}, {0, 0, 0, 5}}).html,
              HasSubstr("<tr><th>a</th><td></td><td></td></tr>"));
}

}  // namespace
}  // namespace mcunet::report
