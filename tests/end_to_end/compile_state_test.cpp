// mcunet compile and emulate on models that keep state from one inference to the next.
#include "engine/stateful_graph.hpp"
#include "mcunet/engine/tflite/writer.hpp"
#include "run_mcunet.hpp"
#include "shared_data.hpp"

namespace mcunet {
namespace {

using testing::HasSubstr;

class CompileState : public CommandTest {
 protected:
  void SetUp() override {
    if (std::system("command -v arm-none-eabi-gcc qemu-system-arm >/dev/null 2>&1") != 0) {
      GTEST_SKIP() << "needs arm-none-eabi-gcc and qemu-system-arm";
    }
  }

  // What the firmware gives for the inputs one after the other, all of which the host gives too.
  nlohmann::json inferences(const std::string& model, const std::string& inputs,
                            std::int64_t state_bytes) {
    const Outcome compiled =
        run({"compile", model, "--device", "stm32f412", "--out", "out", "--json"});
    EXPECT_EQ(compiled.exit_code, 0) << compiled.err;
    const nlohmann::json result = parse_output(compiled);
    EXPECT_EQ(result["state_bytes"], state_bytes);
    EXPECT_EQ(result["peak_sram_bytes"],
              parse_output(run({"plan", model, "--json"}))["peak_sram_bytes"]);
    write("inputs.bin", inputs);
    const Outcome outcome = run({"emulate", "out", "--input", "inputs.bin", "--json"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    nlohmann::json inferences = parse_output(outcome)["inferences"];
    for (const nlohmann::json& inference : inferences) EXPECT_EQ(inference["exact"], true);
    return inferences;
  }
};

TEST_F(CompileState, GoesOnFromTheInferenceBefore) {
  const std::vector<std::byte> file = engine::write_tflite(engine::stateful_graph(true));
  write("model.tflite", {reinterpret_cast<const char*>(file.data()), file.size()});
  const nlohmann::json outputs = inferences("model.tflite", std::string(16, '\x05'), 16);
  ASSERT_EQ(outputs.size(), 4u);
  EXPECT_EQ(outputs[0]["outputs"][1], nlohmann::json({1, 2, 3, 4}));
  EXPECT_EQ(outputs[3]["outputs"][1], nlohmann::json({13, 14, 15, 16}));
  EXPECT_THAT(read("out/model.h"), HasSubstr("void model_reset(void);"));
  EXPECT_THAT(run({"live", "out", "--images", "."}).err,
              HasSubstr("keeps state from one inference to the next"));
}

// Digits by an LSTM, which goes on where it was.
TEST_F(CompileState, OfAnLstm) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  std::string inputs;
  for (int i = 0; i < 3 * 28 * 28; ++i) inputs += static_cast<char>(i * i % 251);
  const nlohmann::json outputs = inferences(
      (data / "field/missing_ops/lstm_number_model_quant.tflite").string(), inputs, 20 + 40);
  EXPECT_EQ(outputs.size(), 3u);
}

// A detector of voices that takes three rows of a spectrogram at a time.
TEST_F(CompileState, OfARealModel) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  std::string inputs;
  for (int i = 0; i < 6 * 120; ++i) inputs += static_cast<char>(i * i % 251);
  const nlohmann::json outputs =
      inferences((data / "field/resource_variables/vad-7aa4db.tflite").string(), inputs, 1120);
  EXPECT_EQ(outputs.size(), 6u);
}

}  // namespace
}  // namespace mcunet
