// execute_model MODEL.tflite TURNS OUTPUT INPUT…: runs a model on raw inputs with the reference executor, as often as
// TURNS says, with what it keeps from one inference to the next. Writes what every operator computes in the last one
// to OUTPUT, one after another, then the graph's outputs; prints one JSON line for each: operator, name of the tensor,
// bytes. For scripts/compare_with_tflite.py.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/engine/reference/reference_executor.hpp"
#include "mcunet/engine/tflite/reader.hpp"

namespace mcunet::engine {
namespace {

TensorBytes read_bytes(const char* file) {
  const std::string contents = read_file(file);
  const auto bytes = std::as_bytes(std::span(contents));
  return {bytes.begin(), bytes.end()};
}

class Listing {
 public:
  explicit Listing(const char* file) : file_(file, std::ios::binary) {}

  void add(std::string_view what, const std::string& tensor, std::span<const std::byte> bytes) {
    file_.write(reinterpret_cast<const char*>(bytes.data()),
                static_cast<std::streamsize>(bytes.size()));
    const nlohmann::json line = {{"what", what}, {"tensor", tensor}, {"bytes", bytes.size()}};
    fmt::print("{}\n", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  bool finish() { return static_cast<bool>(file_.flush()); }

 private:
  std::ofstream file_;
};

int run(int argc, char** argv) {
  const Graph graph = read_tflite(std::filesystem::path(argv[1]));
  std::vector<TensorBytes> inputs;
  for (int i = 4; i < argc; ++i) inputs.push_back(read_bytes(argv[i]));
  inputs.insert(inputs.end(), graph.states.begin(), graph.states.end());
  for (int turn = 1; turn < std::atoi(argv[2]); ++turn) {
    const std::vector<TensorBytes> kept = execute(graph, inputs);
    std::copy(kept.end() - std::ssize(graph.states), kept.end(),
              inputs.end() - std::ssize(graph.states));
  }
  Listing listing(argv[3]);
  const auto outputs = execute(graph, inputs, [&](OpId id, std::span<const std::byte> bytes) {
    const Op& op = graph.ops[id];
    listing.add(name_of(op.kind), graph.info_of(op.output).name, bytes);
  });
  for (std::size_t i = 0; i < graph.told_outputs().size(); ++i) {
    listing.add("output", graph.info_of(graph.outputs[i]).name, outputs[i]);
  }
  if (!listing.finish()) throw Error("{}: cannot be written", argv[2]);
  return 0;
}

}  // namespace
}  // namespace mcunet::engine

int main(int argc, char** argv) {
  if (argc < 4) {
    fmt::print(stderr, "usage: execute_model MODEL.tflite TURNS OUTPUT INPUT...\n");
    return 2;
  }
  try {
    return mcunet::engine::run(argc, argv);
  } catch (const mcunet::Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
