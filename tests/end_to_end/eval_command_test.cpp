#include "end_to_end/run_mcunet.hpp"
#include "end_to_end/small_training.hpp"
#include "mcunet/search/space/subnet_json.hpp"

namespace mcunet {
namespace {

using testing::HasSubstr;

class EvalCommand : public CommandTest {
 protected:
  EvalCommand() {
    write("small.yaml", std::string(kSmallTraining) + "  width: 0.5\n  resolution: 32\n");
  }

  void train() { ASSERT_EQ(run({"train", "small.yaml", "--out", "out"}).exit_code, 0); }

  nlohmann::json eval(const std::string& subnet, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"eval", "out", "--json", "--subnet", subnet});
    const Outcome outcome = run(more);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return parse_output(outcome);
  }
};

TEST_F(EvalCommand, AgreesWithTheTrainStage) {
  train();
  const auto result = nlohmann::json::parse(read("out/train.json"));
  for (const std::string name : {"largest", "smallest"}) {
    const auto json = eval(name);
    EXPECT_EQ(json.at("top1"), result.at("search").at(name).at("top1")) << name;
    EXPECT_EQ(json.at("macs"), result.at("search").at(name).at("macs")) << name;
    EXPECT_EQ(json.at("subnet"), result.at("search").at(name).at("subnet")) << name;
    EXPECT_EQ(json.at("examples"), 80);
    EXPECT_EQ(json.at("fits"), true);
  }
  EXPECT_EQ(eval("largest", {"--split", "test"}).at("top1"), result.at("test").at("largest_top1"));

  const auto& sampled = result.at("search").at("sampled").at(0);
  write("subnet.json", sampled.at("subnet").dump());
  EXPECT_EQ(eval("subnet.json").at("top1"), sampled.at("top1"));

  // The same sub-network as the JSON of a network.
  ConfigNode manifest = load_config(folder_ / "work/out/manifest.json");
  search::space::SearchSpace space =
      search::space::read_search_space(*manifest.find("config")->find("space"));
  const auto subnet = search::space::subnet_from_json(space, read("subnet.json"), "subnet.json");
  write("network.json",
        search::space::network_to_json(search::space::build_network(space, subnet)));
  EXPECT_EQ(eval("network.json").at("top1"), sampled.at("top1"));

  const Outcome text = run({"eval", "out", "--subnet", "smallest"});
  EXPECT_THAT(text.out, HasSubstr("fits stm32f746"));
  EXPECT_THAT(text.out, HasSubstr("of 80 examples of the search split)"));
  const auto smallest = eval("smallest");
  EXPECT_EQ(smallest.at("of"), 80);
  EXPECT_LT(smallest.at("top1_low"), smallest.at("top1"));
  EXPECT_GT(smallest.at("top1_high"), smallest.at("top1"));
  std::int64_t right = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    right += smallest.at("confusion").at(i).at(i).get<std::int64_t>();
    EXPECT_THAT(text.out, HasSubstr(smallest.at("classes").at(i).at("name").get<std::string>()));
  }
  EXPECT_EQ(right, smallest.at("correct"));

  write("other.json", R"({"width": 0.5, "resolution": 48, "depths": [1, 1],)"
                      R"( "kernels": [[3], [3]], "expand_ratios": [[3], [3]]})");
  EXPECT_EQ(failure({"eval", "out", "--subnet", "other.json"}),
            "other.json: resolution: must be one of 32, is 48");
  EXPECT_EQ(failure({"eval", "out", "--subnet", "nothing.json"}),
            "nothing.json: cannot be read: No such file or directory");
}

TEST_F(EvalCommand, NeedsATrainedSupernet) {
  EXPECT_EQ(failure({"eval", "nowhere", "--subnet", "largest"}),
            "nowhere/manifest.json: cannot be read: No such file or directory");
}

}  // namespace
}  // namespace mcunet
