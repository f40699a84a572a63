#include "mcunet/engine/quantization/random_weights.hpp"

#include <gmock/gmock.h>

#include <set>

#include "core/error_text.hpp"
#include "mcunet/engine/graph/graph_validator.hpp"
#include "mcunet/engine/graph/weights.hpp"
#include "mcunet/engine/reference/reference_executor.hpp"
#include "residual_block.hpp"

namespace mcunet::engine {
namespace {

TEST(RandomWeights, MakeAGraphOfShapesRunAndSpreadItsValues) {
  RandomStream random(3);
  const Graph graph = with_random_weights(make_residual_block({}), random);
  EXPECT_NO_THROW(validate_graph(graph));
  const auto size = static_cast<std::size_t>(graph.tensors[graph.inputs[0]].bytes());
  TensorBytes input(size);
  for (std::byte& byte : input) byte = static_cast<std::byte>(random.index(256));
  const TensorBytes output = execute(graph, std::vector<TensorBytes>{input})[0];
  EXPECT_GT(std::set<std::byte>(output.begin(), output.end()).size(), output.size() / 8);
}

TEST(RandomWeights, HaveTheBitsOfTheirOperators) {
  RandomStream random(3);
  Graph shapes = make_residual_block({});
  set_weight_bits(shapes, 4);
  const Graph graph = with_random_weights(shapes, random);
  for (const Op& op : graph.ops) {
    if (!has_weights(op)) continue;
    const Constant& weights = graph.constants[graph.details_of(op).weights];
    EXPECT_EQ(weights.type, DataType::kInt4);
    const std::vector<std::int8_t> values = weight_values(weights);
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    EXPECT_TRUE(*least >= -7 && *most <= 7 && (*least == -7 || *most == 7));
  }
}

TEST(RandomWeights, FollowFromTheStream) {
  RandomStream first(3);
  RandomStream second(3);
  RandomStream other(4);
  const Graph graph = with_random_weights(make_residual_block({}), first);
  EXPECT_EQ(graph, with_random_weights(make_residual_block({}), second));
  EXPECT_NE(graph, with_random_weights(make_residual_block({}), other));
  EXPECT_EQ(error_of([&] { with_random_weights(graph, first); }), "the graph has weights already");
}

}  // namespace
}  // namespace mcunet::engine
