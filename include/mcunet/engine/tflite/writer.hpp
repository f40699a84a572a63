#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "mcunet/engine/graph/graph.hpp"

// Quantized graphs as TensorFlow Lite models that other tools read. Reading one back gives the
// graph that was written, if that came from a file; operator blocks are not kept. Padding that is
// neither SAME nor VALID becomes a PAD operator of its own, and a convolution without bias gets one
// of zeros.
namespace mcunet::engine {

// Throws Error if the graph does not pass validate_graph(), or has no equivalent in the format.
std::vector<std::byte> write_tflite(const Graph& graph);

void write_tflite(const Graph& graph, const std::filesystem::path& file);

}  // namespace mcunet::engine
