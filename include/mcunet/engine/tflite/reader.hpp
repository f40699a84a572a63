#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

#include "mcunet/engine/graph/graph.hpp"

// TensorFlow Lite model files, quantized to int8, into graphs. The graph's operators stand in the
// file's order; tensors, names and constants are those of the file's first subgraph.
namespace mcunet::engine {

// Throws Error with the file's name, and the operator, its index and the tensor where that helps,
// on anything that the engine cannot run exactly and on damaged files; the graph that it returns
// passes validate_graph().
Graph read_tflite(const std::filesystem::path& file);

// The same for the contents of a file; `name` stands for it in errors.
Graph read_tflite(std::span<const std::byte> contents, std::string_view name);

}  // namespace mcunet::engine
