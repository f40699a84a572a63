#include <sstream>

#include "run_mcunet.hpp"

namespace mcunet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr char kTinyNetwork[] = R"({
  "name": "tiny",
  "resolution": 32,
  "first_conv": {"in_channels": 3, "out_channels": 8, "kernel_size": 3, "stride": 2, "act_func": "relu6"},
  "blocks": [
    {"mobile_inverted_conv": {"in_channels": 8, "out_channels": 8, "kernel_size": 3, "stride": 1,
                              "expand_ratio": 3, "act_func": "relu6"},
     "shortcut": {"name": "IdentityLayer"}}],
  "feature_mix_layer": null,
  "classifier": {"in_features": 8, "out_features": 10}
})";

class PlanCommand : public CommandTest {
 protected:
  nlohmann::json plan(std::vector<std::string> arguments, int exit_code = 0) const {
    arguments.insert(arguments.begin(), "plan");
    arguments.push_back("--json");
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.err;
    return parse_output(outcome);
  }
};

TEST_F(PlanCommand, PlansEveryReferenceNetwork) {
  for (const char* name :
       {"mobilenet_v2", "proxyless_mobile", "mnasnet_b1", "resnet18", "small_cifar"}) {
    SCOPED_TRACE(name);
    const nlohmann::json json = plan({name, "--resolution", "64"});
    EXPECT_GT(json.at("macs"), 0);
    EXPECT_GT(json.at("params"), 0);
    EXPECT_GT(json.at("flash_bytes"), json.at("params").get<int>() / 2);
    EXPECT_GE(json.at("peak_sram_bytes"), json.at("lower_bound_bytes"));
    EXPECT_TRUE(json.at("fits").is_null()) << "there is no device";
    EXPECT_THAT(created(), IsEmpty());
  }
}

// The published figures of MobileNetV2 1.0 at 224: 300.77 M MACs and 3.50 M parameters.
TEST_F(PlanCommand, CountsAsThePapersDo) {
  const nlohmann::json json = plan({"mobilenet_v2"});
  EXPECT_EQ(json.at("macs"), 300'774'272);
  EXPECT_EQ(json.at("params"), 3'504'872);
}

