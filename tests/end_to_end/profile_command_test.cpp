// mcunet profile, from the outside: firmware that prints what its steps take, its console, a model.
#include <signal.h>

#include <thread>

#include "engine/residual_block.hpp"
#include "mcunet/core/random.hpp"
#include "mcunet/engine/quantization/random_weights.hpp"
#include "mcunet/engine/tflite/writer.hpp"
#include "run_mcunet.hpp"

namespace mcunet {
namespace {

using engine::ResidualBlock;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

// The emulator's STM32F405 has no cycle counter. Its TIM2 counts at 1 GHz, which with -icount
// shift=0 is once an instruction.
constexpr char kCounterOfTheEmulator[] =
    "#include \"core.h\"\n"
    "#define TIM2 ((volatile uint32_t*)0x40000000)\n"
    "void enable_caches(void) {}\n"
    "void start_cycle_counter(void) {\n"
    "  TIM2[11] = 0xffffffffu;\n"
    "  TIM2[0] = 1;\n"
    "}\n"
    "uint32_t cycle_count(void) { return TIM2[9]; }\n";

class SlowProfileCommand : public CommandTest {
 protected:
  void SetUp() override {
    if (std::system("command -v arm-none-eabi-gcc qemu-system-arm >/dev/null 2>&1") != 0) {
      GTEST_SKIP() << "needs arm-none-eabi-gcc and qemu-system-arm";
    }
    std::string device = read_file(MCUNET_SOURCE_DIR "/configs/devices/stm32f412.yaml");
    replace(device, "name: stm32f412", "name: stm32f405");
    replace(device, "size_kib: 256", "size_kib: 128");
    write("board.yaml", device);
    replace(device, "latency: cortex-m4", "latency: fitted.yaml");
    replace(device, "memory_stalls: 0.2", "memory_stalls: 0");
    write("fitted-board.yaml", device);
  }

  static void replace(std::string& text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
  }

  nlohmann::json run_json(const std::vector<std::string>& arguments) const {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return parse_output(outcome);
  }

  // Compiles NAME.tflite to a folder NAME.
  void compile(const std::string& name, const ResidualBlock& block) {
    RandomStream random(1);
    const std::vector<std::byte> file = engine::write_tflite(
        engine::with_random_weights(engine::make_residual_block(block), random));
    write(name + ".tflite", {reinterpret_cast<const char*>(file.data()), file.size()});
    run_json({"compile", name + ".tflite", "--device", "board.yaml", "--out", name, "--json"});
    write(name + "/firmware/core.c", kCounterOfTheEmulator);
  }

  // What firmware prints until it has done three inferences.
  std::string console_of(const std::string& elf) const {
    const pid_t emulator =
        start({"qemu-system-arm", "-M", "netduinoplus2", "-icount", "shift=0", "-display", "none",
               "-monitor", "none", "-serial", "null", "-serial", "stdio", "-kernel", elf},
              "/usr/bin/env");
    for (int i = 0; i < 60'000; ++i) {
      if (read_file(folder_ / "stdout").find("inference 3:") != std::string::npos) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ::kill(emulator, SIGKILL);
    return finish(emulator).out;
  }

  // What each step took, the last field of its line.
  std::vector<double> measured_in(const std::string& file) const {
    std::vector<double> values;
    std::istringstream lines(read(file));
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("#") || line.starts_with("core,")) continue;
      values.push_back(std::stod(line.substr(line.rfind(',') + 1)));
    }
    return values;
  }

  // The instructions of each step as mcunet emulate counts them, in firmware of another kind.
  std::vector<double> emulated_steps(const std::string& name, std::size_t input_bytes) {
    write("input.bin", std::string(input_bytes, '\0'));
    std::vector<double> instructions;
    const nlohmann::json result =
        run_json({"emulate", name, "--input", "input.bin", "--board", "netduinoplus2", "--json"});
    for (const auto& step : result.at("steps")) instructions.push_back(step.at("instructions"));
    return instructions;
  }
};

TEST_F(SlowProfileCommand, AModelIsFittedToWhatABoardPrints) {
  const std::vector<ResidualBlock> blocks = {
      {.height = 8, .width = 6, .channels = 4, .expanded_channels = 24},
      {.height = 12, .width = 10, .channels = 8, .expanded_channels = 16},
      {.height = 20, .width = 16, .channels = 12, .expanded_channels = 48}};
  std::vector<std::string> fit = {"profile", "--fit"};
  std::vector<double> cycles_of_networks;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const std::string name = "network" + std::to_string(i);
    compile(name, blocks[i]);
    const nlohmann::json firmware = run_json({"profile", name, "--json"});
    const std::string console = console_of(firmware.at("elf"));
    EXPECT_THAT(console, HasSubstr("stm32f405 at its "));
    write("console.txt", console);
    const std::string csv = name + ".csv";
    const nlohmann::json measured =
        run_json({"profile", name, "--log", "console.txt", "--out", csv, "--json"});
    EXPECT_EQ(measured.at("measurements"), 4);
    EXPECT_THAT(read(csv), HasSubstr("# Cycles of layers on a board with stm32f405: "));
    cycles_of_networks.push_back(measured.at("sum"));

    const std::vector<double> cycles = measured_in(csv);
    const std::vector<double> expected = emulated_steps(
        name, static_cast<std::size_t>(blocks[i].height * blocks[i].width * blocks[i].channels));
    ASSERT_EQ(cycles.size(), expected.size());
    for (std::size_t step = 0; step < cycles.size(); ++step) {
      EXPECT_NEAR(cycles[step], expected[step], 50 + 0.01 * expected[step]) << name << " " << step;
    }
    fit.push_back(csv);
  }

  fit.insert(fit.end(), {"--out", "fitted.yaml", "--json"});
  const nlohmann::json fitted = run_json(fit);
  EXPECT_EQ(fitted.at("networks"), 3);
  std::vector<std::string> classes;
  for (const auto& quality : fitted.at("classes")) {
    classes.push_back(quality.at("layer"));
    EXPECT_GT(quality.at("r2"), 0.99) << classes.back();
  }
  EXPECT_THAT(classes, UnorderedElementsAre("pointwise", "depthwise_5", "elementwise"));
  // A board that is described with it takes as long as it was measured to.
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const nlohmann::json plan = run_json({"plan", "network" + std::to_string(i) + ".tflite",
                                          "--device", "fitted-board.yaml", "--json"});
    const double ms = cycles_of_networks[i] / 100e6 * 1e3;
    EXPECT_NEAR(plan.at("latency_ms"), ms, 0.1 * ms) << i;
    EXPECT_EQ(plan.at("latency_ms_low"), plan.at("latency_ms")) << "it was measured";
    EXPECT_EQ(plan.at("latency_ms_high"), plan.at("latency_ms"));
  }
}

TEST_F(SlowProfileCommand, ALogOfAnotherNetworkIsRefused) {
  compile("network", {});
  write("console.txt", "step 0 10\nstep 9 10\n");
  EXPECT_EQ(failure({"profile", "network", "--log", "console.txt", "--out", "cycles.csv"}),
            "console.txt: has a step 9, the network has steps 0 to 3");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "work/cycles.csv"));
  EXPECT_EQ(failure({"profile", "network", "--log", "console.txt"}),
            "--out: says where measurements go");
  EXPECT_THAT(failure({"profile", "nowhere"}), HasSubstr("holds no firmware project"));
}

}  // namespace
}  // namespace mcunet
