// mcunet compile, emulate, ablate and flash, from the outside.
#include <fmt/format.h>

#include <map>

#include "engine/random_graphs.hpp"
#include "engine/residual_block.hpp"
#include "engine/uint8_graph.hpp"
#include "mcunet/deploy/npy.hpp"
#include "mcunet/engine/quantization/random_weights.hpp"
#include "mcunet/engine/tflite/writer.hpp"
#include "run_mcunet.hpp"
#include "shared_data.hpp"

namespace mcunet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// That has no room for a program.
std::string tiny_device() {
  std::string device = read_file(MCUNET_SOURCE_DIR "/configs/devices/stm32f412.yaml");
  const std::string size = "size_kib: 1024";
  device.replace(device.find(size), size.size(), "size_kib: 1");
  device.replace(device.find("reserved_flash_kib: 32"), 22, "reserved_flash_kib: 0");
  return device;
}

class CompileCommand : public CommandTest {
 protected:
  void SetUp() override {
    if (std::system("command -v arm-none-eabi-gcc qemu-system-arm >/dev/null 2>&1") != 0) {
      GTEST_SKIP() << "needs arm-none-eabi-gcc and qemu-system-arm";
    }
    const std::vector<std::byte> file =
        engine::write_tflite(engine::random_graph(engine::OpKind::kConv2d, 3));
    model_ = {reinterpret_cast<const char*>(file.data()), file.size()};
    write("model.tflite", model_);
  }

  void write_model(const engine::Graph& graph) {
    const std::vector<std::byte> file = engine::write_tflite(graph);
    write("model.tflite", {reinterpret_cast<const char*>(file.data()), file.size()});
  }

  Outcome compile(const std::string& device = "stm32f746") const {
    return run({"compile", "model.tflite", "--device", device, "--out", "out", "--json"});
  }

  std::string model_;
};

TEST_F(CompileCommand, CompilesEmulatesAndAgrees) {
  const Outcome outcome = compile();
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const nlohmann::json json = parse_output(outcome);
  EXPECT_TRUE(json["fits"]);
  EXPECT_GT(json["peak_sram_bytes"], 0);
  EXPECT_GT(json["flash_bytes"], json["constant_bytes"]);
  for (const char* key : {"text", "data", "bss"}) EXPECT_TRUE(json["elf"].contains(key)) << key;
  for (const char* file : {"out/model.h", "out/model.c", "out/weights.c", "out/model.json",
                           "out/Makefile", "out/build/firmware.elf", "out/build/firmware.bin"}) {
    EXPECT_FALSE(read(file).empty()) << file;
  }

  const auto input = nlohmann::json::parse(read("out/model.json"))["inputs"][0];
  const auto bytes = input["height"].get<std::size_t>() * input["width"].get<std::size_t>() *
                     input["channels"].get<std::size_t>();
  write("input.bin", std::string(2 * bytes, '\x11'));
  const Outcome emulated = run({"emulate", "out", "--input", "input.bin", "--json"});
  ASSERT_EQ(emulated.exit_code, 0) << emulated.err;
  const nlohmann::json result = parse_output(emulated);
  ASSERT_EQ(result["inferences"].size(), 2u);
  for (const auto& inference : result["inferences"]) {
    EXPECT_EQ(inference["exact"], true);
    EXPECT_GT(inference["instructions"], 0);
  }
  EXPECT_GT(result["stack_bytes"], 0);
  EXPECT_EQ(result["steps"].size(), 1u);

  EXPECT_FALSE(result["steps"][0].contains("cycles"));

  const Outcome estimated = run({"emulate", "out", "--input", "input.bin", "--cycles", "--json"});
  ASSERT_EQ(estimated.exit_code, 0) << estimated.err;
  const nlohmann::json costs = parse_output(estimated);
  EXPECT_EQ(costs["inferences"][0]["instructions"], result["inferences"][0]["instructions"]);
  double low = 0;
  for (const auto& step : costs["steps"]) {
    EXPECT_GT(step["cycles"]["low"], 0);
    EXPECT_GE(step["cycles"]["high"], step["cycles"]["low"]);
    low += step["cycles"]["low"].get<double>();
  }
  EXPECT_NEAR(costs["inferences"][0]["cycles"]["low"].get<double>(), low, 100);
  EXPECT_FALSE(costs["loops"].empty());
  const Outcome shown = run({"emulate", "out", "--input", "input.bin", "--cycles"});
  EXPECT_THAT(shown.out, AllOf(HasSubstr("cycles (estimated)"), HasSubstr("costliest loops")));

  write("short.bin", "x");
  EXPECT_THAT(failure({"emulate", "out", "--input", "short.bin"}),
              HasSubstr("short.bin: has 1 bytes"));
}

