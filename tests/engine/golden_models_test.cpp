// Real models against outputs of TFLite Micro's reference kernels: every operator of every input,
// and the keyword-spotting network on its thousand recorded inputs.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "fnv1a.hpp"
#include "generated_model.hpp"
#include "golden_input.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/engine/reference/reference_executor.hpp"
#include "mcunet/engine/tflite/reader.hpp"
#include "shared_data.hpp"

namespace mcunet::engine {
namespace {

// Bytes as the graph's input: themselves, or, before a QUANTIZE, the real numbers that they stand
// for.
TensorBytes as_graph_input(const Graph& graph, const TensorBytes& bytes) {
  if (graph.tensors[graph.inputs[0]].type != DataType::kFloat32) return bytes;
  const Quantization& q = graph.info_of(graph.ops[0].output).quantization;
  TensorBytes floats(bytes.size() * sizeof(float));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int value = std::to_integer<std::int8_t>(bytes[i]);
    const float real = q.scale * static_cast<float>(value - q.zero_point);
    std::memcpy(floats.data() + i * sizeof(real), &real, sizeof(real));
  }
  return floats;
}

// Hashes of each operator's int8 output by operator, recorded for inputs 0 to 5.
void expect_golden(const std::filesystem::path& data, const std::string& model) {
  const Graph graph = read_tflite(data / "tflite" / (model + ".tflite"));
  const auto records = nlohmann::json::parse(read_file(data / "golden" / (model + "_layers.json")));
  ASSERT_EQ(records.size(), 6);
  const auto elements = static_cast<std::size_t>(graph.tensors[graph.inputs[0]].shape.elements());
  for (const auto& record : records) {
    const auto index = record["input_index"].get<std::uint32_t>();
    std::vector<std::string> hashes;
    const auto observe = [&](OpId, std::span<const std::byte> output) {
      hashes.push_back(fnv1a_hex(output));
    };
    const std::vector<TensorBytes> inputs = {as_graph_input(graph, golden_input(index, elements))};
    execute(graph, inputs, observe);
    std::size_t compared = 0;
    for (const auto& op : record["ops"]) {
      if (op["type"] != "int8") continue;
      const auto id = op["op"].get<std::size_t>();
      ASSERT_LT(id, hashes.size());
      EXPECT_EQ(hashes[id], op["fnv1a64"]) << model << " input " << index << " operator " << id;
      ++compared;
    }
    EXPECT_GE(compared + 1, graph.ops.size());
  }
}

TEST(GoldenModels, KeywordSpottingMatchesEveryOperator) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  expect_golden(data, "mlperf_kws");
}

TEST(GoldenModels, ImageClassificationMatchesEveryOperator) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  expect_golden(data, "mlperf_ic_resnet");
}

TEST(GoldenModels, VisualWakeWordsMatchesEveryOperator) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  expect_golden(data, "mcunet_vww");
}

// Called after every step: hands the output on to the test.
constexpr char kTracer[] = R"(#include "model.h"
static void (*watch)(int, const void*, int32_t);
void watch_steps(void (*function)(int, const void*, int32_t)) { watch = function; }
void model_step_output(int step, const void* output, int32_t bytes) { watch(step, output, bytes); }
)";

std::vector<std::string> traced_hashes;

void record_step(int step, const void* output, std::int32_t bytes) {
  EXPECT_EQ(static_cast<std::size_t>(step), traced_hashes.size());
  traced_hashes.push_back(
      fnv1a_hex({static_cast<const std::byte*>(output), static_cast<std::size_t>(bytes)}));
}

// The generated C step by step. Operators that became part of a step have no output of their own:
// PAD, and conversions at the borders.
TEST(GoldenModels, GeneratedCodeMatchesEveryOperatorThatItHas) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  for (const std::string model : {"mlperf_kws", "mlperf_ic_resnet", "mcunet_vww"}) {
    const Graph graph = read_tflite(data / "tflite" / (model + ".tflite"));
    const CompiledGraph compiled = compile_graph(graph);
    const GeneratedModel generated(compiled, "traced-" + model, "-DMODEL_TRACE", kTracer);
    generated.symbol<void(void (*)(int, const void*, std::int32_t))>("watch_steps")(record_step);
    const auto elements = static_cast<std::size_t>(graph.tensors[graph.inputs[0]].shape.elements());
    const auto records =
        nlohmann::json::parse(read_file(data / "golden" / (model + "_layers.json")));
    std::size_t compared = 0;
    for (const auto& record : records) {
      std::map<std::string, std::string> expected;  // by the output's name
      for (const auto& op : record["ops"]) {
        if (op["type"] != "int8") continue;
        expected[graph.info_of(graph.ops[op["op"].get<std::size_t>()].output).name] = op["fnv1a64"];
      }
      traced_hashes.clear();
      const std::vector<TensorBytes> inputs = {
          golden_input(record["input_index"].get<std::uint32_t>(), elements)};
      generated.run(inputs);
      ASSERT_EQ(traced_hashes.size(), compiled.schedule.steps.size());
      for (std::size_t step = 0; step < traced_hashes.size(); ++step) {
        const Op& op = compiled.graph.ops[compiled.schedule.steps[step].first_op];
        const std::string& tensor = compiled.graph.info_of(op.output).name;
        ASSERT_TRUE(expected.contains(tensor)) << tensor;
        EXPECT_EQ(traced_hashes[step], expected.at(tensor)) << model << " step " << step;
        ++compared;
      }
    }
    EXPECT_EQ(compared, 6 * compiled.graph.ops.size());
    EXPECT_GE(compiled.graph.ops.size(), 13u);
  }
}

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> fields;
  std::istringstream stream(line);
  for (std::string field; std::getline(stream, field, ',');) fields.push_back(field);
  return fields;
}

// Output values as the board printed them: thousandths, rounded down.
std::vector<int> as_logged(const TensorBytes& output) {
  std::vector<int> thousandths;
  for (std::byte byte : output) {
    thousandths.push_back(1000 * (std::to_integer<std::int8_t>(byte) + 128) / 256);
  }
  return thousandths;
}

TEST(GoldenModels, KeywordSpottingMatchesTheLogOfABoard) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  const Graph graph = read_tflite(data / "tflite" / "mlperf_kws.tflite");
  std::ifstream log(data / "kws01" / "expected_mcu_outputs.csv");
  std::string line;
  std::getline(log, line);
  int rows = 0;
  int correct = 0;
  int different = 0;
  while (std::getline(log, line)) {
    const std::vector<std::string> fields = split(line);
    const std::string contents = read_file(data / "kws01" / fields[0]);
    const auto bytes = std::as_bytes(std::span(contents));
    const std::vector<TensorBytes> inputs = {TensorBytes(bytes.begin(), bytes.end())};
    const std::vector<int> output = as_logged(execute(graph, inputs)[0]);
    std::vector<int> expected;
    for (std::size_t i = 2; i < fields.size(); ++i) {
      expected.push_back(static_cast<int>(std::lround(1000 * std::stod(fields[i]))));
    }
    ++rows;
    different += output != expected ? 1 : 0;
    const auto top = std::max_element(output.begin(), output.end()) - output.begin();
    correct += top == std::stoi(fields[1]) ? 1 : 0;
  }
  EXPECT_EQ(rows, 1000);
  EXPECT_EQ(different, 0);
  EXPECT_EQ(correct, 901);
}

}  // namespace
}  // namespace mcunet::engine
