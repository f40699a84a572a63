#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "mcunet/engine/graph/graph.hpp"

// Quantized graphs as TensorFlow Lite models that other tools read. Reading one back gives the
// graph that was written, if that came from a file; operator blocks are not kept. Padding that is
// neither SAME nor VALID becomes a PAD operator of its own, and a convolution without bias gets one
// of zeros.
namespace mcunet::engine {

// Throws Error if the graph does not pass validate_graph(), or has no equivalent in the format: activations of
// int4, say, which TensorFlow Lite has not.
std::vector<std::byte> write_tflite(const Graph& graph);

void write_tflite(const Graph& graph, const std::filesystem::path& file);

// The same container for all that this engine computes: activations of int4 are tensors of type INT4. Only
// read_tflite() takes such a file, so it has a name of its own, *.mcunet.
std::vector<std::byte> write_model(const Graph& graph);

void write_model(const Graph& graph, const std::filesystem::path& file);

// The usual name of a graph's file: "model.tflite", or "model.mcunet" where that is what it can be.
std::string model_file_name(const Graph& graph);

}  // namespace mcunet::engine
