#include "mcunet/deploy/reference_model.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "engine/uint8_graph.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/engine/tflite/reader.hpp"
#include "mcunet/engine/tflite/writer.hpp"
#include "shared_data.hpp"

namespace mcunet::deploy {
namespace {

std::vector<std::int8_t> ramp_input(std::size_t size) {
  std::vector<std::int8_t> bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] =
        static_cast<std::int8_t>((static_cast<std::uint32_t>(i) * 1103515245U + 12345U) >> 16);
  }
  return bytes;
}

// Outputs that other programs computed.
TEST(ReferenceModel, GivesGoldenOutputs) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  const std::pair<const char*, std::size_t> models[] = {
      {"mlperf_kws", 49 * 10}, {"mlperf_ic_resnet", 32 * 32 * 3}, {"mcunet_vww", 80 * 80 * 3}};
  for (const auto& [name, input_bytes] : models) {
    ReferenceModel model(data / "tflite" / (std::string(name) + ".tflite"));
    const auto outputs = model.run(ramp_input(input_bytes));
    const auto golden =
        nlohmann::json::parse(read_file(data / "golden" / (std::string(name) + ".json")));
    const nlohmann::json& records = golden.is_array() ? golden : golden.at("records");
    const nlohmann::json& expected = records.at(0).at("outputs").at(0);
    EXPECT_EQ(nlohmann::json(outputs.at(0)), expected.at("int8_bytes")) << name;
  }
}

// The largest of four neighbours, as numbers of the file: 60 values in, 36 out.
std::vector<int> largest_neighbours(const std::vector<int>& values) {
  std::vector<int> result;
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 3; ++x) {
      for (int c = 0; c < 3; ++c) {
        const auto at = [&](int row, int column) { return values[(row * 4 + column) * 3 + c]; };
        result.push_back(std::max({at(y, x), at(y, x + 1), at(y + 1, x), at(y + 1, x + 1)}));
      }
    }
  }
  return result;
}

TEST(ReferenceModel, AnInputMayBeAnOutput) {
  engine::Graph graph;
  const engine::TensorId input = engine::add_input(graph, {1, 1, 4});
  edit_info(graph, input).quantization = {1, 0};
  const engine::TensorId output =
      append_op(graph, {.kind = engine::OpKind::kRelu, .has_bias = false}, {input});
  edit_info(graph, output).quantization = {1, 0};
  graph.outputs = {output, input};
  const TemporaryFolder folder;
  engine::write_tflite(graph, folder / "model.tflite");
  const std::vector<std::int8_t> values = {-3, 0, 5, -128};
  for (const auto borders : {engine::Borders::kCaller, engine::Borders::kInvoke}) {
    const auto outputs = ReferenceModel(folder / "model.tflite", borders).run(values);
    EXPECT_EQ(outputs.at(0), (std::vector<std::int8_t>{0, 0, 5, 0}));
    EXPECT_EQ(outputs.at(1), values);
  }
}

TEST(ReferenceModel, Uint8IsTheFilesOwnInInvokeAndLess128ForTheCaller) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "model.tflite";
  engine::write_tflite(engine::uint8_graph({0.05F, 121}), file);
  std::vector<int> values;
  for (const std::int8_t value : ramp_input(60)) values.push_back(value + 128);
  const std::vector<int> expected = largest_neighbours(values);
  for (const engine::Borders borders : {engine::Borders::kInvoke, engine::Borders::kCaller}) {
    const int offset = borders == engine::Borders::kCaller ? 128 : 0;
    const auto as_bytes = [&](const std::vector<int>& numbers) {
      std::vector<std::int8_t> bytes;
      for (const int number : numbers) bytes.push_back(static_cast<std::int8_t>(number - offset));
      return bytes;
    };
    ReferenceModel model(file, borders);
    const auto outputs = model.run(as_bytes(values));
    ASSERT_EQ(outputs.size(), 1u);
    EXPECT_EQ(outputs[0], as_bytes(expected)) << name_of(borders);
  }
}

TEST(ReferenceModel, FloatIsTheFilesOwnInInvokeAndQuantizedForTheCaller) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  const std::filesystem::path file = data / "tflite/mcunet_vww.tflite";
  const engine::Graph graph = engine::read_tflite(file);
  const std::vector<std::int8_t> input = ramp_input(80 * 80 * 3);
  const auto is_border = [&](const engine::Op& op) {
    return op.kind == engine::OpKind::kQuantize && graph.inputs_of(op)[0] == graph.inputs[0];
  };
  const auto border = std::find_if(graph.ops.begin(), graph.ops.end(), is_border);
  ASSERT_NE(border, graph.ops.end());
  const engine::Quantization q = graph.info_of(border->output).quantization;
  std::vector<std::int8_t> real(input.size() * sizeof(float));
  for (std::size_t i = 0; i < input.size(); ++i) {
    const float value = q.scale * static_cast<float>(input[i] - q.zero_point);
    std::memcpy(&real[i * sizeof(value)], &value, sizeof(value));
  }
  const auto quantized = ReferenceModel(file).run(input);
  const auto outputs = ReferenceModel(file, engine::Borders::kInvoke).run(real);
  ASSERT_EQ(outputs.size(), quantized.size());
  ASSERT_EQ(outputs[0].size(), quantized[0].size() * sizeof(float));
  const engine::Op& last = graph.ops.back();
  ASSERT_EQ(last.kind, engine::OpKind::kDequantize);
  const engine::Quantization out = graph.info_of(graph.inputs_of(last)[0]).quantization;
  for (std::size_t i = 0; i < quantized[0].size(); ++i) {
    float value = 0;
    std::memcpy(&value, &outputs[0][i * sizeof(value)], sizeof(value));
    EXPECT_EQ(value, out.scale * static_cast<float>(quantized[0][i] - out.zero_point));
  }
}

TEST(ReferenceModel, RefusesInputsOfAnotherSize) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "model.tflite";
  engine::write_tflite(engine::uint8_graph({0.05F, 121}), file);
  ReferenceModel model(file);
  EXPECT_EQ(error_of([&] { model.run(ramp_input(59)); }), "the input ends after 1 bytes too few");
  EXPECT_EQ(error_of([&] { model.run(ramp_input(61)); }), "the input has 1 bytes too many");
}

TEST(ReferenceModel, MissingFileIsAnError) {
  EXPECT_NE(error_of([] { ReferenceModel("no_such.tflite"); }), "(no error)");
}

}  // namespace
}  // namespace mcunet::deploy