TEST_F(PlanCommand, WeightsOfFourBitsTakeHalfTheFlash) {
  const nlohmann::json bytes = plan({"mobilenet_v2"});
  const nlohmann::json nibbles = plan({"mobilenet_v2", "--weight-bits", "4"});
  constexpr std::int64_t kWeights = 3'469'760;  // without biases
  const std::int64_t saved =
      bytes.at("flash_bytes").get<std::int64_t>() - nibbles.at("flash_bytes").get<std::int64_t>();
  EXPECT_LE(saved, kWeights / 2);
  EXPECT_GE(saved, kWeights / 2 - 10'000) << "their kernels are larger, and pairs are filled up";
  EXPECT_EQ(bytes.at("params"), nibbles.at("params"));
  EXPECT_EQ(bytes.at("peak_sram_bytes"), nibbles.at("peak_sram_bytes"));
  EXPECT_EQ(bytes, plan({"mobilenet_v2", "--weight-bits", "8"}));
}

TEST_F(PlanCommand, OtherWidthsOfWeightsAreRefused) {
  const Outcome outcome = run({"plan", "mobilenet_v2", "--weight-bits", "3"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("--weight-bits"));
}

TEST_F(PlanCommand, StepsSumUp) {
  const nlohmann::json json =
      plan({"mobilenet_v2", "--width", "0.35", "--resolution", "144", "--device", "stm32f746"});
  EXPECT_EQ(json.at("fits"), true);
  EXPECT_GT(json.at("latency_ms_low"), 0);
  EXPECT_LT(json.at("latency_ms_low"), json.at("latency_ms"));
  EXPECT_LT(json.at("latency_ms"), json.at("latency_ms_high"));
  EXPECT_GT(json.at("energy_mj"), 0);
  std::int64_t macs = 0;
  std::int64_t peak = 0;
  int peaks = 0;
  for (const auto& step : json.at("steps")) {
    macs += step.at("macs").get<std::int64_t>();
    peak = std::max(peak, step.at("total_bytes").get<std::int64_t>());
    peaks += step.at("is_peak").get<bool>() ? 1 : 0;
    EXPECT_GT(step.at("live_bytes"), 0);
    EXPECT_GE(step.at("total_bytes"), step.at("live_bytes"));
    EXPECT_FALSE(step.at("op").get<std::string>().empty());
    EXPECT_FALSE(step.at("output").get<std::string>().empty());
  }
  EXPECT_EQ(macs, json.at("macs"));
  EXPECT_EQ(peak, json.at("lower_bound_bytes"));
  EXPECT_GE(peaks, 1);
  EXPECT_EQ(json.at("block_peaks_bytes").size(), 19u) << "stem, 17 blocks, head";
}

TEST_F(PlanCommand, ACoreWithoutPackedArithmeticIsToldItsOwnTime) {
  const auto latency_ms = [&](const std::string& device) {
    return plan({"small_cifar", "--device", device}).at("latency_ms").get<double>();
  };
  EXPECT_GT(latency_ms("stm32g0b1"), 4 * latency_ms("stm32f412"));
}

TEST_F(PlanCommand, SchedulesAndScratchMatter) {
  const std::vector<std::string> network = {"mobilenet_v2", "--resolution", "96"};
  const auto peak = [&](const std::string& schedule, const std::string& scratch) {
    std::vector<std::string> arguments = network;
    arguments.insert(arguments.end(), {"--schedule", schedule, "--scratch", scratch});
    return plan(arguments).at("peak_sram_bytes").get<std::int64_t>();
  };
  EXPECT_LT(peak("in-place", "own"), peak("op-by-op", "own"));
  EXPECT_LT(peak("in-place", "own"), peak("in-place", "tinyengine"));
  EXPECT_EQ(peak("in-place", "tinyengine"), plan(network).at("peak_sram_bytes"));
}

TEST_F(PlanCommand, TellsWhatTheLibraryOfTheBaselinesNeeds) {
  const std::vector<std::string> network = {"plan", "mobilenet_v2", "--resolution", "96",
                                            "--schedule"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), network.begin(), network.end());
    return run(more);
  };
  const nlohmann::json tflm = parse_output(with({"tflm", "--json"}));
  const nlohmann::json op_by_op = parse_output(with({"op-by-op", "--scratch", "own", "--json"}));
  EXPECT_GT(tflm.at("peak_sram_bytes"), op_by_op.at("peak_sram_bytes"));
  EXPECT_EQ(tflm.at("macs"), op_by_op.at("macs"));
  EXPECT_THAT(with({"tflm"}).out, HasSubstr("that the interpreter keeps of the network"));
  const Outcome refused = with({"tflm", "--scratch", "own"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("does not apply to --schedule tflm"));
  const Outcome narrow = with({"tflm", "--activation-bits", "4"});
  EXPECT_EQ(narrow.exit_code, 1);
  EXPECT_THAT(narrow.err, HasSubstr("has no activations of 4 bits"));
}

TEST_F(PlanCommand, StreamingTakesAFractionOfTheMemory) {
  const std::vector<std::string> network = {"plan", "mobilenet_v2", "--width",
                                            "0.35", "--resolution", "144"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), network.begin(), network.end());
    return run(more);
  };
  const nlohmann::json in_place = parse_output(with({"--scratch", "own", "--json"}));
  const nlohmann::json streaming = parse_output(with({"--schedule", "streaming", "--json"}));
  EXPECT_LT(3 * streaming.at("peak_sram_bytes").get<std::int64_t>(),
            in_place.at("peak_sram_bytes"));
  EXPECT_EQ(streaming.at("macs"), in_place.at("macs"));
  EXPECT_LT(streaming.at("steps").size(), in_place.at("steps").size());
  const nlohmann::json pulling =
      parse_output(with({"--schedule", "streaming", "--stream-input", "--json"}));
  EXPECT_LT(2 * pulling.at("peak_sram_bytes").get<std::int64_t>(), streaming.at("peak_sram_bytes"));
  EXPECT_EQ(with({"--stream-input"}).exit_code, 2) << "only to what streams";
  EXPECT_EQ(with({"--streaming-bytes", "100000"}).exit_code, 2);
  const std::int64_t least = streaming.at("peak_sram_bytes");
  const nlohmann::json faster = parse_output(
      with({"--schedule", "streaming", "--streaming-bytes", std::to_string(2 * least), "--json"}));
  EXPECT_GT(faster.at("peak_sram_bytes"), least);
  EXPECT_LE(faster.at("lower_bound_bytes"), 2 * least);
  const Outcome outcome = with({"--schedule", "streaming", "--explain"});
  EXPECT_EQ(outcome.exit_code, 0);
  for (const char* text : {"Least SRAM by schedule", "tflm", "op-by-op", "operators in",
                           "of  72 rows", "needs the most", "held rows and scratch"}) {
    EXPECT_THAT(outcome.out, HasSubstr(text));
  }
}

