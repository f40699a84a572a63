// Photographs through the program: as the evaluation of a dataset sees them.
#include "deploy/example_project.hpp"
#include "end_to_end/image_model.hpp"
#include "mcunet/datasets/open_dataset.hpp"
#include "mcunet/deploy/reference_model.hpp"
#include "mcunet/engine/arithmetic/quantized_arithmetic.hpp"
#include "pnm_file.hpp"
#include "run_mcunet.hpp"

namespace mcunet {
namespace {

namespace fs = std::filesystem;
using datasets::DatasetKind;
using datasets::DatasetOptions;
using datasets::ImageFit;
using testing::HasSubstr;

constexpr int kResolution = 32;

class EmulateImage : public CommandTest {
 protected:
  // A folder of two classes; the names of the files are their sizes.
  DatasetOptions write_photos(const std::vector<std::pair<int, int>>& sizes, int channels = 3) {
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const auto [height, width] = sizes[i];
      write(fmt::format("photos/{}/{}x{}.{}", i % 2, height, width, channels == 3 ? "ppm" : "pgm"),
            pnm_photo(height, width, channels, i));
    }
    DatasetOptions options{.kind = DatasetKind::kFolder,
                           .path = (folder_ / "work/photos").string(),
                           .test_share = 0.5};
    options.image.channels = channels;
    return options;
  }

  void compile(const DatasetOptions& options) {
    const auto image =
        std::get<datasets::ImagePreprocessing>(datasets::preprocessing_of(options, kResolution));
    pipeline::compile_image_model(image, "stm32f412", folder_ / "work/model");
  }

  // What the network gives for an example as the evaluation loads it.
  static std::vector<int> evaluate(const datasets::Dataset& dataset, std::int64_t index,
                                   deploy::ReferenceModel& model) {
    std::vector<float> values(static_cast<std::size_t>(dataset.input_shape().elements()));
    RandomStream random(0);
    EXPECT_TRUE(dataset.load(index, random, values));
    std::vector<std::int8_t> input;
    for (const float value : values) {
      input.push_back(static_cast<std::int8_t>(
          engine::quantize_value(value, {1.0F / 128, 0}, engine::ValueRange{})));
    }
    const auto output = model.run(input).at(0);
    return {output.begin(), output.end()};
  }

  // Every photograph of the test split by the program and by the evaluation.
  void expect_the_evaluations_outputs(const DatasetOptions& options) {
    compile(options);
    const auto dataset =
        open_dataset(options, datasets::Split::kTest, kResolution, /*augment=*/false);
    std::vector<std::string> arguments = {"emulate", "model", "--json", "--input"};
    for (std::int64_t i = 0; i < dataset->size(); ++i) arguments.push_back(dataset->name(i));
    const Outcome outcome = run(arguments);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    const nlohmann::json json = parse_output(outcome);
    ASSERT_EQ(json["inferences"].size(), static_cast<std::size_t>(dataset->size()));
    deploy::ReferenceModel model(folder_ / "work/model/model.tflite");
    for (std::int64_t i = 0; i < dataset->size(); ++i) {
      const auto& inference = json["inferences"][static_cast<std::size_t>(i)];
      EXPECT_EQ(inference["outputs"][0], evaluate(*dataset, i, model)) << dataset->name(i);
      EXPECT_EQ(inference["exact"], true);
    }
  }
};

const std::vector<std::pair<int, int>> kSizes = {{60, 90}, {91, 60}, {32, 32},  {33, 32},
                                                 {40, 40}, {20, 31}, {150, 80}, {64, 64}};

TEST_F(EmulateImage, CropsAsTheEvaluationDoes) {
  MCUNET_REQUIRE_EMULATOR();
  expect_the_evaluations_outputs(write_photos(kSizes));
}

TEST_F(EmulateImage, StretchesAsTheEvaluationDoes) {
  MCUNET_REQUIRE_EMULATOR();
  DatasetOptions options = write_photos(kSizes);
  options.image.evaluation = ImageFit::kStretch;
  expect_the_evaluations_outputs(options);
}

TEST_F(EmulateImage, ReadsGrayAndBitsAsTheEvaluationDoes) {
  MCUNET_REQUIRE_EMULATOR();
  DatasetOptions options = write_photos(kSizes, /*channels=*/1);
  for (int i = 0; i < 6; ++i) {  // 12 bits in 16
    std::string deep = "P5\n40 40\n65535\n";
    for (int pixel = 0; pixel < 40 * 40; ++pixel) {
      const int value = (pixel * (i + 1)) % 4096;
      deep += {static_cast<char>(value >> 8), static_cast<char>(value)};
    }
    write(fmt::format("photos/{}/deep{}.pgm", i % 2, i), deep);
  }
  expect_the_evaluations_outputs(options);
}

TEST_F(EmulateImage, SaysWhatItDoes) {
  MCUNET_REQUIRE_EMULATOR();
  compile(write_photos(kSizes));
  const Outcome outcome = run({"emulate", "model", "--input", "photos/0/60x90.ppm"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("input        an image of 32 x 32 pixels, red, green, blue\n"
                                     "             the middle 87.5 % of the image's shorter side"));
  const Outcome json = run({"emulate", "model", "--json", "--input", "photos/0/60x90.ppm"});
  EXPECT_EQ(parse_output(json)["preprocessing"]["image"]["fit"], "crop");
  EXPECT_EQ(parse_output(json)["preprocessing"],
            nlohmann::json::parse(read("model/model.json")).at("preprocessing"));
  // A model that somebody else made says nothing of images.
  pipeline::compile_model(folder_ / "work/model/model.tflite", deploy::load_device("stm32f412"), {},
                          folder_ / "work/plain");
  const Outcome plain =
      run({"emulate", "plain", "--input-range", "0,1", "--input", "photos/0/60x90.ppm"});
  EXPECT_THAT(plain.out, HasSubstr("the whole image, stretched"));
  EXPECT_THAT(plain.out, HasSubstr("the input (p - 0) / 255"));
}

TEST_F(EmulateImage, RefusesWhatItCannotTakeIn) {
  MCUNET_REQUIRE_CROSS_COMPILER();
  compile(write_photos(kSizes));
  EXPECT_EQ(failure({"emulate", "model", "--input", "photos/0/60x90.ppm", "--input-range", "0,1"}),
            "--input-range: model says itself what black and white are");
  write("sound.flac", "");
  EXPECT_EQ(failure({"emulate", "model", "--input", "sound.flac"}),
            "sound.flac: is a sound, but the network takes in images");
  const std::string whole = read("model/model.json");
  std::string description = whole;
  const std::string height = R"("height": 32)";
  const std::size_t at = description.find(height, description.find("\"preprocessing\""));
  ASSERT_NE(at, std::string::npos);
  write("model/model.json", description.replace(at, height.size(), R"("height": 16)"));
  EXPECT_EQ(failure({"emulate", "model", "--input", "photos/0/60x90.ppm"}),
            "model/model.json: its preprocessing gives another shape than that of input 0");
  const std::string fit = R"("fit": "crop")";
  description = whole;
  write("model/model.json", description.replace(description.find(fit), fit.size(), R"("fit": 7)"));
  EXPECT_THAT(failure({"emulate", "model", "--input", "photos/0/60x90.ppm"}),
              HasSubstr("preprocessing.image.fit: must be one of crop, stretch, is 7"));
}

}  // namespace
}  // namespace mcunet
