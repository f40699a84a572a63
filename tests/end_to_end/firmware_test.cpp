// Real models as firmware on emulated cores, against outputs that were recorded elsewhere.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/temporary_folder.hpp"
#include "engine/golden_input.hpp"
#include "engine/random_graphs.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/deploy/emulator.hpp"
#include "mcunet/deploy/reference_model.hpp"
#include "mcunet/engine/tflite_writer.hpp"
#include "pipeline/compile_stage.hpp"
#include "shared_data.hpp"

namespace mcunet::pipeline {
namespace {

using deploy::Int8Bytes;

bool has_emulator() {
  return std::system("command -v arm-none-eabi-gcc qemu-system-arm >/dev/null 2>&1") == 0;
}

Int8Bytes as_int8(std::span<const std::byte> bytes) {
  Int8Bytes values;
  for (std::byte byte : bytes) values.push_back(std::to_integer<std::int8_t>(byte));
  return values;
}

struct Case {
  const char* model;
  const char* device;
};

class Firmware : public testing::TestWithParam<Case> {};

// The outputs of TFLite Micro's reference kernels for six inputs; SRAM as measured for TinyEngine,
// or for TFLite Micro with CMSIS-NN where TinyEngine has no figure.
TEST_P(Firmware, GivesTheRecordedOutputsWithinTheMemoryOfItsPeers) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  if (!has_emulator()) GTEST_SKIP() << "needs arm-none-eabi-gcc and qemu-system-arm";
  const std::string name = GetParam().model;
  const TemporaryFolder folder;
  const CompileResult compiled =
      compile_model(data / "tflite" / fmt::format("{}.tflite", name),
                    deploy::load_device(fmt::format("{}/configs/devices/{}.yaml", MCUNET_SOURCE_DIR,
                                                    GetParam().device)),
                    {}, folder / "model");
  EXPECT_TRUE(compiled.firmware.fits());
  EXPECT_LT(compiled.code_bytes(), 24 * 1024) << "start-up included";

  const auto golden =
      nlohmann::json::parse(read_file(data / "golden" / fmt::format("{}.json", name)));
  const auto input_bytes =
      static_cast<std::size_t>(deploy::read_model_description(folder / "model").inputs[0].bytes());
  std::vector<Int8Bytes> inputs;
  for (const auto& record : golden) {
    inputs.push_back(
        as_int8(engine::golden_input(record["input_index"].get<std::uint32_t>(), input_bytes)));
  }
  ASSERT_EQ(inputs.size(), 6u);
  const deploy::EmulationResult result = deploy::emulate(folder / "model", inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto expected = golden[i]["outputs"][0]["int8_bytes"].get<Int8Bytes>();
    EXPECT_EQ(result.inferences[i].outputs[0], expected) << name << " input " << i;
  }

