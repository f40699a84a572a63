#include "pipeline/network_source.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "mcunet/engine/graph/operator_table.hpp"
#include "mcunet/engine/graph/weights.hpp"
#include "mcunet/engine/planning/resources.hpp"
#include "mcunet/engine/quantization/random_weights.hpp"
#include "mcunet/engine/tflite/writer.hpp"
#include "mcunet/search/space/network.hpp"

namespace mcunet::pipeline {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

search::space::Network make_network() {
  return {.name = "tiny",
          .resolution = 32,
          .stem_channels = 8,
          .blocks = {{.in_channels = 8, .mid_channels = 8, .out_channels = 16}},
          .outputs = 5};
}

TEST(LoadNetwork, TakesAReferenceNetwork) {
  const engine::Graph graph = load_network({"small_cifar", std::nullopt, 64});
  EXPECT_EQ(graph.tensors[graph.inputs.front()].shape, (engine::Shape{64, 64, 3}));
}

TEST(LoadNetwork, TakesANetworkJson) {
  const TemporaryFolder folder;
  const auto file = folder.write("net.json", network_to_json(make_network()));
  const engine::Graph graph = load_network({file.string(), std::nullopt, std::nullopt});
  EXPECT_EQ(graph.tensors[graph.inputs.front()].shape, (engine::Shape{32, 32, 3}));
  EXPECT_EQ(graph.tensors[graph.outputs.front()].shape, (engine::Shape{1, 1, 5}));
  EXPECT_EQ(cost_of(graph).macs, cost_of(search::space::lower(make_network())).macs);
  const engine::Graph larger = load_network({file.string(), std::nullopt, 64});
  EXPECT_EQ(larger.tensors[larger.inputs.front()].shape, (engine::Shape{64, 64, 3}));
}

TEST(LoadNetwork, ANetworkJsonHasItsWidthBuiltIn) {
  const TemporaryFolder folder;
  const auto file = folder.write("net.json", network_to_json(make_network()));
  EXPECT_THAT(error_of([&] {
                load_network({file.string(), 0.5, std::nullopt});
              }),
              EndsWith("net.json: has its width built in; --width is for reference networks"));
}

TEST(LoadNetwork, WeightsOfANetworkWithoutThemHaveAnyWidth) {
  const engine::Graph graph = load_network({.name_or_file = "small_cifar", .weight_bits = 4});
  for (const engine::Op& op : graph.ops) {
    EXPECT_EQ(op.weight_bits, engine::has_weights(op) ? 4 : 8);
  }
}

// As if it had been of that width: its flash is that of the same network in shapes.
TEST(LoadNetwork, OfATfliteWeightsOfAnotherWidthArePlanned) {
  const TemporaryFolder folder;
  engine::Graph shapes = search::space::lower(make_network());
  RandomStream random(1);
  const auto file = folder / "m.tflite";
  engine::write_tflite(engine::with_random_weights(shapes, random), file);
  for (const int bits : {4, 8}) {
    engine::set_weight_bits(shapes, bits);
    const engine::Graph graph = load_network({.name_or_file = file.string(), .weight_bits = bits});
    EXPECT_EQ(engine::estimate_flash(graph).total(), engine::estimate_flash(shapes).total());
  }
  EXPECT_LT(engine::estimate_flash(load_network({.name_or_file = file.string(), .weight_bits = 4}))
                .weights,
            engine::estimate_flash(load_network({.name_or_file = file.string()})).weights);
}

// The flag is for the layers that the file leaves open.
TEST(LoadNetwork, ANetworkJsonMayStateTheBitsOfItsBlocks) {
  const TemporaryFolder folder;
  search::space::Network network = make_network();
  network.blocks[0].weight_bits = 4;
  const auto file = folder.write("net.json", network_to_json(network)).string();
  const engine::Graph graph = load_network({.name_or_file = file});
  for (const engine::Op& op : graph.ops) {
    EXPECT_EQ(op.weight_bits, op.block == 1 && engine::has_weights(op) ? 4 : 8);
  }
}

TEST(LoadNetwork, RefusesWhatIsNoNetwork) {
  const TemporaryFolder folder;
  EXPECT_THAT(error_of([] {
                load_network({"mobilenet_v3", std::nullopt, std::nullopt});
              }),
              HasSubstr("did you mean mobilenet_v2?"));
  const std::string missing = (folder / "none.json").string();
  EXPECT_EQ(error_of([&] {
              load_network({missing, std::nullopt, std::nullopt});
            }),
            missing + ": cannot be read: No such file or directory");
  const std::string text = network_to_json(make_network());
  const auto cut = folder.write("cut.json", text.substr(0, text.size() / 2)).string();
  EXPECT_THAT(error_of([&] {
                load_network({cut, std::nullopt, std::nullopt});
              }),
              testing::StartsWith(cut + ": is no valid JSON: line "));
}

}  // namespace
}  // namespace mcunet::pipeline
