#include "network_source.hpp"

#include <filesystem>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/engine/graph/activations.hpp"
#include "mcunet/engine/graph/weights.hpp"
#include "mcunet/engine/tflite/reader.hpp"
#include "mcunet/search/space/network.hpp"
#include "mcunet/search/space/reference_networks.hpp"
#include "under_name.hpp"

namespace mcunet::pipeline {

namespace {

engine::Graph load_tflite(const NetworkSource& source) {
  const std::filesystem::path file = source.name_or_file;
  if (source.width_multiplier || source.resolution) {
    throw Error("{}: has its shapes built in; --width and --resolution do not apply",
                file.string());
  }
  if (source.activation_bits) {
    throw Error("{}: is quantized; --activation-bits does not apply", file.string());
  }
  const engine::Graph read = engine::read_tflite(file);
  engine::Graph graph = under_name(file, [&] {
    return prepare_graph(read, {.fuses_padding = source.fuses_padding, .borders = source.borders});
  });
  if (!source.weight_bits) return graph;
  graph = engine::without_weights(std::move(graph));
  engine::set_weight_bits(graph, *source.weight_bits);
  return graph;
}

engine::Graph load_shapes(const NetworkSource& source) {
  namespace space = search::space;
  const std::filesystem::path file = source.name_or_file;
  const engine::BitWidths widths{source.weight_bits.value_or(8),
                                 source.activation_bits.value_or(8)};
  std::error_code ignored;
  if (file.extension() != ".json" && !std::filesystem::exists(file, ignored)) {
    engine::Graph graph = space::make_reference_network(
        source.name_or_file, {.width_multiplier = source.width_multiplier.value_or(1.0),
                              .resolution = source.resolution});
    engine::set_bit_widths(graph, widths);
    return graph;
  }
  if (source.width_multiplier) {
    throw Error("{}: has its width built in; --width is for reference networks", file.string());
  }
  space::Network network = space::network_from_json(read_file(file, kMaxTextBytes), file.string());
  network.resolution = source.resolution.value_or(network.resolution);
  engine::Graph graph = space::lower(network);
  engine::set_bit_widths(graph, widths);
  space::set_stated_weight_bits(network, graph);
  return graph;
}

}  // namespace

bool is_model_file(const NetworkSource& source) {
  const std::filesystem::path extension = std::filesystem::path(source.name_or_file).extension();
  return extension == ".tflite" || extension == ".mcunet";
}

engine::Graph load_network(const NetworkSource& source) {
  return is_model_file(source) ? load_tflite(source) : load_shapes(source);
}

}  // namespace mcunet::pipeline