  const std::map<std::string, std::int64_t> peers = {
      {"mcunet_vww", 94'748}, {"mlperf_kws", 25'104}, {"mlperf_ic_resnet", 56'748}};
  const std::int64_t sram_bytes =
      compiled.firmware.data_bytes + compiled.firmware.bss_bytes + result.stack_bytes;
  EXPECT_LT(sram_bytes, peers.at(name));
  RecordProperty("sram_bytes", std::to_string(sram_bytes));
  RecordProperty("flash_bytes", std::to_string(compiled.firmware.flash_bytes()));
  RecordProperty("instructions", std::to_string(result.inferences[0].instructions));
}

INSTANTIATE_TEST_SUITE_P(
    Models, Firmware,
    testing::Values(Case{"mcunet_vww", "stm32f746"}, Case{"mcunet_vww", "stm32f412"},
                    Case{"mlperf_kws", "stm32f746"}, Case{"mlperf_kws", "stm32f412"},
                    Case{"mlperf_ic_resnet", "stm32f746"}, Case{"mlperf_ic_resnet", "stm32f412"}),
    [](const auto& test) { return fmt::format("{}_{}", test.param.model, test.param.device); });

// Random layers of every operator that has one input, on both cores: odd sizes, channel counts that
// are no multiples of 4, all strides and paddings, saturating values.
TEST(SlowFirmware, RandomLayersOfEveryOperatorAreExact) {
  if (!has_emulator()) GTEST_SKIP() << "needs arm-none-eabi-gcc and qemu-system-arm";
  int compared = 0;
  for (const engine::OpKind kind : engine::kAllOpKinds) {
    for (std::uint64_t seed = 0; seed < 2; ++seed) {
      const engine::Graph graph = engine::random_graph(kind, seed);
      if (graph.inputs.size() != 1) continue;
      const TemporaryFolder folder;
      engine::write_tflite(graph, folder / "model.tflite");
      for (const char* device : {"stm32f746", "stm32f412"}) {
        try {
          compile_model(folder / "model.tflite",
                        deploy::load_device(
                            fmt::format("{}/configs/devices/{}.yaml", MCUNET_SOURCE_DIR, device)),
                        {}, folder / "model");
        } catch (const Error&) {
          break;  // no kernel for this form of the operator
        }
        const auto bytes = static_cast<std::size_t>(
            deploy::read_model_description(folder / "model").inputs[0].bytes());
        const std::vector<Int8Bytes> inputs = {as_int8(engine::golden_input(0, bytes)),
                                               as_int8(engine::golden_input(4, bytes))};
        const deploy::ReferenceModel reference(folder / "model.tflite");
        const deploy::EmulationResult result = deploy::emulate(folder / "model", inputs);
        for (std::size_t i = 0; i < inputs.size(); ++i) {
          EXPECT_EQ(result.inferences[i].outputs, reference.run(inputs[i]))
              << name_of(kind) << " seed " << seed << " on " << device;
        }
        ++compared;
      }
    }
  }
  EXPECT_GE(compared, 40);
}

// 1000 inputs whose outputs were logged on a real Cortex-M4, in thousandths rounded down.
TEST(SlowFirmware, AnswersAThousandInputsAsTheBoardDid) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  if (!has_emulator()) GTEST_SKIP() << "needs arm-none-eabi-gcc and qemu-system-arm";
  const TemporaryFolder folder;
  compile_model(
      data / "tflite/mlperf_kws.tflite",
      deploy::load_device(fmt::format("{}/configs/devices/stm32f412.yaml", MCUNET_SOURCE_DIR)), {},
      folder / "model");
  std::ifstream log(data / "kws01/expected_mcu_outputs.csv");
  std::string line;
  std::getline(log, line);
  std::vector<Int8Bytes> inputs;
  std::vector<std::vector<int>> expected;
  std::vector<int> labels;
  while (std::getline(log, line)) {
    std::istringstream fields(line);
    std::string field;
    std::getline(fields, field, ',');
    const std::string contents = read_file(data / "kws01" / field);
    inputs.push_back(as_int8(std::as_bytes(std::span(contents))));
    std::getline(fields, field, ',');
    labels.push_back(std::stoi(field));
    expected.emplace_back();
    while (std::getline(fields, field, ',')) {
      expected.back().push_back(static_cast<int>(std::lround(1000 * std::stod(field))));
    }
  }
  ASSERT_EQ(inputs.size(), 1000u);
  const deploy::EmulationResult result = deploy::emulate(folder / "model", inputs);
  int correct = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Int8Bytes& output = result.inferences[i].outputs[0];
    std::vector<int> thousandths;
    for (std::int8_t value : output) thousandths.push_back(1000 * (value + 128) / 256);
    EXPECT_EQ(thousandths, expected[i]) << "input " << i;
    const auto top = std::max_element(output.begin(), output.end()) - output.begin();
    correct += top == labels[i] ? 1 : 0;
  }
  EXPECT_EQ(correct, 901);
}

}  // namespace
}  // namespace mcunet::pipeline
