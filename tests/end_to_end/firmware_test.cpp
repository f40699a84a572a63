// Real models as firmware on emulated cores, against outputs that were recorded elsewhere.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/temporary_folder.hpp"
#include "engine/golden_input.hpp"
#include "engine/narrowed.hpp"
#include "engine/random_chain.hpp"
#include "engine/random_graphs.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/deploy/emulator.hpp"
#include "mcunet/deploy/reference_model.hpp"
#include "mcunet/engine/quantization/random_weights.hpp"
#include "mcunet/engine/tflite/reader.hpp"
#include "mcunet/engine/tflite/writer.hpp"
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

// The inputs of one inference, one after another.
Int8Bytes joined_inputs(const engine::Graph& graph, std::uint64_t seed) {
  Int8Bytes joined;
  std::vector<engine::TensorBytes> inputs = engine::random_inputs(graph, seed);
  inputs.resize(graph.given_inputs().size());
  for (const engine::TensorBytes& input : inputs) {
    const Int8Bytes values = as_int8(input);
    joined.insert(joined.end(), values.begin(), values.end());
  }
  return joined;
}

constexpr auto kFastest = engine::ScratchGrowth::kWithinBudget;

// Every other layer of a test has the least memory, so that kernels run in all their ways.
engine::ScratchGrowth growth_of(std::uint64_t seed) {
  return seed % 2 == 0 ? engine::ScratchGrowth::kNone : kFastest;
}

// A Cortex-M7, M4, M3 and M0+.
const std::vector<const char*> kAllCores = {"stm32f746", "stm32f412", "stm32f207", "stm32g0b1"};

// A random layer or network as firmware on some cores, on two inferences of random bytes.
int compare_on_cores(const engine::Graph& graph, const std::string& name,
                     engine::ScratchGrowth growth = kFastest,
                     const std::vector<const char*>& devices = {"stm32f746", "stm32f412"},
                     engine::SchedulePolicy schedule = engine::SchedulePolicy::kInPlace) {
  const TemporaryFolder folder;
  const std::filesystem::path model = folder / engine::model_file_name(graph);
  engine::write_model(graph, model);
  constexpr auto kBorders = engine::Borders::kInvoke;
  const std::vector<Int8Bytes> inputs = {joined_inputs(graph, 1), joined_inputs(graph, 2)};
  int compared = 0;
  for (const char* device : devices) {
    compile_model(
        model,
        deploy::load_device(fmt::format("{}/configs/devices/{}.yaml", MCUNET_SOURCE_DIR, device)),
        {.schedule = options_of(schedule), .scratch_growth = growth, .borders = kBorders},
        folder / "model");
    const deploy::EmulationResult result = deploy::emulate(folder / "model", inputs);
    deploy::ReferenceModel reference(model, kBorders);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      EXPECT_EQ(result.inferences[i].outputs, reference.run(inputs[i])) << name << " on " << device;
    }
    ++compared;
  }
  return compared;
}

// Random layers of every operator: odd sizes, channel counts that are no
// multiples of 4, all strides and paddings, saturating values.
TEST(SlowFirmware, RandomLayersOfEveryOperatorAreExact) {
  if (!has_emulator()) GTEST_SKIP() << "needs arm-none-eabi-gcc and qemu-system-arm";
  int compared = 0;
  for (const engine::OpKind kind : engine::kAllOpKinds) {
    for (std::uint64_t seed = 0; seed < 2; ++seed) {
      compared += compare_on_cores(engine::random_graph(kind, seed),
                                   fmt::format("{} {}", name_of(kind), seed), growth_of(seed));
    }
  }
  EXPECT_EQ(compared, 2 * 2 * static_cast<int>(engine::kAllOpKinds.size()));
}

TEST(SlowFirmware, RareFormsOfOperatorsAreExact) {
  if (!has_emulator()) GTEST_SKIP() << "needs arm-none-eabi-gcc and qemu-system-arm";
  int compared = 0;
  for (const engine::OpKind kind : engine::kRareOpKinds) {
    for (std::uint64_t seed = 0; seed < 2; ++seed) {
      compared += compare_on_cores(engine::random_rare_graph(kind, seed),
                                   fmt::format("rare {} {}", name_of(kind), seed), growth_of(seed));
    }
  }
  EXPECT_EQ(compared, 2 * 2 * static_cast<int>(engine::kRareOpKinds.size()));
}

TEST(SlowFirmware, LayersWithWeightsOfFourBitsAreExact) {
  if (!has_emulator()) GTEST_SKIP() << "needs arm-none-eabi-gcc and qemu-system-arm";
  constexpr std::uint64_t kSeeds = 6;
  int compared = 0;
  for (const engine::OpKind kind : engine::kInt4OpKinds) {
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
      compared += compare_on_cores(engine::random_int4_graph(kind, seed),
                                   fmt::format("int4 {} {}", name_of(kind), seed), growth_of(seed));
    }
  }
  EXPECT_EQ(compared, 2 * int{kSeeds} * static_cast<int>(engine::kInt4OpKinds.size()));
}

