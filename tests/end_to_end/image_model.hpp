#pragma once

#include "core/temporary_folder.hpp"
#include "mcunet/core/random.hpp"
#include "mcunet/datasets/preprocessing.hpp"
#include "mcunet/engine/quantization/random_weights.hpp"
#include "mcunet/engine/tflite/writer.hpp"
#include "pipeline/compile_stage.hpp"

namespace mcunet::pipeline {

// A small network that takes in images, with random weights.
inline engine::Graph image_graph(const datasets::InputShape& shape) {
  using namespace engine;
  Graph graph;
  const TensorId input = add_input(graph, {shape.height, shape.width, shape.channels});
  TensorId hidden =
      append_op(graph, {.kind = OpKind::kConv2d, .window = centred_window(3, 2)}, {input}, 8);
  Op pool{.kind = OpKind::kAveragePool2d, .has_bias = false};
  const Shape& map = graph.tensors[hidden].shape;
  pool.window.kernel_height = static_cast<std::int16_t>(map.height);
  pool.window.kernel_width = static_cast<std::int16_t>(map.width);
  hidden = append_op(graph, pool, {hidden});
  graph.outputs = {append_op(graph, {.kind = OpKind::kConv2d}, {hidden}, 10)};
  RandomStream random(4);
  Graph result = with_random_weights(graph, random);
  edit_info(result, result.inputs[0]).quantization = {1.0F / 128, 0};
  return result;
}

inline CompileResult compile_image_model(const datasets::ImagePreprocessing& image,
                                         const std::string& device,
                                         const std::filesystem::path& folder) {
  const TemporaryFolder scratch;
  engine::write_tflite(image_graph(image.shape), scratch / "image.tflite");
  return compile_model(scratch / "image.tflite", deploy::load_device(device), {}, folder,
                       std::nullopt, image);
}

}  // namespace mcunet::pipeline
