#pragma once

#include "core/temporary_folder.hpp"
#include "mcunet/core/random.hpp"
#include "mcunet/datasets/postprocessing.hpp"
#include "mcunet/datasets/preprocessing.hpp"
#include "mcunet/engine/quantization/random_weights.hpp"
#include "mcunet/engine/tflite/writer.hpp"
#include "pipeline/compile_stage.hpp"

namespace mcunet::pipeline {

// Of `classes` classes, with low limits, so that random outputs have many boxes.
inline datasets::Detector small_detector(int rows, int columns, int classes) {
  datasets::Detector detector{.head = {.rows = rows,
                                       .columns = columns,
                                       .anchors = {{0.1, 0.2}, {0.3, 0.25}, {0.6, 0.7}},
                                       .classes = classes},
                              .classes = {},
                              .limits = {.score = 0.05, .overlap = 0.4, .most = 24}};
  for (int c = 0; c < classes; ++c) detector.classes.push_back("class " + std::to_string(c));
  return detector;
}

// A network of random weights whose output is the detector's; its input is an image of four pixels for
// each cell's side.
inline engine::Graph detector_graph(const datasets::DetectorHead& head, int channels = 3,
                                    std::uint64_t seed = 4) {
  using namespace engine;
  Graph graph;
  TensorId hidden = add_input(graph, {4 * head.rows, 4 * head.columns, channels});
  for (int i = 0; i < 2; ++i) {
    const Op conv{.kind = OpKind::kConv2d, .window = centred_window(3, 2)};
    hidden = append_op(graph, conv, {hidden}, 8);
  }
  graph.outputs = {append_op(graph, {.kind = OpKind::kConv2d}, {hidden}, head.channels())};
  RandomStream random(seed);
  Graph result = with_random_weights(graph, random);
  edit_info(result, result.inputs[0]).quantization = {1.0F / 128, 0};
  edit_info(result, result.outputs[0]).quantization = {0.05F, 3};
  return result;
}

inline CompileResult compile_detector(const datasets::Detector& detector, const std::string& device,
                                      const std::filesystem::path& folder,
                                      const engine::CompileOptions& options = {}) {
  const TemporaryFolder scratch;
  engine::write_tflite(detector_graph(detector.head), scratch / "detector.tflite");
  const datasets::ImagePreprocessing image{
      .shape = {4 * detector.head.rows, 4 * detector.head.columns, 3},
      .fit = datasets::ImageFit::kStretch};
  return compile_model(scratch / "detector.tflite", deploy::load_device(device), options, folder,
                       std::nullopt, image, "", detector);
}

}  // namespace mcunet::pipeline