TEST_F(PlanCommand, TheTerminalShowsStepsMapAndSummary) {
  const Outcome outcome = run({"plan", "small_cifar", "--device", "stm32f412"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "");
  for (const char* text : {"conv_2d 5x5", "◄ peak", "Memory map", "MACs             12298240",
                           "peak SRAM", "lower bound", "fits stm32f412"}) {
    EXPECT_THAT(outcome.out, HasSubstr(text));
  }
}

TEST_F(PlanCommand, WhatDoesNotFitExitsWithThree) {
  const Outcome outcome = run({"plan", "mobilenet_v2", "--device", "stm32f412", "--json"});
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_EQ(parse_output(outcome).at("fits"), false);
  std::istringstream lines(outcome.err);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    EXPECT_THAT(line, StartsWith("mcunet: does not fit stm32f412: "));
  }
  EXPECT_EQ(count, 2) << "SRAM and flash";
  EXPECT_THAT(outcome.err, HasSubstr("SRAM 1432648 of 253952 bytes"));
}

TEST_F(PlanCommand, TakesANetworkJson) {
  write("net.json", kTinyNetwork);
  const nlohmann::json json = plan({"net.json"});
  // Stem 16x16x8x27, expansion 16x16x24x8, depthwise 16x16x24x9, projection 16x16x8x24, classifier.
  EXPECT_EQ(json.at("macs"), 256 * (8 * 27 + 24 * 8 + 24 * 9 + 8 * 24) + 80);
  EXPECT_EQ(json.at("steps").size(), 7u);
  EXPECT_GT(plan({"net.json", "--resolution", "64"}).at("macs"), json.at("macs"));
}

TEST_F(PlanCommand, RefusesBrokenNetworkJson) {
  const std::string text = kTinyNetwork;
  write("cut.json", text.substr(0, 200));
  EXPECT_THAT(failure({"plan", "cut.json"}), StartsWith("cut.json: is no valid JSON: line "));
  write("empty.json", "");
  EXPECT_THAT(failure({"plan", "empty.json"}),
              StartsWith("empty.json: is no valid JSON: line 1: "));
  write("list.json", "[]");
  EXPECT_EQ(failure({"plan", "list.json"}), "list.json: lacks resolution");
  std::string changed = text;
  changed.replace(changed.find("\"in_channels\": 8"), 16, "\"in_channels\": 9");
  write("channels.json", changed);
  EXPECT_THAT(failure({"plan", "channels.json"}),
              StartsWith("channels.json.blocks[0].mobile_inverted_conv: in_channels must be 8"));
  EXPECT_EQ(failure({"plan", "none.json"}), "none.json: cannot be read: No such file or directory");
  EXPECT_THAT(failure({"plan", "net.json", "--width", "0.5"}), HasSubstr("--width"));
}

TEST_F(PlanCommand, NamesWhatIsUnknown) {
  EXPECT_EQ(failure({"plan", "mobilenet_v3"}),
            "mobilenet_v3: is no reference network; did you mean mobilenet_v2? "
            "(there are mobilenet_v2, proxyless_mobile, mnasnet_b1, resnet18, small_cifar)");
  EXPECT_THAT(failure({"plan", "small_cifar", "--device", "stm32f747"}),
              HasSubstr("did you mean stm32f746?"));
}

TEST_F(PlanCommand, WritesItsReport) {
  const Outcome outcome = run({"plan", "small_cifar", "--out", "plans/cifar", "--json"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  std::vector<std::string> expected = {"plans", "plans/cifar"};
  for (const char* file :
       {"block_peaks.csv", "block_peaks.gp", "block_peaks.pdf", "block_peaks.svg", "index.html",
        "memory_map.csv", "memory_map.gp", "memory_map.pdf", "memory_map.svg", "plan.json"}) {
    expected.push_back(std::string("plans/cifar/") + file);
  }
  EXPECT_EQ(created(), expected);
  EXPECT_EQ(nlohmann::json::parse(read("plans/cifar/plan.json")), parse_output(outcome));
}

TEST_F(PlanCommand, WritesNothingWhereItCannot) {
  write("file", "x");
  EXPECT_EQ(failure({"plan", "small_cifar", "--out", "file/below"}),
            "file/below: cannot be created: Not a directory");
  EXPECT_THAT(created(), IsEmpty());
}

}  // namespace
}  // namespace mcunet