TEST(Firmware, ActivationsOfFourBitsAreExact) {
  if (!has_emulator()) GTEST_SKIP() << "needs arm-none-eabi-gcc and qemu-system-arm";
  EXPECT_EQ(compare_on_cores(engine::random_narrow_network(3), "narrow 3"), 2);
}

TEST(SlowFirmware, NetworksWithActivationsOfFourBitsAreExact) {
  if (!has_emulator()) GTEST_SKIP() << "needs arm-none-eabi-gcc and qemu-system-arm";
  int compared = 0;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    compared += compare_on_cores(engine::random_narrow_network(seed),
                                 fmt::format("narrow {}", seed), growth_of(seed), kAllCores);
  }
  EXPECT_EQ(compared, 6 * 4);
}

// Chains of whatever works in bands, and networks of four bits.
TEST(SlowFirmware, NetworksThatStreamAreExact) {
  if (!has_emulator()) GTEST_SKIP() << "needs arm-none-eabi-gcc and qemu-system-arm";
  constexpr auto kStreaming = engine::SchedulePolicy::kStreaming;
  RandomStream random(8);
  int compared = 0;
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    const engine::Graph chain = engine::with_random_weights(
        engine::RandomChain(random, /*pads_pools=*/false).make(14), random);
    compared += compare_on_cores(chain, fmt::format("chain {}", seed), engine::ScratchGrowth::kNone,
                                 kAllCores, kStreaming);
  }
  for (std::uint64_t seed = 0; seed < 1; ++seed) {
    compared +=
        compare_on_cores(engine::random_narrow_network(seed), fmt::format("narrow {}", seed),
                         engine::ScratchGrowth::kNone, kAllCores, kStreaming);
  }
  EXPECT_EQ(compared, 4 * 4);
}

TEST(SlowFirmware, NetworksWithWeightsOfFourBitsAreExact) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  if (!has_emulator()) GTEST_SKIP() << "needs arm-none-eabi-gcc and qemu-system-arm";
  for (const char* name : {"mcunet_vww", "mlperf_kws", "mlperf_ic_resnet"}) {
    const auto graph = engine::read_tflite(data / "tflite" / fmt::format("{}.tflite", name));
    EXPECT_EQ(compare_on_cores(engine::narrowed(graph), name), 2);
  }
}

// 32-bit sums in the assembly of every kernel: general, 1x1 and in-place windows.
TEST(SlowFirmware, ChannelsWithWideSumsAreExact) {
  if (!has_emulator()) GTEST_SKIP() << "needs arm-none-eabi-gcc and qemu-system-arm";
  constexpr std::uint64_t kSeeds = 6;
  int compared = 0;
  for (const engine::OpKind kind : engine::kWideSumOpKinds) {
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
      compared += compare_on_cores(engine::random_wide_sum_graph(kind, seed),
                                   fmt::format("wide {} {}", name_of(kind), seed), growth_of(seed));
    }
  }
  EXPECT_EQ(compared, 2 * int{kSeeds} * static_cast<int>(engine::kWideSumOpKinds.size()));
}

// A network that takes and gives float, against the reference executor with the file's own borders.
TEST(SlowFirmware, ConvertsAtTheBordersOnRequest) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  if (!has_emulator()) GTEST_SKIP() << "needs arm-none-eabi-gcc and qemu-system-arm";
  const engine::Graph graph = engine::read_tflite(data / "tflite/mcunet_vww.tflite");
  ASSERT_EQ(graph.tensors[graph.inputs[0]].type, engine::DataType::kFloat32);
  EXPECT_EQ(compare_on_cores(graph, "mcunet_vww"), 2);
}

// The main() of a program with two networks that share an arena: reads an input for each, twice.
constexpr char kMainOfTwo[] = R"(
#include "first.h"
#include "second.h"
#include "semihosting.h"
#include "startup.h"

int8_t shared_arena[FIRST_ARENA_BYTES > SECOND_ARENA_BYTES ? FIRST_ARENA_BYTES : SECOND_ARENA_BYTES]
    __attribute__((aligned(8)));

int main(void) {
  const int input = host_open("input.bin", 0);
  const int output = host_open("output.bin", 1);
  for (int turn = 0; turn < 2; ++turn) {
    if (host_read(input, first_input(), FIRST_INPUT_BYTES) != 0) host_exit(1);
    first_invoke();
    host_write(output, first_output(0), FIRST_OUTPUT_BYTES);
    if (host_read(input, second_input(), SECOND_INPUT_BYTES) != 0) host_exit(1);
    second_invoke();
    host_write(output, second_output(0), SECOND_OUTPUT_BYTES);
  }
  host_close(output);
  host_exit(0);
}

void report_fault(const struct fault_frame* frame, uint32_t exception) {
  (void)frame;
  (void)exception;
  host_exit(2);
}
)";

