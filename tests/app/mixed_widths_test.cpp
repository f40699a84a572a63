#include "pipeline/mixed_widths.hpp"

#include <gmock/gmock.h>

#include <map>
#include <nlohmann/json.hpp>

#include "core/error_text.hpp"
#include "mcunet/engine/graph/weights.hpp"
#include "mcunet/engine/planning/resources.hpp"

namespace mcunet::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Convolutions of 1x1 with 512, 4096, 8192 and 2048 weights, all of 4 bits but for the last.
engine::Graph make_graph() {
  engine::Graph graph;
  engine::TensorId features = engine::add_input(graph, {4, 4, 8});
  for (const int channels : {64, 64, 128, 16}) {
    features = engine::append_op(graph, {}, {features}, channels);
  }
  engine::set_weight_bits(graph, 4);
  graph.ops.back().weight_bits = 8;
  return graph;
}

class ChooseWidths : public testing::Test {
 protected:
  MixedWidths choose(std::int64_t limit) {
    return choose_widths(graph_, engine::CodeCore::kCortexM7, limit,
                         [&](std::optional<std::size_t> op) {
                           ++asked_;
                           return op ? 1 + losses_.at(*op) : 1.0;
                         });
  }
  static std::vector<int> bits_of(const MixedWidths& widths) {
    std::vector<int> bits;
    for (const LayerWidth& layer : widths.layers) bits.push_back(layer.bits);
    return bits;
  }

  std::int64_t flash_of(const std::vector<int>& bits) const {
    engine::Graph graph = graph_;
    for (std::size_t i = 0; i < bits.size(); ++i) {
      graph.ops[i].weight_bits = static_cast<std::int8_t>(bits[i]);
    }
    return engine::estimate_flash(graph).total();
  }

  engine::Graph graph_ = make_graph();
  // The second costs least per byte, the first most.
  std::map<std::size_t, double> losses_ = {{0, 0.5}, {1, 0.01}, {2, 0.25}};
  int asked_ = 0;
};

TEST_F(ChooseWidths, NarrowsWhatCostsLeastPerByte) {
  const std::int64_t wide = flash_of({8, 8, 8, 8});
  EXPECT_THAT(bits_of(choose(wide)), ElementsAre(8, 8, 8, 8));
  EXPECT_EQ(asked_, 4) << "the base and each layer that has a choice";
  const std::int64_t two = flash_of({8, 4, 4, 8});
  EXPECT_THAT(bits_of(choose(two)), ElementsAre(8, 4, 4, 8));
  EXPECT_THAT(bits_of(choose(two - 1)), ElementsAre(4, 4, 4, 8));
  for (const std::int64_t limit : {wide, wide - 1, two + 5, two, flash_of({4, 4, 4, 8})}) {
    const MixedWidths widths = choose(limit);
    EXPECT_TRUE(widths.fits());
    EXPECT_EQ(flash_of(bits_of(widths)), widths.flash_bytes);
  }
}

// The second layer alone saves less than the kernels of 4 bits take, the third more: and then the second
// need not.
TEST_F(ChooseWidths, CountsKernelsAndWidensWhatIsLeftRoomFor) {
  const std::int64_t wide = flash_of({8, 8, 8, 8});
  ASSERT_GT(flash_of({8, 4, 8, 8}), wide);
  ASSERT_LT(flash_of({8, 8, 4, 8}), wide);
  EXPECT_THAT(bits_of(choose(wide - 1)), ElementsAre(8, 8, 4, 8));
  EXPECT_THAT(bits_of(choose(flash_of({8, 8, 4, 8}) - 1)), ElementsAre(8, 4, 4, 8));
}

TEST_F(ChooseWidths, TellsIfNothingFits) {
  const MixedWidths widths = choose(flash_of({4, 4, 4, 8}) - 1);
  EXPECT_THAT(bits_of(widths), ElementsAre(4, 4, 4, 8));
  EXPECT_FALSE(widths.fits());
}

TEST_F(ChooseWidths, ItsTextIsReadBack) {
  const MixedWidths widths = choose(flash_of({8, 4, 4, 8}));
  const nlohmann::ordered_json json = to_json(widths);
  EXPECT_EQ(to_json(mixed_widths_from_json(json)).dump(), json.dump());
  EXPECT_EQ(json.at("layers")[1].dump(),
            R"({"layer":"conv_2d_1","bytes_8":4096,"bytes_4":2048,"loss":)" +
                nlohmann::json(1.01 - 1).dump() + R"(,"bits":4})");
  EXPECT_TRUE(json.at("layers")[3].at("loss").is_null());
  EXPECT_THAT(table_of(widths)[2], ElementsAre("conv_2d_1", "4096", "2048", "+0.0100", "4"));
  EXPECT_THAT(describe(widths), HasSubstr("2 of 4 layers have weights of 8 bits: "));
  nlohmann::ordered_json odd = json;
  odd["layers"][0]["bits"] = 5;
  EXPECT_EQ(error_of([&] { mixed_widths_from_json(odd); }), "conv_2d_0 has weights of 5 bits");
  odd = json;
  odd["layers"].erase(0);
  EXPECT_EQ(error_of([&] { set_widths(mixed_widths_from_json(odd), graph_); }),
            "there are bits for 3 layers, the network has 4");
}

}  // namespace
}  // namespace mcunet::pipeline
