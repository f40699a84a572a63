#include <gmock/gmock.h>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/engine/planning/plan_validator.hpp"
#include "mcunet/engine/planning/resources.hpp"
#include "mcunet/search/space/find_subnet.hpp"
#include "mcunet/search/space/network.hpp"
#include "mcunet/search/space/subnet.hpp"
#include "shared_data.hpp"
#include "test_spaces.hpp"

namespace mcunet::search::space {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

std::string example() {
  const SearchSpace space = make_tiny_space();
  return network_to_json(build_network(space, largest(space)));
}

void replace(std::string& text, const std::string& from, const std::string& to) {
  const std::size_t position = text.find(from);
  ASSERT_NE(position, std::string::npos) << from;
  text.replace(position, from.size(), to);
}

void expect_error(const std::string& text, const std::string& message) {
  EXPECT_THAT([&] { network_from_json(text, "net.json"); },
              ThrowsMessage<Error>(HasSubstr(message)));
}

TEST(NetworkJson, ReadsWhatItWrites) {
  for (const char* name : {"proxyless", "mnasnet"}) {
    SearchSpace space = load_shipped_space(name).at(0.4, 144);
    space.feature_mix_channels = 1280;
    RandomStream random(2);
    for (int i = 0; i < 20; ++i) {
      const Network network = build_network(space, sample(space, Sampling::kUniformGenes, random));
      const std::string json = network_to_json(network);
      EXPECT_EQ(network_to_json(network_from_json(json, "x")), json);
    }
  }
}

TEST(NetworkJson, TellsTheFormOfALine) {
  SearchSpace space = make_tiny_space();
  EXPECT_EQ(example().find("form"), std::string::npos) << "as published";
  space.form = Form::kLine;
  const Network network = build_network(space, largest(space));
  const std::string json = network_to_json(network);
  const Network back = network_from_json(json, "x");
  EXPECT_EQ(back.form, Form::kLine);
  EXPECT_EQ(network_to_json(back), json);
  EXPECT_EQ(find_subnet(space, back), largest(space));
  space.form = Form::kSquare;
  EXPECT_EQ(find_subnet(space, back), std::nullopt);
}

TEST(NetworkJson, NamesThePlaceOfAnError) {
  std::string form = example();
  replace(form, "\"resolution\"", "\"form\": \"round\", \"resolution\"");
  expect_error(form, "net.json.form: must be square or line, is \"round\"");
  expect_error("{", "net.json: is no valid JSON");
  expect_error("[]", "net.json: lacks resolution");
  expect_error("{}", "net.json: lacks resolution");
  std::string text = example();
  replace(text, "\"stride\": 2", "\"stride\": \"two\"");
  expect_error(text, "net.json.first_conv.stride: must be an integer, is \"two\"");
  text = example();
  replace(text, "\"use_se\": false", "\"use_se\": true");
  expect_error(text, "net.json.blocks[0].mobile_inverted_conv: use_se must be false, is true");
  text = example();
  replace(text, "\"in_channels\": 32", "\"in_channels\": 24");
  expect_error(text, "net.json.blocks[0].mobile_inverted_conv: in_channels must be 32");
  text = example();
  replace(text, "\"in_features\": 24", "\"in_features\": 25");
  expect_error(text, "net.json.classifier: in_features must be 24");
  text = example();
  replace(text, "relu6", "swish");
  expect_error(text, "act_func: must be relu or relu6");
}

TEST(NetworkJson, EveryTruncationIsAnError) {
  const std::string text = example();
  for (std::size_t length = 0; length + 2 < text.size(); length += 7) {
    EXPECT_THROW(network_from_json(text.substr(0, length), "net.json"), Error) << length;
  }
}

TEST(NetworkJson, ReadsAllPublishedNetworks) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(data / "nets")) {
    const Network network =
        network_from_json(read_file(entry.path()), entry.path().filename().string());
    engine::ResourceOracle oracle({});
    const engine::Resources resources = oracle.measure(lower(network));
    EXPECT_TRUE(resources.is_optimal) << entry.path();
    EXPECT_THAT(
        validate_plan(oracle.requests().buffers, oracle.plan(), engine::PlannerOptions{}.alignment),
        testing::IsEmpty());
    const std::string json = network_to_json(network);
    EXPECT_EQ(network_to_json(network_from_json(json, "x")), json) << entry.path();
    ++count;
  }
  EXPECT_EQ(count, 13);
}

struct PublishedPeak {
  const char* file;
  int resolution;
  double computed_kib;
  double published_kib;
};

// in0 to in4, and the scaled baselines, as the authors measured them on STM32H743.
TEST(NetworkJson, PublishedNetworksHaveThePublishedPeaks) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  for (const PublishedPeak& expected :
       {PublishedPeak{"mcunet-10fps_imagenet", 48, 48.9, 49},
        PublishedPeak{"mcunet-5fps_imagenet", 96, 95.7, 96},
        PublishedPeak{"mcunet-256kb-1mb_imagenet", 160, 214.6, 215},
        PublishedPeak{"mcunet-320kb-1mb_imagenet", 176, 260.1, 260},
        PublishedPeak{"mcunet-512kb-2mb_imagenet", 160, 416.1, 416},
        PublishedPeak{"proxyless-w0.3-r176_imagenet", 64, 35.4, 35},
        PublishedPeak{"proxyless-w0.3-r176_imagenet", 176, 259.4, 259},
        PublishedPeak{"mbv2-w0.3-r80_imagenet", 64, 59.1, 61}}) {
    const auto file = data / "nets" / (std::string(expected.file) + ".json");
    Network network = network_from_json(read_file(file), file.string());
    network.resolution = expected.resolution;
    engine::ResourceOracle oracle({.scratch = engine::ScratchPolicy::kTinyEngine});
    const double kib = static_cast<double>(oracle.measure(lower(network)).peak_sram_bytes) / 1024;
    EXPECT_NEAR(kib, expected.computed_kib, 0.06) << expected.file;
    EXPECT_NEAR(kib, expected.published_kib, 2) << expected.file;
  }
}

}  // namespace
}  // namespace mcunet::search::space
