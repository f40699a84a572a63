#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/graph.hpp"

// TensorFlow Lite model files, quantized to int8, and .mcunet files (writer.hpp) into graphs. The graph's operators stand in the
// file's order; tensors, names and constants are those of the file's first subgraph.
namespace mcunet::engine {

// An operator of a file that the engine cannot run exactly.
struct Blocker {
  std::size_t index = 0;  // among the file's operators
  std::string name;       // "BATCH_MATMUL"
  std::string output;     // the tensor that it produces
  std::string reason;     // and what to do about it
};

// A model of which the engine cannot run all operators. The message tells of all of them.
class UnsupportedModel : public Error {
 public:
  UnsupportedModel(std::string_view name, std::size_t operators, std::vector<Blocker> blockers);

  const std::vector<Blocker>& blockers() const { return blockers_; }

 private:
  std::vector<Blocker> blockers_;
};

// Throws UnsupportedModel on operators that the engine cannot run exactly, and Error on damaged
// files and on what is no int8 model at all, both with the file's name; the graph that it returns
// passes validate_graph().
Graph read_tflite(const std::filesystem::path& file);

// The same for the contents of a file; `name` stands for it in errors.
Graph read_tflite(std::span<const std::byte> contents, std::string_view name);

}  // namespace mcunet::engine
