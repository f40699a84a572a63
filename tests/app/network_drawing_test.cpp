#include "report/network_drawing.hpp"

#include <gmock/gmock.h>

#include "mcunet/search/space/subnet.hpp"
#include "search/space/test_spaces.hpp"

namespace mcunet::report {
namespace {

using testing::HasSubstr;

int count_of(const std::string& text, const std::string& part) {
  int count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

TEST(NetworkDrawing, HasABoxPerBlockAndAnArcPerResidual) {
  const search::space::SearchSpace space = search::space::load_shipped_space("proxyless");
  const auto network = build_network(space.at(0.5, 160), largest(space.at(0.5, 160)));
  const std::string svg = draw_network(network);
  EXPECT_THAT(svg, testing::StartsWith("<svg xmlns="));
  EXPECT_THAT(svg, testing::EndsWith("</svg>\n"));
  const auto blocks = static_cast<int>(network.blocks.size());
  // The background, the image, the stem, the blocks, the head.
  EXPECT_EQ(count_of(svg, "<rect"), 2 + 1 + blocks + 1);
  int residuals = 0;
  for (const auto& block : network.blocks) residuals += block.has_residual ? 1 : 0;
  EXPECT_EQ(count_of(svg, "#d62728"), residuals);
  for (const char* side : {"160x160", "80x80", "40x40", "20x20", "10x10", "5x5<", "MB6", "7x7"}) {
    EXPECT_THAT(svg, HasSubstr(side));
  }
}

TEST(NetworkDrawing, TellsTheSizesOfALine) {
  search::space::SearchSpace space = search::space::load_shipped_space("line").at(1, 128);
  const std::string svg = draw_network(build_network(space, largest(space)));
  for (const char* size : {"1x128", "1x64", "1x32", "1x8<", ">1x7<", ">1x3<"}) {
    EXPECT_THAT(svg, HasSubstr(size));
  }
  EXPECT_THAT(svg, testing::Not(HasSubstr("128x128")));
}

}  // namespace
}  // namespace mcunet::report
