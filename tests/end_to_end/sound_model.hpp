#pragma once

#include "core/temporary_folder.hpp"
#include "mcunet/core/random.hpp"
#include "mcunet/engine/quantization/random_weights.hpp"
#include "mcunet/engine/tflite/writer.hpp"
#include "pipeline/compile_stage.hpp"

namespace mcunet::pipeline {

// A small network that takes in spectrograms, with random weights.
inline engine::Graph sound_graph(const datasets::LogMelParameters& parameters) {
  using namespace engine;
  Graph graph;
  const TensorId input = add_input(graph, {parameters.bands, parameters.frames, 1});
  TensorId hidden =
      append_op(graph, {.kind = OpKind::kConv2d, .window = centred_window(3, 2)}, {input}, 8);
  Op pool{.kind = OpKind::kAveragePool2d, .has_bias = false};
  pool.window.kernel_height = parameters.bands / 2;
  pool.window.kernel_width = parameters.frames / 2;
  hidden = append_op(graph, pool, {hidden});
  graph.outputs = {append_op(graph, {.kind = OpKind::kConv2d}, {hidden}, 10)};
  RandomStream random(4);
  Graph result = with_random_weights(graph, random);
  edit_info(result, result.inputs[0]).quantization = {1.0F / 128, 0};
  return result;
}

inline CompileResult compile_sound_model(const datasets::LogMelParameters& parameters,
                                         const std::string& device,
                                         const std::filesystem::path& folder) {
  const TemporaryFolder scratch;
  engine::write_tflite(sound_graph(parameters), scratch / "sound.tflite");
  return compile_model(scratch / "sound.tflite", deploy::load_device(device), {}, folder,
                       std::nullopt, parameters);
}

}  // namespace mcunet::pipeline
