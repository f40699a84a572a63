#include "mcunet/search/space/network_space.hpp"

#include <gmock/gmock.h>

#include "core/error_text.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/search/space/subnet.hpp"
#include "shared_data.hpp"
#include "test_spaces.hpp"

namespace mcunet::search::space {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// Of three blocks after the first, the last with a shortcut.
Network small_network() {
  const SearchSpace space = make_tiny_space();
  Network network = build_network(space, smallest(space));
  network.blocks.push_back({.in_channels = 24,
                            .mid_channels = 100,  // no multiple, of no whole ratio
                            .out_channels = 24,
                            .kernel = 5,
                            .expand_ratio = 100.0 / 24,
                            .has_residual = true});
  network.batch_norm_epsilon = 1e-3;
  network.batch_norm_momentum = 0.01;
  return network;
}

SearchSpace read(const Network& network) {
  return read_search_space(parse_config(network_to_json(network), "net.json"));
}

// Its description is that of the network, with batch norm, and there is no other.
void expect_only_member(const SearchSpace& space, const Network& network) {
  EXPECT_EQ(count_networks(space), "1");
  EXPECT_EQ(network_to_json(build_network(space, largest(space))), network_to_json(network));
}

TEST(NetworkSpace, HoldsTheNetworkAlone) {
  const Network network = small_network();
  SearchSpace space = read(network);
  expect_only_member(space, network);
  const std::string text = to_json_text(write_fields(fields_of(space)));
  expect_only_member(read_search_space(parse_config(text, "manifest.json")), network);
}

TEST(NetworkSpace, HoldsWhatSomeNetworksHave) {
  Network network = small_network();
  network.form = Form::kLine;
  network.feature_mix_channels = 31;
  network.blocks[1].weight_bits = 4;
  expect_only_member(read(network), network);
  network.blocks[3].has_residual = false;
  network.head = Head::kGrid;
  network.outputs = 14;
  expect_only_member(read(network), network);
}

TEST(NetworkSpace, TakesMiddleChannelsThatTheRatioDoesNotGive) {
  Network network = small_network();
  network.blocks[3].expand_ratio = 4;
  const SearchSpace space = read(network);
  EXPECT_EQ(build_network(space, largest(space)).blocks[3].mid_channels, 100);
}

TEST(NetworkSpace, RefusesWhatNoSpaceHas) {
  struct Case {
    void (*spoil)(Network&);
    const char* message;  // after the file
  };
  const Case cases[] = {
      {[](Network& n) { n.stem_kernel = 5; }, "first_conv must be 3x3 of stride 2"},
      {[](Network& n) { n.stem_stride = 1; }, "first_conv must be 3x3 of stride 2"},
      {[](Network& n) { n.activation = engine::Activation::kRelu; }, "act_func must be relu6"},
      {[](Network& n) { n.blocks[0].kernel = 5; }, "the first block must be 3x3 of stride 1"},
      {[](Network& n) { n.blocks[1].kernel = 17; },
       "stages[0].kernels[0]: must be between 1 and 15, is 17"},
      {[](Network& n) { n.resolution = 2048; },
       "resolutions[0]: must be between 16 and 1024, is 2048"},
      {[](Network& n) { n.blocks.resize(1); }, "stages: must be 1 to 64 stages"},
      {[](Network& n) { n.blocks.insert(n.blocks.end(), 70, n.blocks[2]); },
       "stages: must be 1 to 64 stages"},
  };
  for (const Case& refused : cases) {
    Network network = small_network();
    refused.spoil(network);
    if (network.blocks.size() == 1) network.feature_mix_channels.reset();
    const std::string error = error_of([&] { network_space(network, "net.json"); });
    EXPECT_THAT(error, StartsWith("net.json: is no network of a search space: "));
    EXPECT_THAT(error, HasSubstr(refused.message));
  }
  EXPECT_THAT(error_of([] { read_search_space(parse_config("{first_conv: 3}", "net.json")); }),
              StartsWith("net.json:1: lacks resolution"));
}

TEST(NetworkSpace, HoldsThePublishedNetworks) {
  MCUNET_REQUIRE_SHARED_DATA(shared);
  int networks = 0;
  for (const auto& entry : std::filesystem::directory_iterator(shared / "nets")) {
    const std::string text = read_file(entry.path());
    const Network network = network_from_json(text, entry.path().string());
    expect_only_member(read_search_space(load_config(entry.path())), network);
    ++networks;
  }
  EXPECT_GE(networks, 10);
}

}  // namespace
}  // namespace mcunet::search::space