TEST_F(CompileCommand, ReplacesAnOlderModelButNothingElse) {
  ASSERT_EQ(compile().exit_code, 0);
  ASSERT_EQ(compile().exit_code, 0);
  write("precious/notes.txt", "mine");
  EXPECT_THAT(failure({"compile", "model.tflite", "--device", "stm32f746", "--out", "precious"}),
              HasSubstr("precious: holds other files than a compiled model"));
  EXPECT_EQ(read("precious/notes.txt"), "mine");
}

TEST_F(CompileCommand, ADamagedModelLeavesNothingBehind) {
  for (const std::size_t length : {std::size_t{0}, std::size_t{10}, model_.size() / 2}) {
    write("model.tflite", model_.substr(0, length));
    EXPECT_THAT(failure({"compile", "model.tflite", "--device", "stm32f746", "--out", "out"}),
                HasSubstr("model.tflite: "));
    EXPECT_THAT(created(), IsEmpty());
  }
  EXPECT_THAT(failure({"compile", "none.tflite", "--device", "stm32f746", "--out", "out"}),
              HasSubstr("none.tflite: cannot be read"));
}

TEST_F(CompileCommand, WhatDoesNotFitIsAResult) {
  write("tiny.yaml", tiny_device());
  const Outcome outcome = compile("tiny.yaml");
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_THAT(outcome.err, HasSubstr("does not fit stm32f412: flash"));
  EXPECT_THAT(outcome.err, Not(HasSubstr("dead channels")));
  EXPECT_FALSE(parse_output(outcome)["fits"]);
}