// By hand, as docs/compiler.md tells: both folders' files in one, built by the first one's Makefile.
TEST(SlowFirmware, TwoNetworksShareAnArena) {
  if (!has_emulator()) GTEST_SKIP() << "needs arm-none-eabi-gcc and qemu-system-arm";
  const TemporaryFolder folder;
  const auto device = deploy::load_device(MCUNET_SOURCE_DIR "/configs/devices/stm32f412.yaml");
  std::string input;
  std::string expected;
  std::vector<std::pair<std::string, engine::Graph>> networks = {
      {"first", engine::random_graph(engine::OpKind::kConv2d, 3)},
      {"second", engine::random_graph(engine::OpKind::kDepthwiseConv2d, 5)}};
  for (const auto& [prefix, graph] : networks) {
    engine::write_tflite(graph, folder / "model.tflite");
    compile_model(folder / "model.tflite", device, {.names = engine::ModelNames(prefix)},
                  folder / prefix);
  }
  for (std::uint64_t turn = 0; turn < 2; ++turn) {
    for (const auto& [prefix, graph] : networks) {
      const auto append = [](const engine::TensorBytes& bytes, std::string& text) {
        text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      };
      const auto inputs = engine::random_inputs(graph, turn);
      append(inputs[0], input);
      append(engine::execute(graph, inputs)[0], expected);
    }
  }
  write_file_atomically(folder / "first/input.bin", input);
  write_file_atomically(folder / "first/firmware/emulator_main.c", kMainOfTwo);
  const std::string command = fmt::format(
      "cd {}/first && cp -r ../second/second* ../second/kernels . && make emulate "
      "MODEL_SOURCES=\"first.c first_weights.c second.c second_weights.c $(echo kernels/*.c)\" "
      "EMULATOR_DEFINES='-DFIRST_ARENA=shared_arena -DSECOND_ARENA=shared_arena' > log 2>&1",
      folder.path().string());
  ASSERT_EQ(std::system(command.c_str()), 0) << read_file(folder / "first/log");
  EXPECT_EQ(read_file(folder / "first/output.bin"), expected);
}

// Hashes of the operators' outputs by the names of their tensors, for one input.
std::map<std::string, std::string> recorded_hashes(const engine::Graph& graph,
                                                   const nlohmann::json& record) {
  std::map<std::string, std::string> hashes;
  for (const auto& entry : record["ops"]) {
    if (entry["type"] != "int8") continue;
    const auto id = entry["op"].get<std::size_t>();
    hashes[graph.info_of(graph.ops[id].output).name] = entry["fnv1a64"];
  }
  return hashes;
}

// Every step against what TFLite Micro's reference kernels gave for that operator. Operators that
// became part of a step have no output of their own: PAD, and conversions at the borders.
TEST(SlowFirmware, EveryStepGivesTheRecordedOutput) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  if (!has_emulator()) GTEST_SKIP() << "needs arm-none-eabi-gcc and qemu-system-arm";
  for (const char* name : {"mcunet_vww", "mlperf_kws", "mlperf_ic_resnet"}) {
    const std::filesystem::path file = data / "tflite" / fmt::format("{}.tflite", name);
    const engine::Graph graph = engine::read_tflite(file);
    const engine::CompiledGraph compiled = engine::compile_graph(graph);
    const auto records =
        nlohmann::json::parse(read_file(data / "golden" / fmt::format("{}_layers.json", name)));
    ASSERT_EQ(records.size(), 6u);
    const auto input_bytes =
        static_cast<std::size_t>(compiled.graph.tensors[compiled.graph.inputs[0]].bytes());
    std::vector<Int8Bytes> inputs;
    for (const auto& record : records) {
      inputs.push_back(
          as_int8(engine::golden_input(record["input_index"].get<std::uint32_t>(), input_bytes)));
    }
    for (const char* device : {"stm32f746", "stm32f412"}) {
      const TemporaryFolder folder;
      compile_model(
          file,
          deploy::load_device(fmt::format("{}/configs/devices/{}.yaml", MCUNET_SOURCE_DIR, device)),
          {}, folder / "model");
      const deploy::EmulationResult result =
          deploy::emulate(folder / "model", inputs, {.traces_steps = true});
      std::size_t compared = 0;
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        const auto expected = recorded_hashes(graph, records[i]);
        const std::vector<std::uint64_t>& hashes = result.inferences[i].step_hashes;
        ASSERT_EQ(hashes.size(), compiled.schedule.steps.size());
        for (std::size_t step = 0; step < hashes.size(); ++step) {
          const engine::Op& op = compiled.graph.ops[compiled.schedule.steps[step].first_op];
          const std::string& tensor = compiled.graph.info_of(op.output).name;
          ASSERT_TRUE(expected.contains(tensor)) << tensor;
          EXPECT_EQ(fmt::format("{:016x}", hashes[step]), expected.at(tensor))
              << name << " on " << device << ", input " << i << ", step " << step;
          ++compared;
        }
      }
      EXPECT_EQ(compared, 6 * compiled.graph.ops.size());
      EXPECT_GE(compiled.graph.ops.size(), 13u);
    }
  }
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
