#include <gmock/gmock.h>

#include "end_to_end/run_mcunet.hpp"
#include "example_device.hpp"
#include "example_project.hpp"
#include "mcunet/deploy/firmware.hpp"
#include "mcunet/deploy/npy.hpp"
#include "mcunet/engine/tflite_writer.hpp"

namespace mcunet {
namespace {

using testing::HasSubstr;

class EmulateCommand : public CommandTest {
 protected:
  EmulateCommand() {
    deploy::write_example_model(project_);
    deploy::write_firmware_project(project_.path(), deploy::example_device());
  }

  std::string project() const { return project_.path().string(); }

  TemporaryFolder project_;
};

TEST_F(EmulateCommand, PrintsOneJsonObject) {
  MCUNET_REQUIRE_EMULATOR();
  write("two.bin", std::string(16, '\x01') + std::string(16, '\x05'));
  deploy::write_npy(folder_ / "work/one.npy", std::vector<std::int64_t>{1, 4, 4, 1},
                    std::vector<std::int8_t>(16, -1));
  const Outcome outcome =
      run({"emulate", project(), "--input", "two.bin", "one.npy", "--json", "--out", "out.npy"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const nlohmann::json json = parse_output(outcome);
  ASSERT_EQ(json["inferences"].size(), 3u);
  EXPECT_EQ(json["inferences"][0]["input"], "two.bin[0]");
  EXPECT_EQ(json["inferences"][1]["outputs"][0], std::vector<int>(16, 7));
  EXPECT_EQ(json["inferences"][2]["input"], "one.npy");
  EXPECT_EQ(json["inferences"][2]["outputs"][0], std::vector<int>(16, 1));
  EXPECT_EQ(json["inferences"][2]["outputs"][1], (std::vector<int>{7, 9}));
  EXPECT_TRUE(json["inferences"][0]["exact"].is_null());
  EXPECT_GT(json["inferences"][0]["instructions"], 0);
  EXPECT_GT(json["stack_bytes"], 0);
  EXPECT_EQ(json["steps"][1]["name"], "second");
  const deploy::Int8Array out = deploy::parse_npy(read("out.npy"), "out.npy");
  EXPECT_EQ(out.shape, (std::vector<std::int64_t>{3, 16}));
  EXPECT_EQ(out.values[16], 7);
}

TEST_F(EmulateCommand, PrintsTablesForPeople) {
  MCUNET_REQUIRE_EMULATOR();
  write("one.bin", std::string(16, '\x01'));
  const Outcome outcome = run({"emulate", project(), "--input", "one.bin"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  for (const char* part : {"first", "second", "one.bin", "0: 3  1: 3  2: 3", "mps2-an386"}) {
    EXPECT_THAT(outcome.out, HasSubstr(part));
  }
}

// What the example computes where nothing overflows: a zero point that is larger by 2.
engine::Graph example_graph() {
  engine::Graph graph;
  const engine::TensorId input = engine::add_input(graph, {.height = 4, .width = 4, .channels = 1});
  const engine::TensorId output =
      engine::append_op(graph, {.kind = engine::OpKind::kQuantize, .has_bias = false}, {input});
  engine::edit_info(graph, input) = {.name = "in", .quantization = {0.5F, -3}};
  engine::edit_info(graph, output) = {.name = "out", .quantization = {0.5F, -1}};
  graph.outputs = {output};
  return graph;
}

TEST_F(EmulateCommand, ComparesWithTheReferenceExecutor) {
  MCUNET_REQUIRE_EMULATOR();
  deploy::write_example_model(project_, {.one_output = true});
  engine::write_tflite(example_graph(), project_ / "model.tflite");
  write("good.bin", std::string(16, '\x01'));
  const Outcome good = run({"emulate", project(), "--input", "good.bin", "--json"});
  EXPECT_EQ(good.exit_code, 0) << good.err;
  EXPECT_EQ(parse_output(good)["inferences"][0]["exact"], true);

  // The reference saturates, the example wraps around.
  write("large.bin", std::string(16, '\x7f'));
  const Outcome wrong = run({"emulate", project(), "--input", "good.bin", "large.bin", "--json"});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_EQ(parse_output(wrong)["inferences"][1]["exact"], false);
  EXPECT_EQ(wrong.err, "mcunet: 1 of 2 outputs differ from the reference executor's\n");
}

TEST_F(EmulateCommand, RefusesBadInputs) {
  write("short.bin", std::string(17, '\x01'));
  EXPECT_EQ(failure({"emulate", project(), "--input", "short.bin"}),
            "short.bin: has 17 bytes, which is no multiple of an input's 16");
  write("empty.bin", "");
  EXPECT_THAT(failure({"emulate", project(), "--input", "empty.bin"}), HasSubstr("0 bytes"));
  write("photo.gif", "GIF");
  EXPECT_EQ(failure({"emulate", project(), "--input", "photo.gif"}),
            "photo.gif: must be a .bin or .npy file");
  EXPECT_THAT(failure({"emulate", "nowhere", "--input", "short.bin"}), HasSubstr("model.json"));
}

}  // namespace
}  // namespace mcunet