TEST_F(CompileCommand, AblatesRungByRung) {
  const Outcome outcome = run({"ablate", "model.tflite", "--device", "stm32f412", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const nlohmann::json rungs = parse_output(outcome)["rungs"];
  ASSERT_EQ(rungs.size(), 7u);
  EXPECT_GT(rungs[0]["code_bytes"], rungs[1]["code_bytes"]) << "all kernels, or those in use";
  EXPECT_LE(rungs[5]["instructions"], rungs[1]["instructions"]);
  EXPECT_LE(rungs[5]["cycles"]["low"], rungs[1]["cycles"]["low"]);
  EXPECT_LE(rungs[5]["arena_bytes"], rungs[1]["arena_bytes"]);
  EXPECT_LE(rungs[6]["instructions"], rungs[5]["instructions"]);
  EXPECT_GE(rungs[6]["arena_bytes"], rungs[5]["arena_bytes"]);
}

TEST_F(CompileCommand, PlansATfliteFile) {
  const Outcome outcome = run({"plan", "model.tflite", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(parse_output(outcome)["steps"].size(), 1u);
  EXPECT_EQ(outcome.out, run({"plan", "model.tflite", "--scratch", "own", "--json"}).out);
  EXPECT_THAT(run({"plan", "model.tflite", "--scratch", "tinyengine"}).out,
              HasSubstr("as TinyEngine has it (--scratch own: this engine)"));
}

TEST_F(CompileCommand, PlansLinkedSizesBesideThePlannedOnes) {
  const nlohmann::json compiled = parse_output(compile());
  const Outcome outcome = run({"plan", "model.tflite", "--device", "stm32f746", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(parse_output(outcome)["elf"], compiled["elf"]);
  EXPECT_THAT(run({"plan", "model.tflite", "--device", "stm32f746"}).out,
              HasSubstr("planned / linked"));
  EXPECT_TRUE(parse_output(run({"plan", "model.tflite", "--json"}))["elf"].is_null());

  const std::vector<std::string> before = created();
  const ScopedVariable nothing_installed("PATH", "");
  const Outcome without = run({"plan", "model.tflite", "--device", "stm32f746", "--json"});
  EXPECT_EQ(without.exit_code, 0);
  EXPECT_TRUE(parse_output(without)["elf"].is_null());
  EXPECT_EQ(without.err,
            "mcunet: planned sizes only: arm-none-eabi-gcc: "
            "is not installed (package gcc-arm-none-eabi)\n");
  EXPECT_EQ(created(), before);
}

// To one and a half per cent, streaming or not, on cores with and without the DSP extension.
TEST_F(CompileCommand, PlansTheFlashThatIsLinked) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  for (const char* name : {"mlperf_kws", "mlperf_ic_resnet"}) {
    const std::string model = data / "tflite" / fmt::format("{}.tflite", name);
    for (const char* device : {"stm32f746", "stm32g0b1"}) {
      for (const char* schedule : {"in-place", "streaming"}) {
        const std::vector<std::string> options = {"--device", device, "--schedule", schedule,
                                                  "--json"};
        const auto flash_of = [&](std::vector<std::string> command) {
          command.insert(command.end(), options.begin(), options.end());
          return parse_output(run(command))["flash_bytes"].get<double>();
        };
        const double linked = flash_of({"compile", model, "--out", "linked"});
        EXPECT_NEAR(flash_of({"plan", model}), linked, 0.015 * linked)
            << name << " " << device << " " << schedule;
      }
    }
  }
}

// A convolution whose step is the peak, with room for one column in the least arena.
engine::Graph peak_convolution() {
  engine::Graph graph;
  graph.outputs = {
      append_op(graph, {.kind = engine::OpKind::kConv2d, .window = engine::centred_window(3, 1)},
                {add_input(graph, {16, 16, 16})}, 16)};
  RandomStream random(7);
  return engine::with_random_weights(graph, random);
}
constexpr std::int64_t kLeastArena = 2 * 16 * 16 * 16 + 2 * 144;
constexpr std::int64_t kGrowth = 3 * 2 * 144;

TEST_F(CompileCommand, MemoryToSpareMakesKernelsFaster) {
  write_model(peak_convolution());
  write("input.bin", std::string(16 * 16 * 16, '\x19') + std::string(16 * 16 * 16, '\xe3'));
  std::map<std::string, nlohmann::json> compiled;
  std::map<std::string, nlohmann::json> emulated;
  for (const std::string memory : {"least", "fastest"}) {
    const Outcome outcome = run({"compile", "model.tflite", "--device", "stm32f746", "--out", "out",
                                 "--memory", memory, "--json"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    compiled[memory] = parse_output(outcome);
    EXPECT_EQ(compiled[memory]["memory"]["choice"], memory);
    EXPECT_EQ(compiled[memory]["memory"]["least_sram_bytes"], kLeastArena);
    EXPECT_EQ(compiled[memory]["lower_bound_bytes"], kLeastArena);
    const Outcome inferences = run({"emulate", "out", "--input", "input.bin", "--json"});
    ASSERT_EQ(inferences.exit_code, 0) << inferences.err;
    emulated[memory] = parse_output(inferences)["inferences"];
    for (const auto& inference : emulated[memory]) EXPECT_EQ(inference["exact"], true);
  }
  const nlohmann::json& least = compiled["least"];
  const nlohmann::json& fastest = compiled["fastest"];
  EXPECT_EQ(least["peak_sram_bytes"], kLeastArena);
  EXPECT_EQ(least["memory"]["grown_bytes"], 0);
  EXPECT_EQ(fastest["peak_sram_bytes"], kLeastArena + kGrowth);
  EXPECT_EQ(fastest["memory"]["grown_bytes"], kGrowth);
  EXPECT_EQ(fastest["memory"]["four_columns"], 1);
  EXPECT_EQ(fastest["memory"]["whole_planes"], 0);
  EXPECT_EQ(fastest["elf"]["bss"], least["elf"]["bss"].get<std::int64_t>() + kGrowth);
  EXPECT_EQ(nlohmann::json::parse(read("out/model.json"))["arena_bytes"], kLeastArena + kGrowth);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(emulated["least"][i]["outputs"], emulated["fastest"][i]["outputs"]);
  }
  // What is said to be saved is what is, more or less.
  const auto instructions = [&](const char* memory) {
    return emulated[memory][0]["instructions"].get<double>();
  };
  const double saved = instructions("least") - instructions("fastest");
  EXPECT_GT(saved, 0.1 * instructions("least"));
  EXPECT_NEAR(fastest["memory"]["saved_instructions"], saved, 0.3 * saved);
  EXPECT_EQ(parse_output(compile())["memory"], fastest["memory"]) << "by default";
}

// Two inverted residual blocks.
engine::Graph two_blocks() {
  engine::Graph graph = engine::make_residual_block(
      {.height = 23, .width = 21, .channels = 6, .expanded_channels = 33, .kernel = 7});
  const auto append = [&](engine::Op op, engine::TensorId input, int channels) {
    return engine::append_op(graph, op, {input}, channels);
  };
  engine::TensorId last = append({.kind = engine::OpKind::kConv2d}, graph.outputs[0], 30);
  last = append({.kind = engine::OpKind::kDepthwiseConv2d, .window = engine::centred_window(3, 2)},
                last, 30);
  graph.outputs = {append({.kind = engine::OpKind::kConv2d}, last, 9)};
  RandomStream random(4);
  return engine::with_random_weights(graph, random);
}

TEST_F(CompileCommand, StreamingIsExactInLessMemory) {
  write_model(two_blocks());
  std::string input;
  for (int i = 0; i < 23 * 21 * 6; ++i) input += static_cast<char>(i * 37 % 251);
  write("input.bin", input);
  std::map<std::string, nlohmann::json> compiled;
  for (const char* device : {"stm32f746", "stm32f412", "stm32g0b1"}) {
    for (const std::string schedule : {"in-place", "streaming"}) {
      const Outcome outcome = run({"compile", "model.tflite", "--device", device, "--out", "out",
                                   "--schedule", schedule, "--json"});
      ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
      compiled[schedule] = parse_output(outcome);
    }
    const nlohmann::json inference =
        parse_output(run({"emulate", "out", "--input", "input.bin", "--json"}))["inferences"][0];
    EXPECT_EQ(inference["exact"], true) << device;
    const nlohmann::json& streaming = compiled["streaming"];
    EXPECT_LT(3 * streaming["peak_sram_bytes"].get<std::int64_t>(),
              2 * compiled["in-place"]["peak_sram_bytes"].get<std::int64_t>());
    EXPECT_EQ(streaming["memory"]["choice"], "least") << "by default";
    EXPECT_EQ(streaming["macs"], compiled["in-place"]["macs"]);
    EXPECT_THAT(read("out/model.json"), HasSubstr(" + depthwise_conv_2d 7x7 + "));
  }
  const std::int64_t least = compiled["streaming"]["peak_sram_bytes"];
  const Outcome faster =
      run({"compile", "model.tflite", "--device", "stm32f746", "--out", "faster", "--schedule",
           "streaming", "--streaming-bytes", std::to_string(least + 4000), "--json"});
  ASSERT_EQ(faster.exit_code, 0) << faster.err;
  EXPECT_GT(parse_output(faster)["peak_sram_bytes"], least);
  EXPECT_LE(parse_output(faster)["peak_sram_bytes"], least + 4000);
  const auto instructions = [&](const std::string& folder) {
    const Outcome outcome = run({"emulate", folder, "--input", "input.bin", "--json"});
    return parse_output(outcome)["inferences"][0]["instructions"].get<std::int64_t>();
  };
  ASSERT_EQ(run({"compile", "model.tflite", "--device", "stm32f746", "--out", "out", "--schedule",
                 "streaming", "--json"})
                .exit_code,
            0);
  EXPECT_LT(instructions("faster"), instructions("out"));
}

// The beginning of a network for images.
engine::Graph stem() {
  engine::Graph graph;
  const auto append = [&](engine::Op op, engine::TensorId input, int channels) {
    return engine::append_op(graph, op, {input}, channels);
  };
  engine::TensorId last = engine::add_input(graph, {45, 39, 3});
  last =
      append({.kind = engine::OpKind::kConv2d, .window = engine::centred_window(3, 2)}, last, 12);
  last = append({.kind = engine::OpKind::kDepthwiseConv2d, .window = engine::centred_window(3, 1)},
                last, 12);
  graph.outputs = {
      append({.kind = engine::OpKind::kConv2d, .window = engine::centred_window(3, 2)}, last, 6)};
  RandomStream random(4);
  return engine::with_random_weights(graph, random);
}

// Of two inferences in one file, each is asked for row by row.
TEST_F(CompileCommand, StreamsTheInputOnRequest) {
  write_model(stem());
  std::string input;
  for (int i = 0; i < 2 * 45 * 39 * 3; ++i) input += static_cast<char>(i * 37 % 251);
  write("input.bin", input);
  const std::vector<std::string> compile = {"compile", "model.tflite", "--device", "stm32f746",
                                            "--out",   "out",          "--json"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), compile.begin(), compile.end());
    return run(more);
  };
  const std::int64_t whole =
      parse_output(with({"--schedule", "streaming"}))["peak_sram_bytes"].get<std::int64_t>();
  const Outcome outcome = with({"--schedule", "streaming", "--stream-input"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_LT(parse_output(outcome)["peak_sram_bytes"].get<std::int64_t>(), whole);
  EXPECT_THAT(read("out/model.h"), HasSubstr("void model_input_rows("));
  const Outcome emulated = run({"emulate", "out", "--input", "input.bin", "--json"});
  ASSERT_EQ(emulated.exit_code, 0) << emulated.err;
  const nlohmann::json inferences = parse_output(emulated)["inferences"];
  ASSERT_EQ(inferences.size(), 2u);
  for (const auto& inference : inferences) EXPECT_EQ(inference["exact"], true);
  const Outcome refused = with({"--schedule", "in-place", "--stream-input"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.out + refused.err, HasSubstr("takes --schedule streaming"));

  // Of half-words instead of three bytes a pixel.
  EXPECT_EQ(with({"--schedule", "streaming", "--input-format", "rgb565"}).exit_code, 2);
  ASSERT_EQ(
      with({"--schedule", "streaming", "--stream-input", "--input-format", "rgb565"}).exit_code, 0);
  EXPECT_THAT(read("out/model.h"), HasSubstr("const uint8_t* model_pixel_rows("));
  write("frames.bin", input.substr(0, 2 * 45 * 39 * 2));
  const Outcome frames = run({"emulate", "out", "--input", "frames.bin", "--json"});
  ASSERT_EQ(frames.exit_code, 0) << frames.err;
  ASSERT_EQ(parse_output(frames)["inferences"].size(), 2u);
  for (const auto& inference : parse_output(frames)["inferences"]) {
    EXPECT_EQ(inference["exact"], true);
  }
  write("frames.bin", input.substr(0, 3511));
  EXPECT_THAT(run({"emulate", "out", "--input", "frames.bin"}).err,
              HasSubstr("which is no multiple of a frame's 3510"));
}

TEST_F(CompileCommand, SaysWhatMemoryIsSpentOn) {
  write_model(peak_convolution());
  const std::string gain =
      "864 bytes for speed: 1 convolution works on four columns instead of one";
  EXPECT_THAT(run({"compile", "model.tflite", "--device", "stm32f746", "--out", "out"}).out,
              HasSubstr(gain));
  EXPECT_THAT(
      run({"compile", "model.tflite", "--device", "stm32f746", "--out", "out", "--memory", "least"})
          .out,
      testing::Not(HasSubstr("for speed")));
  const std::vector<std::string> plan = {"plan",      "model.tflite", "--device",
                                         "stm32f746", "--scratch",    "own"};
  EXPECT_THAT(run(plan).out, HasSubstr(gain + "\n"));
  const auto planned = [&](std::vector<std::string> more) {
    more.insert(more.begin(), plan.begin(), plan.end());
    return parse_output(run(more));
  };
  const nlohmann::json fastest = planned({"--out", "plan", "--json"});
  EXPECT_EQ(fastest["peak_sram_bytes"], kLeastArena) << "as the search counts";
  EXPECT_EQ(fastest["memory"]["grown_bytes"], kGrowth);
  EXPECT_THAT(read("plan/index.html"), HasSubstr("The firmware has " + gain + "; about "));
  EXPECT_EQ(planned({"--memory", "least", "--json"})["memory"]["grown_bytes"], 0);
}

// A device that keeps nothing back for the stack and static data, which take what kernels wish for.
TEST_F(CompileCommand, MemoryToSpareIsWhatTheLinkerLeaves) {
  write_model(peak_convolution());
  const std::string shipped = read_file(MCUNET_SOURCE_DIR "/configs/devices/stm32f412.yaml");
  const auto device_of = [&](int kib) {
    std::string device = shipped;
    const std::string size = "size_kib: 256";
    device.replace(device.find(size), size.size(), fmt::format("size_kib: {}", kib));
    device.replace(device.find("reserved_sram_kib: 8"), 20, "reserved_sram_kib: 0");
    return device;
  };
  write("large.yaml", device_of(16));
  EXPECT_EQ(parse_output(compile("large.yaml"))["memory"]["grown_bytes"], kGrowth);
  // 10240 bytes: arena of 8480, at least 1024 of stack, and static data.
  write("tight.yaml", device_of(10));
  const Outcome outcome = compile("tight.yaml");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(parse_output(outcome)["fits"], true);
  EXPECT_EQ(parse_output(outcome)["memory"]["grown_bytes"], 0);
  // The least does not fit: as with --memory least.
  write("small.yaml", device_of(8));
  const Outcome least = run({"compile", "model.tflite", "--device", "small.yaml", "--out", "least",
                             "--memory", "least", "--json"});
  const Outcome fastest = compile("small.yaml");
  EXPECT_EQ(fastest.exit_code, 3);
  EXPECT_EQ(fastest.err, least.err);
  EXPECT_EQ(parse_output(fastest)["peak_sram_bytes"], kLeastArena);
}

TEST_F(CompileCommand, ModelsOfTwoInputsTakeTwoFiles) {
  engine::Graph graph;
  for (std::uint64_t seed = 0; graph.inputs.size() != 2; ++seed) {
    ASSERT_LT(seed, 20u);
    graph = engine::random_graph(engine::OpKind::kAdd, seed);
  }
  const std::vector<std::byte> file = engine::write_tflite(graph);
  write("model.tflite", {reinterpret_cast<const char*>(file.data()), file.size()});
  ASSERT_EQ(compile().exit_code, 0);
  std::vector<std::size_t> sizes;
  const auto description = nlohmann::json::parse(read("out/model.json"));
  for (const auto& input : description["inputs"]) {
    sizes.push_back(input["height"].get<std::size_t>() * input["width"].get<std::size_t>() *
                    input["channels"].get<std::size_t>());
  }
  ASSERT_EQ(sizes.size(), 2u);
  write("a.bin", std::string(sizes[0], '\x11') + std::string(sizes[0], '\x80'));
  write("b.bin", std::string(sizes[1], '\x22') + std::string(sizes[1], '\x80'));
  write("one.bin", std::string(sizes[1], '\x22'));
  const Outcome outcome = run({"emulate", "out", "--input", "a.bin,b.bin", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const nlohmann::json inferences = parse_output(outcome)["inferences"];
  ASSERT_EQ(inferences.size(), 2u);
  for (const auto& inference : inferences) EXPECT_EQ(inference["exact"], true);
  EXPECT_NE(inferences[0]["outputs"], inferences[1]["outputs"]);
  EXPECT_EQ(inferences[1]["input"], "a.bin,b.bin[1]");
  EXPECT_THAT(failure({"emulate", "out", "--input", "a.bin"}),
              HasSubstr("the model has 2 inputs, so give 2 files with commas between them"));
  EXPECT_THAT(failure({"emulate", "out", "--input", "a.bin,one.bin"}),
              HasSubstr("one.bin: holds 1 inputs, but a.bin holds 2"));
}

TEST_F(CompileCommand, TheConsoleIsAChoice) {
  for (const char* console : {"serial", "live", "semihosting", "none"}) {
    const Outcome outcome = run({"compile", "model.tflite", "--device", "stm32h743", "--out", "out",
                                 "--console", console, "--json"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    // The arena is in the AXI SRAM, apart from stack and data in the DTCM.
    const nlohmann::json region = parse_output(outcome)["regions"][1];
    EXPECT_EQ(region["name"], "SRAM");
    EXPECT_GE(region["used_bytes"], parse_output(outcome)["peak_sram_bytes"]);
  }
  std::string device = read_file(MCUNET_SOURCE_DIR "/configs/devices/stm32f412.yaml");
  write("silent.yaml", device.substr(0, device.find("\nconsole:") + 1));
  EXPECT_THAT(failure({"compile", "model.tflite", "--device", "silent.yaml", "--out", "silent",
                       "--console", "serial"}),
              HasSubstr("stm32f412: its description has no serial console"));
  const Outcome silent = compile("silent.yaml");
  EXPECT_EQ(silent.exit_code, 0);
  EXPECT_THAT(silent.err, HasSubstr("has no serial console, so its firmware prints nothing"));
}

TEST_F(CompileCommand, BordersAreAChoice) {
  const std::vector<std::byte> file = engine::write_tflite(engine::uint8_graph({0.031F, 90}));
  write("model.tflite", {reinterpret_cast<const char*>(file.data()), file.size()});
  std::string uint8s;
  std::string int8s;
  for (int i = 0; i < 60; ++i) {
    uint8s += static_cast<char>(37 * i);
    int8s += static_cast<char>(37 * i - 128);
  }
  write("uint8.bin", uint8s);
  write("int8.bin", int8s);
  const auto emulate = [&](const std::string& borders, const std::string& input) {
    const Outcome compiled = run({"compile", "model.tflite", "--device", "stm32f746", "--out",
                                  "out", "--borders", borders, "--json"});
    EXPECT_EQ(compiled.exit_code, 0) << compiled.err;
    const Outcome outcome = run({"emulate", "out", "--input", input, "--json"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    const nlohmann::json inference = parse_output(outcome)["inferences"][0];
    EXPECT_EQ(inference["exact"], true) << borders;
    return inference["outputs"][0].get<std::vector<int>>();
  };
  const std::vector<int> by_caller = emulate("caller", "int8.bin");
  EXPECT_EQ(run({"emulate", "out", "--input", "int8.bin", "--out", "out.npy"}).exit_code, 0);
  EXPECT_EQ(deploy::parse_npy(read("out.npy"), "out.npy").bytes,
            std::vector<std::int8_t>(by_caller.begin(), by_caller.end()));

  std::vector<int> in_invoke = emulate("invoke", "uint8.bin");
  const auto description = nlohmann::json::parse(read("out/model.json"));
  EXPECT_EQ(description["borders"], "invoke");
  EXPECT_EQ(description["inputs"][0]["type"], "uint8");
  for (int& value : in_invoke) value -= 128;
  EXPECT_EQ(in_invoke, by_caller);

  const std::string bytes = read("uint8.bin");
  deploy::TensorValues array{.type = engine::DataType::kUint8,
                             .shape = {static_cast<std::int64_t>(bytes.size())},
                             .bytes = {bytes.begin(), bytes.end()}};
  deploy::write_npy(folder_ / "work/unsigned.npy", array);
  const Outcome unsigned_run =
      run({"emulate", "out", "--input", "unsigned.npy", "--json", "--out", "out.npy"});
  EXPECT_EQ(unsigned_run.exit_code, 0) << unsigned_run.err;
  EXPECT_EQ(parse_output(unsigned_run)["inferences"][0]["exact"], true);
  EXPECT_EQ(deploy::parse_npy(read("out.npy"), "out.npy").type, engine::DataType::kUint8);
  array.type = engine::DataType::kInt8;
  deploy::write_npy(folder_ / "work/signed.npy", array);
  EXPECT_EQ(failure({"emulate", "out", "--input", "signed.npy"}),
            "signed.npy: holds int8, but the firmware takes uint8");
  EXPECT_EQ(run({"compile", "model.tflite", "--device", "stm32f746", "--out", "out", "--borders",
                 "nobody"})
                .exit_code,
            2);
}

// Half of the filters before a depthwise convolution are zeros.
TEST_F(CompileCommand, FoldsDeadChannelsOnRequest) {
  RandomStream random(5);
  engine::Graph graph = engine::with_random_weights(engine::make_residual_block({}), random);
  const engine::OpDetails& details = graph.details_of(graph.ops[0]);
  for (const engine::ConstantId id : {details.weights, details.bias}) {
    auto& bytes = graph.constants[id].data;
    std::fill(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() / 2),
              std::byte{0});
  }
  const std::vector<std::byte> file = engine::write_tflite(graph);
  write("model.tflite", {reinterpret_cast<const char*>(file.data()), file.size()});
  write("input.bin", std::string(8 * 6 * 4, '\x19') + std::string(8 * 6 * 4, '\xe3'));
  std::vector<nlohmann::json> compiled;
  std::vector<nlohmann::json> outputs;
  for (const bool folds : {false, true}) {
    std::vector<std::string> arguments = {"compile", "model.tflite", "--device", "stm32f746",
                                          "--out",   "out",          "--json"};
    if (folds) arguments.emplace_back("--fold-dead-channels");
    compiled.push_back(parse_output(run(arguments)));
    const Outcome outcome = run({"emulate", "out", "--input", "input.bin", "--json"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    const nlohmann::json inferences = parse_output(outcome)["inferences"];
    for (const auto& inference : inferences) {
      EXPECT_EQ(inference["exact"], true);
      outputs.push_back(inference["outputs"]);
    }
  }
  ASSERT_EQ(outputs.size(), 4u);
  EXPECT_EQ(outputs[0], outputs[2]);
  EXPECT_EQ(outputs[1], outputs[3]);
  EXPECT_LT(compiled[1]["macs"], compiled[0]["macs"]);
  EXPECT_LT(compiled[1]["constant_bytes"], compiled[0]["constant_bytes"]);
  EXPECT_LT(compiled[1]["peak_sram_bytes"], compiled[0]["peak_sram_bytes"]);
  // It is proposed where that might help.
  write("tiny.yaml", tiny_device());
  const Outcome outcome = compile("tiny.yaml");
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_THAT(outcome.err, HasSubstr(fmt::format(
                               "without its dead channels it has {} bytes less of constants and ",
                               compiled[0]["constant_bytes"].get<int>() -
                                   compiled[1]["constant_bytes"].get<int>())));
  EXPECT_THAT(outcome.err, HasSubstr(": --fold-dead-channels"));
}

// `add` is also a kernel's file and `main` the firmware's; neither is taken for the other.
TEST_F(CompileCommand, PrefixesNameFilesAndSymbols) {
  write_model(engine::random_graph(engine::OpKind::kAdd, 1));
  std::vector<nlohmann::json> outputs;
  for (const std::string prefix : {"model", "add", "main"}) {
    const Outcome outcome = run({"compile", "model.tflite", "--device", "stm32f746", "--out", "out",
                                 "--prefix", prefix, "--json"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_THAT(read("out/" + prefix + ".h"), HasSubstr("void " + prefix + "_invoke(void);"));
    const auto description = nlohmann::json::parse(read("out/model.json"));
    EXPECT_EQ(description.value("prefix", "model"), prefix);
    std::size_t bytes = 0;
    for (const auto& input : description["inputs"]) {
      bytes += input["height"].get<std::size_t>() * input["width"].get<std::size_t>() *
               input["channels"].get<std::size_t>();
    }
    write("input.bin", std::string(bytes, '\x11'));
    const Outcome emulated = run({"emulate", "out", "--input", "input.bin", "--json"});
    ASSERT_EQ(emulated.exit_code, 0) << emulated.err;
    outputs.push_back(parse_output(emulated)["inferences"]);
    EXPECT_EQ(outputs.back()[0]["exact"], true);
    EXPECT_EQ(outputs.back(), outputs.front());
  }
}

TEST_F(CompileCommand, PrefixesAreChecked) {
  for (const auto& [prefix, complaint] :
       {std::pair{"2nd", "\"2nd\" is not made of letters, digits and _"},
        {"../up", "\"../up\" is not made of letters"},
        {"int", "\"int\" is a keyword of C"},
        {"string", "\"string\" is a header of the C library"},
        {"core", "\"core\" is in use by the firmware"}}) {
    const Outcome outcome = run(
        {"compile", "model.tflite", "--device", "stm32f746", "--out", "out", "--prefix", prefix});
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_THAT(outcome.err, HasSubstr(complaint));
  }
  ASSERT_EQ(compile().exit_code, 0);
  std::string description = read("out/model.json");
  description.insert(1, "\"prefix\": \"../../x\",");
  write("out/model.json", description);
  write("input.bin", "x");
  EXPECT_THAT(failure({"emulate", "out", "--input", "input.bin"}),
              HasSubstr("out/model.json: describes no generated network: \"../../x\" is not"));
}

// Whatever a file calls its tensors, the folder is C and JSON.
TEST_F(CompileCommand, NamesInTheFileDoNoHarm) {
  engine::Graph graph = engine::random_graph(engine::OpKind::kConv2d, 3);
  const std::string name = "*/ #error \"\n\\ ?\?/\xff\x01";
  for (std::size_t id = 0; id < graph.tensors.size(); ++id) {
    edit_info(graph, static_cast<engine::TensorId>(id)).name = name;
  }
  write_model(graph);
  const Outcome outcome = compile();
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto description = nlohmann::json::parse(read("out/model.json"));
  EXPECT_THAT(description["inputs"][0]["name"].get<std::string>(), HasSubstr("*/ #error \"\n"));
}

TEST_F(CompileCommand, AFolderWithoutAModelIsAnError) {
  EXPECT_THAT(failure({"emulate", "nowhere", "--input", "x.bin"}), HasSubstr("nowhere"));
  EXPECT_THAT(failure({"flash", "nowhere"}), HasSubstr("nowhere"));
}

}  // namespace
}  // namespace mcunet
