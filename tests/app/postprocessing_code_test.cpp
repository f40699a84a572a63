#include "pipeline/postprocessing_code.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "core/error_text.hpp"
#include "deploy/example_project.hpp"
#include "detections.h"
#include "end_to_end/detector_model.hpp"
#include "engine/generated_model.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/deploy/emulator.hpp"
#include "mcunet/deploy/reference_model.hpp"

namespace mcunet::pipeline {
namespace {

using datasets::Detections;
using datasets::Detector;
using deploy::Int8Bytes;
using testing::HasSubstr;

Int8Bytes random_bytes(std::int64_t count, std::uint64_t seed) {
  RandomStream random(seed);
  Int8Bytes bytes;
  for (std::int64_t i = 0; i < count; ++i) {
    bytes.push_back(static_cast<std::int8_t>(random.index(256)));
  }
  return bytes;
}

Detections decode_on_host(const Detector& detector, const engine::Graph& graph,
                          const Int8Bytes& output) {
  const engine::Quantization& q = graph.info_of(graph.outputs[0]).quantization;
  return decode_int8(make_detection_tables(detector.head, detector.limits, q.scale, q.zero_point),
                     output);
}

// Generated code and kernel, as the host's C compiler makes them.
TEST(DetectionCode, FindsTheBoxesOfTheHost) {
  for (const auto& [rows, columns, classes] : {std::tuple{5, 7, 3}, {1, 2, 1}, {6, 6, 20}}) {
    const Detector detector = small_detector(rows, columns, classes);
    const engine::CompiledGraph compiled = engine::compile_graph(detector_graph(detector.head));
    const engine::GeneratedModel model(compiled, fmt::format("detections_{}", classes), "", "",
                                       generate_postprocessing(compiled.graph, detector).files);
    const auto find = model.symbol<int(const std::int8_t*)>("detections_from_output");
    const auto at = model.symbol<const std::int8_t*(int)>("detections_at");
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const Int8Bytes output = random_bytes(detector.head.outputs(), seed);
      const int count = find(output.data());
      EXPECT_EQ(datasets::read_detections(
                    {at(0), static_cast<std::size_t>(count) * sizeof(mcunet_detection)}),
                decode_on_host(detector, compiled.graph, output));
    }
  }
}

TEST(DetectionCode, HasThePrefixOfItsModelAndItsClasses) {
  const engine::ModelNames names("vww");
  Detector detector = small_detector(2, 3, 3);
  detector.classes = {"a \"b\"", "caf\xc3\xa9", "*/ ?\?/"};
  const engine::CompiledGraph compiled =
      engine::compile_graph(detector_graph(detector.head), {.names = names});
  const engine::GeneratedModel model(
      compiled, "prefixed_detections", "", "",
      generate_postprocessing(compiled.graph, detector, names).files);
  EXPECT_NE(model.symbol<int(const std::int8_t*)>("vww_detections_from_output"), nullptr);
  const auto* found = model.symbol<const char* const>("vww_detections_class_names");
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(found[i], detector.classes[i]);
}

TEST(DetectionCode, RefusesAnOutputOfAnotherShapeOrType) {
  const Detector detector = small_detector(5, 7, 3);
  engine::Graph graph = detector_graph(small_detector(5, 7, 2).head);
  EXPECT_EQ(error_of([&] { generate_postprocessing(graph, detector); }),
            "a detector of 5x7 cells, 3 anchors and 3 classes needs an output of int8 5x7x24, but "
            "the network's is int8 of 5x7x21");
  graph = detector_graph(detector.head);
  graph.tensors[graph.outputs[0]].type = engine::DataType::kFloat32;
  EXPECT_THAT(error_of([&] { generate_postprocessing(graph, detector); }),
              HasSubstr("but the network's is float32 of 5x7x24"));
}

TEST(DetectionCode, IsDescribedInModelJson) {
  MCUNET_REQUIRE_CROSS_COMPILER();
  const TemporaryFolder folder;
  const Detector detector = small_detector(3, 4, 2);
  // Names of a classifier have no place beside a detector's.
  const CompileResult with = compile_detector(detector, "stm32f412", folder / "model",
                                              {.class_names = {"cat", "dog", "bird"}});
  EXPECT_EQ(read_model_postprocessing(folder / "model"), datasets::Postprocessing(detector));
  const deploy::ModelDescription model = deploy::read_model_description(folder / "model");
  EXPECT_TRUE(model.is_detector);
  EXPECT_EQ(model.classes, detector.classes);
  EXPECT_FALSE(nlohmann::json::parse(read_file(folder / "model/model.json")).contains("classes"));
  EXPECT_THAT(read_file(folder / "model/detections.h"),
              HasSubstr("//   boxes around objects of 2 classes\n"));
  // What it keeps is static memory, beside the arena.
  const CompileResult without = compile_model(
      folder / "model/model.tflite", deploy::load_device("stm32f412"), {}, folder / "plain");
  EXPECT_EQ(with.arena_bytes, without.arena_bytes);
  const std::int64_t candidates = 4 * detector.limits.most * std::int64_t{12};
  EXPECT_GE(with.firmware.bss_bytes, without.firmware.bss_bytes + candidates);
  EXPECT_LE(with.firmware.bss_bytes, without.firmware.bss_bytes + candidates + 16);
  EXPECT_LT(with.code_bytes() - without.code_bytes(), 2048) << "with what prints";
  EXPECT_EQ(read_model_postprocessing(folder / "plain"), std::nullopt);
  EXPECT_FALSE(deploy::read_model_description(folder / "plain").is_detector);
}

class DetectionFirmware : public testing::TestWithParam<const char*> {};

// Network and boxes on an emulated core: the bytes of the host.
TEST_P(DetectionFirmware, FindsTheBoxesOfTheHost) {
  MCUNET_REQUIRE_EMULATOR();
  const TemporaryFolder folder;
  const Detector detector = small_detector(6, 5, 4);
  compile_detector(detector, GetParam(), folder / "model");
  std::vector<Int8Bytes> inputs;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    inputs.push_back(random_bytes(std::int64_t{24} * 20 * 3, seed));
  }
  inputs[0].assign(inputs[0].size(), 127);
  inputs[1].assign(inputs[1].size(), -128);
  const deploy::EmulationResult result =
      deploy::emulate(folder / "model", inputs, {.estimates_cycles = true});
  deploy::ReferenceModel reference(folder / "model/model.tflite");
  const engine::Graph graph = detector_graph(detector.head);
  std::size_t boxes = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const deploy::Inference& inference = result.inferences[i];
    EXPECT_EQ(inference.outputs, reference.run(inputs[i]));
    const Detections expected = decode_on_host(detector, graph, inference.outputs[0]);
    EXPECT_EQ(datasets::read_detections(inference.detections), expected);
    EXPECT_GT(inference.detection_instructions, 0);
    EXPECT_GT(inference.detection_cycles.low, 0);
    boxes += expected.size();
  }
  EXPECT_GT(boxes, 20u);
  EXPECT_EQ(result.steps.back().name, "detections");
  EXPECT_EQ(result.steps.back().instructions, result.inferences[0].detection_instructions);
  EXPECT_GT(result.steps.back().cycles.low, 0);
}

INSTANTIATE_TEST_SUITE_P(Cores, DetectionFirmware,
                         testing::Values("stm32f746", "stm32f412", "stm32f207", "stm32g0b1"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace mcunet::pipeline
