// random_network NET.json WEIGHT_BITS ACTIVATION_BITS FILE: a network with random weights, for measuring what it costs.
#include <fmt/format.h>

#include <cstdlib>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/random.hpp"
#include "mcunet/engine/graph/activations.hpp"
#include "mcunet/engine/quantization/random_weights.hpp"
#include "mcunet/engine/tflite/writer.hpp"
#include "mcunet/search/space/network.hpp"

int main(int argc, char** argv) {
  using namespace mcunet;
  if (argc != 5) {
    fmt::print(stderr, "usage: random_network NET.json WEIGHT_BITS ACTIVATION_BITS FILE\n");
    return 2;
  }
  try {
    engine::Graph graph =
        search::space::lower(search::space::network_from_json(read_file(argv[1]), argv[1]));
    engine::set_bit_widths(graph, {std::atoi(argv[2]), std::atoi(argv[3])});
    RandomStream random(0);
    engine::write_model(engine::with_random_weights(graph, random), argv[4]);
  } catch (const Error& error) {
    fmt::print(stderr, "random_network: {}\n", error.what());
    return 1;
  }
  return 0;
}
