#include "pipeline/export_stage.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "labelled_noise.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/engine/graph/weights.hpp"
#include "mcunet/engine/planning/resources.hpp"
#include "mcunet/engine/tflite/reader.hpp"
#include "trained_network.hpp"

namespace mcunet::pipeline {
namespace {

namespace fs = std::filesystem;

class ExportStage : public testing::Test {
 protected:
  ExportResult run(const deploy::Device& device,
                   std::optional<std::int64_t> sram_budget_bytes = std::nullopt,
                   int weight_bits = 8) {
    return export_network(network_,
                          {.device = device,
                           .sram_budget_bytes = sram_budget_bytes,
                           .quantization = {.widths = {.weights = weight_bits}},
                           .options = {.emulated_examples = 3},
                           .training = training_,
                           .held_out = training_,
                           .test = test_},
                          folder_.path() / "export");
  }

  TemporaryFolder folder_;
  supernet::FixedNetwork network_ = trained_network(small_network());
  LabelledNoise training_{lower(network_), 60, 1};
  LabelledNoise test_{lower(network_), 90, 2};
};

TEST_F(ExportStage, FirmwareComputesWhatTheQuantizedNetworkDoes) {
  const ExportResult result = run(deploy::load_device("stm32f746"));
  EXPECT_TRUE(result.compiled.firmware.fits());
  EXPECT_EQ(score_of(result.float32).value, 1);
  EXPECT_GT(score_of(result.int8).value, 0.9);
  ASSERT_EQ(result.emulated.size(), 3U);
  EXPECT_TRUE(result.is_exact());
  for (const EmulatedExample& example : result.emulated) EXPECT_GT(example.instructions, 0);
  EXPECT_EQ(engine::read_tflite(folder_.path() / "export/model.tflite").outputs.size(), 1U);
  EXPECT_TRUE(fs::exists(folder_.path() / "export/model.c"));
  // The linker's figures and the stack together are what the plan promised, give or take the
  // variables of the start-up code.
  const auto planned = result.compiled.peak_sram_bytes();
  EXPECT_GE(result.measured_sram_bytes(), planned);
  EXPECT_LT(result.measured_sram_bytes(), planned + 3000);
  const auto json = nlohmann::json::parse(to_json(result));
  EXPECT_EQ(json["inferences"].size(), 3U);
  EXPECT_EQ(json["exact"], true);
}

TEST_F(ExportStage, TellsWhatTheJobDoesNotAllow) {
  deploy::Device device = deploy::load_device("stm32f746");
  const ExportResult result = run(device);
  const std::int64_t flash = result.compiled.firmware.flash_bytes();
  const std::int64_t sram = result.measured_sram_bytes();
  EXPECT_THAT(beyond_budget(result, device.budget(), device), testing::IsEmpty());
  EXPECT_THAT(beyond_budget(result, {}, device), testing::IsEmpty());
  device.reserved_sram_kib = 0;
  EXPECT_THAT(beyond_budget(result, {.sram_bytes = sram, .flash_bytes = flash}, device),
              testing::IsEmpty());
  EXPECT_THAT(
      beyond_budget(result, {.sram_bytes = sram - 2, .flash_bytes = flash - 5}, device),
      testing::ElementsAre(
          fmt::format("Once linked, the firmware takes {} bytes of flash, 5 more than "
                      "budget.flash_kib allows ({})",
                      flash, flash - 5),
          fmt::format(
              "Once linked, the firmware takes {} bytes of SRAM, its stack included, 2 more than "
              "budget.sram_kib with the device's reserve allows ({})",
              sram, sram - 2)));
}

TEST_F(ExportStage, WeightsOfFourBitsTakeHalfTheFlashAndAreExact) {
  const deploy::Device device = deploy::load_device("stm32f746");
  const ExportResult eight = run(device);
  const ExportResult four = run(device, std::nullopt, 4);
  EXPECT_EQ(four.emulated.size(), 3U);
  EXPECT_TRUE(four.is_exact());
  const engine::Graph model = engine::read_tflite(folder_.path() / "export/model.tflite");
  std::int64_t weights = 0;
  for (const engine::Op& op : model.ops) {
    if (!engine::has_weights(op)) continue;
    EXPECT_EQ(op.weight_bits, 4);
    weights += engine::cost_of(model, op).weights;
  }
  EXPECT_NEAR(static_cast<double>(eight.compiled.constant_bytes - four.compiled.constant_bytes),
              static_cast<double>(weights) / 2, 128);
  const auto json = nlohmann::json::parse(to_json(four));
  EXPECT_EQ(json["weight_bits"], 4);
  EXPECT_FALSE(json.contains("both_weight_bits"));
  EXPECT_EQ(describe(four.widths), "int8 with 4-bit weights");
  EXPECT_EQ(nlohmann::json::parse(to_json(eight))["weight_bits"], 8);
  EXPECT_EQ(describe(eight.widths), "int8");
}

// The limit is a third of the way from 4 bits to 8, of a network with so many weights that both widths are worth
// the kernels of both.
TEST_F(ExportStage, WidthsThatAreMixedFillTheFlash) {
  const deploy::Device device = deploy::load_device("stm32f746");
  search::space::Network large = small_network();
  large.blocks[2].mid_channels = 1024;
  large.blocks[2].expand_ratio = 64;
  const supernet::FixedNetwork network = trained_network(large);
  const LabelledNoise training(lower(network), 60, 1);
  const LabelledNoise test(lower(network), 90, 2);
  const auto flash_at = [&](int bits) {
    return engine::estimate_flash(at_widths(lower(network), {.widths = {.weights = bits}}).graph)
        .total();
  };
  const std::int64_t limit = (2 * flash_at(4) + flash_at(8)) / 3;
  const ExportResult result = export_network(network,
                                             {.device = device,
                                              .quantization = {.widths = {.weights = 4},
                                                               .keep_first_last = true,
                                                               .policy = WidthPolicy::kMixed,
                                                               .flash_bytes = limit},
                                              .options = {.emulated_examples = 3},
                                              .training = training,
                                              .held_out = training,
                                              .test = test},
                                             folder_.path() / "export");
  ASSERT_TRUE(result.mixed);
  EXPECT_TRUE(result.mixed->fits());
  EXPECT_TRUE(result.is_exact());
  const engine::Graph model = engine::read_tflite(folder_.path() / "export/model.tflite");
  std::vector<int> bits;
  for (const engine::Op& op : model.ops) {
    if (engine::has_weights(op)) bits.push_back(op.weight_bits);
  }
  ASSERT_EQ(bits.size(), result.mixed->layers.size());
  for (std::size_t i = 0; i < bits.size(); ++i)
    EXPECT_EQ(bits[i], result.mixed->layers[i].bits) << i;
  EXPECT_EQ(bits.front(), 8);
  EXPECT_EQ(bits.back(), 8);
  EXPECT_FALSE(result.mixed->layers.front().loss);
  EXPECT_TRUE(result.mixed->layers[1].loss);
  const auto inner = std::span(bits).subspan(1, bits.size() - 2);
  EXPECT_GT(std::count(inner.begin(), inner.end(), 4), 0);
  EXPECT_GT(std::count(inner.begin(), inner.end(), 8), 0);
  const auto json = nlohmann::json::parse(to_json(result));
  EXPECT_EQ(json["mixed_widths"]["layers"].size(), bits.size());
  EXPECT_EQ(json["mixed_widths"]["flash_limit_bytes"], limit);
  EXPECT_EQ(json["weight_bits"], 4);
  EXPECT_EQ(json["both_weight_bits"], true);
  EXPECT_EQ(describe(result.widths), "int8 with weights of 4 and 8 bits");
  EXPECT_EQ(describe_bits(widths_from_json(json)), "4 and 8, 8 bits");
}

TEST_F(ExportStage, ClassesHaveTheirNamesWhichCostNothing) {
  const deploy::Device device = deploy::load_device("stm32f746");
  const ExportResult result = run(device);
  const auto json = nlohmann::json::parse(to_json(result));
  const std::vector<std::string> names = test_.classes();
  EXPECT_EQ(json.at("classes"), names);
  EXPECT_EQ(json.at("int8").at("classes").at(2).at("name"), "c");
  const auto model = nlohmann::json::parse(read_file(folder_.path() / "export/model.json"));
  EXPECT_EQ(model.at("classes"), names);
  EXPECT_THAT(read_file(folder_.path() / "export/model.h"),
              testing::HasSubstr("extern const char* const model_class_names[MODEL_CLASSES];"));
  const auto flash_bytes = [&](std::vector<std::string> class_names) {
    return compile_model(folder_.path() / "export/model.tflite", device,
                         {.class_names = std::move(class_names)}, folder_.path() / "again")
        .firmware.flash_bytes();
  };
  EXPECT_EQ(flash_bytes(names), flash_bytes({}));
  EXPECT_EQ(flash_bytes(names), result.compiled.firmware.flash_bytes());
}

TEST_F(ExportStage, AnAccuracyOfAPartOfTheTestSetSaysSo) {
  const ExportResult result =
      export_network(network_,
                     {.device = deploy::load_device("stm32f746"),
                      .options = {.emulated_examples = 0, .test_examples = 30},
                      .training = training_,
                      .held_out = training_,
                      .test = test_},
                     folder_.path() / "export");
  const auto json = nlohmann::json::parse(to_json(result));
  for (const char* key : {"fp32", "int8"}) {
    EXPECT_EQ(json.at(key).at("examples"), 30) << key;
    EXPECT_EQ(json.at(key).at("of"), 90) << key;
    EXPECT_LT(json.at(key).at("top1_low"), json.at(key).at("top1")) << key;
    EXPECT_LE(json.at(key).at("top1"), json.at(key).at("top1_high")) << key;
  }
}

// The stem, as wide as it is here, is the peak, and has one column in the least memory.
TEST_F(ExportStage, MemoryForSpeedStaysWithinTheJobsLimit) {
  search::space::Network wide = small_network();
  wide.stem_channels = wide.blocks[0].in_channels = wide.blocks[0].mid_channels = 48;
  network_ = trained_network(wide);
  const deploy::Device device = deploy::load_device("stm32f746");
  const CompileResult free = run(device).compiled;
  EXPECT_GT(free.scratch_gain.bytes, 0);
  const CompileResult limited = run(device, free.arena_bytes - 1).compiled;
  EXPECT_LT(limited.arena_bytes, free.arena_bytes);
  EXPECT_EQ(limited.least_sram_bytes(), free.least_sram_bytes());
  EXPECT_EQ(run(device, 100).compiled.scratch_gain.bytes, 0);
}

TEST(CheckExact, NamesTheFirstExampleThatDiffers) {
  ExportResult result{.board = "a board"};
  EXPECT_NO_THROW(check_exact(result));
  result.emulated = {{.name = "a.png", .is_exact = true}, {.name = "b.png"}, {.name = "c.png"}};
  EXPECT_EQ(error_of([&] { check_exact(result); }),
            "export: the firmware's outputs differ from the host's, first for b.png on a board");
}

TEST_F(ExportStage, ANetworkThatDoesNotFitIsAResult) {
  deploy::Device tiny = deploy::load_device("stm32f746");
  tiny.flash.size_kib = 4;
  const ExportResult result = run(tiny);
  EXPECT_FALSE(result.compiled.firmware.fits());
  EXPECT_TRUE(result.emulated.empty());
}

}  // namespace
}  // namespace mcunet::pipeline
