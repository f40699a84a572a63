// What people give as a model and is none that can be run: one line that says what it is.
#include "mcunet/engine/graph/graph.hpp"
#include "mcunet/engine/tflite/writer.hpp"
#include "run_mcunet.hpp"
#include "shared_data.hpp"

namespace mcunet {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class ForeignModels : public CommandTest {
 protected:
  std::string compile_failure(const std::string& file) const {
    return failure({"compile", file, "--device", "stm32f746", "--out", "out"});
  }
};

TEST_F(ForeignModels, AreCalledByTheirNames) {
  const std::pair<std::string, const char*> files[] = {
      {"", "is empty"},
      {"version https://git-lfs.github.com/spec/v1\n", "`git lfs pull`"},
      {"\x89HDF\r\n\x1a\n and more", "is an HDF5 file, as Keras saves models"},
      {"PK\x03\x04 and more", "is a zip archive"},
      {"\x08\x08\x12\x07pytorch", "is an ONNX model"},
      {"<!DOCTYPE html>", "is a web page"},
      {"unsigned char model[] = {0x1c", "is C source"},
      {"what else there is", "is not a TensorFlow Lite model"},
  };
  for (const auto& [contents, phrase] : files) {
    write("model.tflite", contents);
    for (const std::string& message :
         {compile_failure("model.tflite"), failure({"plan", "model.tflite"})}) {
      EXPECT_THAT(message, StartsWith("model.tflite: "));
      EXPECT_THAT(message, HasSubstr(phrase));
    }
    EXPECT_THAT(created(), IsEmpty());
  }
}

// A network whose output is its input, and one that converts at its border only: plan and compile
// refuse them alike.
TEST_F(ForeignModels, OfNoOperatorsHaveNothingToPlan) {
  engine::Graph graph;
  const engine::TensorId input = engine::add_input(graph, {2, 2, 3});
  edit_info(graph, input).quantization = {0.5, 3};
  graph.outputs = {input};
  const auto expect_one_line = [&] {
    engine::write_tflite(graph, folder_ / "work" / "model.tflite");
    const std::string message = "model.tflite: has no operators besides conversions at its borders";
    EXPECT_EQ(failure({"plan", "model.tflite"}), message);
    EXPECT_EQ(compile_failure("model.tflite"), message);
  };
  expect_one_line();
  graph.tensors[0].type = engine::DataType::kFloat32;
  graph.outputs = {append_op(graph, {.kind = engine::OpKind::kQuantize, .has_bias = false}, {0})};
  edit_info(graph, graph.outputs[0]).quantization = {0.5, 3};
  expect_one_line();
}

// Float that no QUANTIZE follows at once: plan says what compile says, and takes the same option.
TEST_F(ForeignModels, ThatTheCallerCannotConvertAreRefusedByPlanToo) {
  engine::Graph graph;
  const engine::TensorId input = add_input(graph, {2, 3, 4}, engine::DataType::kFloat32);
  edit_info(graph, input).name = "image";
  engine::Op transpose{.kind = engine::OpKind::kTranspose};
  edit_details(graph, transpose).permutation = {2, 0, 1};
  const engine::TensorId turned = append_op(graph, transpose, {input});
  graph.outputs = {append_op(graph, {.kind = engine::OpKind::kQuantize}, {turned})};
  edit_info(graph, graph.outputs[0]).quantization = {0.5, 3};
  engine::write_tflite(graph, folder_ / "work" / "model.tflite");
  const std::string message = failure({"plan", "model.tflite"});
  EXPECT_THAT(message, StartsWith("model.tflite: 'image' has no int8 form"));
  EXPECT_THAT(message, HasSubstr("--borders invoke"));
  EXPECT_EQ(compile_failure("model.tflite"), message);
  const Outcome outcome = run({"plan", "model.tflite", "--borders", "invoke", "--json"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(parse_output(outcome).at("steps").size(), 2u);
}

// As scripts read it.
TEST_F(ForeignModels, ListOperatorsAsJson) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  const std::string model = (data / "field/missing_ops/conv_batch2.tflite").string();
  const Outcome outcome =
      run({"compile", model, "--device", "stm32f746", "--out", "out", "--json"});
  EXPECT_EQ(outcome.exit_code, 1);
  const nlohmann::json json = parse_output(outcome);
  EXPECT_THAT(json.at("error").get<std::string>(),
              HasSubstr("conv_batch2.tflite: operator 0 (CONV_2D)"));
  ASSERT_EQ(json.at("blockers").size(), 1u);
  EXPECT_EQ(json["blockers"][0].at("operator"), 0);
  EXPECT_EQ(json["blockers"][0].at("name"), "CONV_2D");
  EXPECT_THAT(json["blockers"][0].at("reason").get<std::string>(), HasSubstr("a batch of 2"));
}

// Real ones: every operator in the way, and what to do about it.
TEST_F(ForeignModels, TellAllThatIsInTheWay) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  const std::pair<const char*, std::vector<const char*>> files[] = {
      {"misleading_float_hybrid/hello_world_float-ee9398.tflite",
       {"is a float model: quantize it to int8", "representative_dataset"}},
      {"misleading_float_hybrid/conv0-e03267.tflite", {"has activations of int16"}},
      {"missing_ops/conv_batch2.tflite", {"operator 0 (CONV_2D)", "a batch of 2"}},
  };
  for (const auto& [name, phrases] : files) {
    const std::string message = compile_failure((data / "field" / name).string());
    EXPECT_THAT(message, HasSubstr(name));
    for (const char* phrase : phrases) EXPECT_THAT(message, HasSubstr(phrase));
  }
}

}  // namespace
}  // namespace mcunet
