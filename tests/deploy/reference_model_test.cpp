#include "mcunet/deploy/reference_model.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/error_text.hpp"
#include "mcunet/core/files.hpp"
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
    const ReferenceModel model(data / "tflite" / (std::string(name) + ".tflite"));
    const auto outputs = model.run(ramp_input(input_bytes));
    const auto golden =
        nlohmann::json::parse(read_file(data / "golden" / (std::string(name) + ".json")));
    const nlohmann::json& records = golden.is_array() ? golden : golden.at("records");
    const nlohmann::json& expected = records.at(0).at("outputs").at(0);
    EXPECT_EQ(nlohmann::json(outputs.at(0)), expected.at("int8_bytes")) << name;
  }
}

TEST(ReferenceModel, MissingFileIsAnError) {
  EXPECT_NE(error_of([] { ReferenceModel("no_such.tflite"); }), "(no error)");
}

}  // namespace
}  // namespace mcunet::deploy
