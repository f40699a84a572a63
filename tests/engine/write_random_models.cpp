// write_random_models FOLDER COUNT: for every operator, COUNT random models of one operator as
// KIND_SEED.tflite, each with its inputs (.inI) and the outputs of the reference executor (.out),
// for scripts/check_tflite_operators.py to compare with other interpreters.
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "mcunet/engine/reference/reference_executor.hpp"
#include "mcunet/engine/tflite/writer.hpp"
#include "random_graphs.hpp"

namespace {

void save(const std::filesystem::path& file, std::span<const std::byte> bytes) {
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

}  // namespace

int main(int argc, char** argv) {
  using namespace mcunet::engine;
  if (argc != 3) {
    fmt::print(stderr, "usage: write_random_models FOLDER COUNT\n");
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder);
  for (OpKind kind : kAllOpKinds) {
    for (int seed = 0; seed < std::atoi(argv[2]); ++seed) {
      const std::string stem = fmt::format("{}_{}", name_of(kind), seed);
      const Graph graph = random_graph(kind, static_cast<std::uint64_t>(seed));
      const auto inputs = random_inputs(graph, static_cast<std::uint64_t>(seed));
      save(folder / (stem + ".tflite"), write_tflite(graph));
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        save(folder / fmt::format("{}.in{}", stem, i), inputs[i]);
      }
      save(folder / (stem + ".out"), execute(graph, inputs)[0]);
    }
  }
}
