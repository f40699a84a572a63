#include "network_source.hpp"

#include <filesystem>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/engine/tflite/reader.hpp"
#include "mcunet/search/space/network.hpp"
#include "mcunet/search/space/reference_networks.hpp"
#include "under_name.hpp"

namespace mcunet::pipeline {

engine::Graph load_network(const NetworkSource& source) {
  namespace space = search::space;
  const std::filesystem::path file = source.name_or_file;
  std::error_code ignored;
  const bool is_file = file.extension() == ".json" || file.extension() == ".tflite";
  if (!is_file && !std::filesystem::exists(file, ignored)) {
    return space::make_reference_network(source.name_or_file,
                                         {.width_multiplier = source.width_multiplier.value_or(1.0),
                                          .resolution = source.resolution});
  }
  if (file.extension() == ".tflite") {
    if (source.width_multiplier || source.resolution) {
      throw Error("{}: has its shapes built in; --width and --resolution do not apply",
                  file.string());
    }
    const engine::Graph graph = engine::read_tflite(file);
    return under_name(file, [&] { return prepare_graph(graph, {.borders = source.borders}); });
  }
  if (source.width_multiplier) {
    throw Error("{}: has its width built in; --width is for reference networks", file.string());
  }
  space::Network network = space::network_from_json(read_file(file, kMaxTextBytes), file.string());
  network.resolution = source.resolution.value_or(network.resolution);
  return space::lower(network);
}

}  // namespace mcunet::pipeline
