#include "mcunet/search/space/search_space.hpp"

#include <gmock/gmock.h>

#include "mcunet/core/error.hpp"
#include "test_spaces.hpp"

namespace mcunet::search::space {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(SearchSpace, CountsTheNetworksOfThePaperExactly) {
  // (9² + 9³ + 9⁴)^5 = 7371^5 over five elastic stages: 2 x 10^19 (Appendix D).
  for (const char* name : {"proxyless", "mnasnet"}) {
    SearchSpace space = load_shipped_space(name);
    space.stages.back().kernels = {7};
    space.stages.back().expand_ratios = {6};
    EXPECT_EQ(count_networks(space), "21758655492572485851") << name;
    EXPECT_EQ(count_networks(load_shipped_space(name)), "195827899433152372659") << name;
  }
}

TEST(SearchSpace, CountsWidthsAndResolutions) {
  SearchSpace space = make_tiny_space();
  EXPECT_EQ(count_networks(space), "18");
  space.widths = {0.5, 1.0};
  space.resolutions = {32, 48, 64};
  EXPECT_EQ(count_networks(space), "108");
  EXPECT_EQ(count_networks(space.at(0.5, 48)), "18");
}

TEST(SearchSpace, ReadsItsYaml) {
  const SearchSpace space = load_shipped_space("proxyless");
  EXPECT_EQ(space.name, "proxyless");
  ASSERT_EQ(space.stages.size(), 6u);
  EXPECT_EQ(space.stages[2].channels, 80);
  EXPECT_EQ(space.stages[3].stride, 1);
  EXPECT_EQ(space.max_blocks(), 21);
}

void expect_error(const std::string& yaml, const std::string& message) {
  EXPECT_THAT([&] { read_search_space(parse_config(yaml, "s.yaml")); },
              ThrowsMessage<Error>(HasSubstr(message)))
      << yaml;
}

TEST(SearchSpace, RefusesWhatIsNoSpace) {
  expect_error("name: x", "s.yaml:1: lacks the key stages");
  expect_error("stages: []", "s.yaml:1: stages: must be 1 to 64 stages");
  expect_error("stages:\n  - {channels: 8, kernels: [4]}",
               "s.yaml:2: stages[0].kernels: must be odd");
  expect_error("stages:\n  - {channels: 8, depths: [2, 2]}",
               "stages[0].depths: holds a value twice");
  expect_error("stages:\n  - {channels: 8, depths: []}", "stages[0].depths: must not be empty");
  expect_error("stages:\n  - {channels: 0}", "stages[0].channels: must be between 1");
  expect_error("stages:\n  - {chanels: 8}", "did you mean channels?");
  expect_error("stages:\n  - {stride: 2}", "stages[0]: lacks the key channels");
  expect_error("widths: [0]\nstages:\n  - {channels: 8}", "widths[0]: must be between 0.01");
}

// Names are shown everywhere, and come from anywhere.
TEST(SearchSpace, RefusesNamesThatAreNone) {
  for (const std::string& name :
       {std::string("../../x"), std::string("quick/v2"), std::string("a\\\\b"), std::string(),
        std::string("<script>"), std::string("`touch x`"), std::string("a\\nb"),
        std::string("\\x1b[2J"), std::string("*/"), std::string(300, 'q')}) {
    expect_error("name: \"" + name + "\"\nstages:\n  - {channels: 8}",
                 "s.yaml:1: name: must be a name of at most 100 letters");
  }
}

}  // namespace
}  // namespace mcunet::search::space
