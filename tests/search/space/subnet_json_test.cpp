#include "mcunet/search/space/subnet_json.hpp"

#include <gmock/gmock.h>

#include "core/error_text.hpp"
#include "test_spaces.hpp"

namespace mcunet::search::space {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(SubnetJson, RoundTrip) {
  const SearchSpace space = load_shipped_space("proxyless").at(0.3, 144);
  RandomStream random(1);
  for (int i = 0; i < 200; ++i) {
    const Subnet subnet = sample(space, Sampling::kUniformGenes, random);
    const std::string text = subnet_to_json(space, subnet);
    EXPECT_EQ(subnet_from_json(space, text, "x"), subnet);
  }
}

TEST(SubnetJson, ListsActiveBlocksAlone) {
  const SearchSpace space = make_tiny_space();
  EXPECT_EQ(subnet_to_json(space, smallest(space)),
            R"({"width":1.0,"resolution":32,"depths":[1,1],"kernels":[[3],[3]],)"
            R"("expand_ratios":[[3.0],[3.0]]})");
}

TEST(SubnetJson, RefusesWhatIsNoMember) {
  const SearchSpace space = make_tiny_space();
  const auto complaint = [&](const std::string& text) {
    return error_of([&] { subnet_from_json(space, text, "net.json"); });
  };
  const auto with = [](const std::string& depths, const std::string& kernels) {
    return R"({"width":1,"resolution":32,"depths":)" + depths + R"(,"kernels":)" + kernels +
           R"(,"expand_ratios":[[3],[3]]})";
  };
  EXPECT_EQ(complaint(with("[1,1]", "[[3],[3]]")), "(no error)");
  EXPECT_EQ(complaint(with("[1,1]", "[[7],[3]]")),
            "net.json: kernels[0][0]: must be one of 3, 5, is 7");
  EXPECT_EQ(complaint(with("[1,2]", "[[3],[3]]")), "net.json: depths[1]: must be at most 1, is 2");
  EXPECT_EQ(complaint(with("[-1,1]", "[[3],[3]]")),
            "net.json: depths[0]: must be at most 2, is -1");
  EXPECT_EQ(complaint(with("[1,1]", "[[3,3],[3]]")),
            "net.json: kernels[0]: must be a list of 1 values, is [3,3]");
  EXPECT_EQ(complaint(with("[1]", "[[3],[3]]")),
            "net.json: depths: must be a list of 2 values, is [1]");
  EXPECT_THAT(complaint("{"), StartsWith("net.json: is no valid JSON: line 1: "));
  EXPECT_THAT(complaint("{}"), StartsWith("net.json: is no sub-network: "));
  EXPECT_THAT(complaint(R"({"width":2,"resolution":32,"depths":[1,1],"kernels":[[3],[3]],)"
                        R"("expand_ratios":[[3],[3]]})"),
              HasSubstr("width: must be one of 1, is 2"));
}

}  // namespace
}  // namespace mcunet::search::space
