#include "random_graphs.hpp"

#include <cstring>

#include "random_graphs/random_graph.hpp"

namespace mcunet::engine {

Graph random_graph(OpKind kind, std::uint64_t seed) {
  return RandomGraph(kind, seed, Form::kUsual).build();
}

Graph random_rare_graph(OpKind kind, std::uint64_t seed) {
  return RandomGraph(kind, seed, Form::kRare).build();
}

Graph random_wide_sum_graph(OpKind kind, std::uint64_t seed) {
  return RandomGraph(kind, seed, Form::kWideSums).build();
}

Graph random_int4_graph(OpKind kind, std::uint64_t seed) {
  return RandomGraph(kind, seed, Form::kInt4).build();
}

std::vector<TensorBytes> random_inputs(const Graph& graph, std::uint64_t seed) {
  std::vector<TensorBytes> inputs;
  for (TensorId id : graph.given_inputs()) {
    Numbers random(seed, 1000 + static_cast<std::uint64_t>(id));
    const Tensor& tensor = graph.tensors[id];
    TensorBytes bytes(static_cast<std::size_t>(tensor.bytes()));
    if (tensor.type == DataType::kFloat32) {
      for (std::size_t i = 0; i < bytes.size(); i += sizeof(float)) {
        const auto value = static_cast<float>(random.uniform() * 12 - 6);
        std::memcpy(bytes.data() + i, &value, sizeof(value));
      }
    } else {
      for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() >> 56);
    }
    inputs.push_back(std::move(bytes));
  }
  inputs.insert(inputs.end(), graph.states.begin(), graph.states.end());
  return inputs;
}

}  // namespace mcunet::engine
