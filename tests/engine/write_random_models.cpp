// write_random_models FOLDER COUNT: for every operator, COUNT random models of one operator as
// KIND_SEED.tflite, and where it has rare forms or sums as many of those as KIND_rare_SEED.tflite and
// KIND_wide_SEED.tflite or, with weights of four bits, KIND_int4_SEED.tflite, and state_0.tflite, which keeps state; each
// with its inputs (.inI), for scripts/compare_with_tflite.py.
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "mcunet/engine/tflite/writer.hpp"
#include "random_graphs.hpp"
#include "stateful_graph.hpp"

namespace mcunet::engine {
namespace {

void save(const std::filesystem::path& file, std::span<const std::byte> bytes) {
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

void save(const std::filesystem::path& stem, const Graph& graph, std::uint64_t seed) {
  save(stem.string() + ".tflite", write_tflite(graph));
  const auto inputs = random_inputs(graph, seed);
  for (std::size_t i = 0; i < graph.given_inputs().size(); ++i) {
    save(fmt::format("{}.in{}", stem.string(), i), inputs[i]);
  }
}

}  // namespace
}  // namespace mcunet::engine

int main(int argc, char** argv) {
  using namespace mcunet::engine;
  if (argc != 3) {
    fmt::print(stderr, "usage: write_random_models FOLDER COUNT\n");
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder);
  const auto count = static_cast<std::uint64_t>(std::atoi(argv[2]));
  for (OpKind kind : kAllOpKinds) {
    for (std::uint64_t seed = 0; seed < count; ++seed) {
      save(folder / fmt::format("{}_{}", name_of(kind), seed), random_graph(kind, seed), seed);
    }
  }
  for (OpKind kind : kRareOpKinds) {
    for (std::uint64_t seed = 0; seed < count; ++seed) {
      save(folder / fmt::format("{}_rare_{}", name_of(kind), seed), random_rare_graph(kind, seed),
           seed);
    }
  }
  for (OpKind kind : kWideSumOpKinds) {
    for (std::uint64_t seed = 0; seed < count; ++seed) {
      save(folder / fmt::format("{}_wide_{}", name_of(kind), seed),
           random_wide_sum_graph(kind, seed), seed);
    }
  }
  for (OpKind kind : kInt4OpKinds) {
    for (std::uint64_t seed = 0; seed < count; ++seed) {
      save(folder / fmt::format("{}_int4_{}", name_of(kind), seed), random_int4_graph(kind, seed),
           seed);
    }
  }
  save(folder / "state_0", stateful_graph(/*begins_uneven=*/true), 0);
}
