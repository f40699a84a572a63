#include "pipeline/preprocessing_code.hpp"

#include <gmock/gmock.h>

#include "core/error_text.hpp"
#include "deploy/example_project.hpp"
#include "end_to_end/image_model.hpp"
#include "engine/generated_model.hpp"
#include "frame.h"
#include "mcunet/core/files.hpp"
#include "mcunet/datasets/image_file.hpp"
#include "mcunet/engine/arithmetic/quantized_arithmetic.hpp"

namespace mcunet::pipeline {
namespace {

using datasets::ImageFit;
using datasets::ImagePreprocessing;
using testing::HasSubstr;

// Pixels of a picture with edges, slopes and noise.
struct Picture {
  int height;
  int width;
  int channels;
  std::vector<std::uint8_t> pixels;

  mcunet_frame frame() const {
    return {.pixels = pixels.data(),
            .height = height,
            .width = width,
            .row_bytes = channels * width,
            .channels = channels};
  }

  // As a PPM or PGM.
  std::string file() const {
    return fmt::format("P{}\n{} {}\n255\n", channels == 3 ? 6 : 5, width, height) +
           std::string(pixels.begin(), pixels.end());
  }
};

Picture make_picture(int height, int width, int channels) {
  Picture picture{height, width, channels, {}};
  RandomStream random(7, {std::uint64_t(height), std::uint64_t(width)});
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < channels; ++c) {
        const int slope = (x * 200 / width + y * 90 / height * (c + 1)) % 256;
        const int value = (x / 9 + y / 7) % 3 == 0 ? int(random.index(256)) : slope;
        picture.pixels.push_back(static_cast<std::uint8_t>(value));
      }
    }
  }
  return picture;
}

// Generated code, as the host's C compiler makes it.
class FrameCode {
 public:
  explicit FrameCode(const ImagePreprocessing& image)
      : compiled_(engine::compile_graph(image_graph(image.shape))),
        model_(compiled_, "frame_code", "", "",
               generate_preprocessing(compiled_.graph, image).files),
        elements_(static_cast<std::size_t>(image.shape.elements())) {}

  std::vector<std::int8_t> run(const mcunet_frame& frame) const {
    std::vector<std::int8_t> input(elements_);
    model_.symbol<void(const mcunet_frame*, std::int8_t*)>("frame_to_input")(&frame, input.data());
    return input;
  }

 private:
  engine::CompiledGraph compiled_;
  engine::GeneratedModel model_;
  std::size_t elements_;
};

// Of which a value p of a pixel is the byte p - 128, so that differences are those of pixels.
ImagePreprocessing plain(int side, int channels, ImageFit fit) {
  return {.shape = {side, side, channels}, .fit = fit, .mean = 128, .deviation = 128};
}

struct Difference {
  int largest = 0;
  std::int64_t bytes = 0;  // that differ
  std::int64_t of = 0;
};

void compare(const std::vector<std::int8_t>& input, const std::vector<std::uint8_t>& expected,
             Difference& difference) {
  ASSERT_EQ(input.size(), expected.size());
  for (std::size_t i = 0; i < input.size(); ++i) {
    const int apart = std::abs(input[i] + 128 - expected[i]);
    difference.largest = std::max(difference.largest, apart);
    difference.bytes += apart != 0 ? 1 : 0;
    ++difference.of;
  }
}

// Sizes that are averaged, by whole and by broken numbers, and that are interpolated, smaller and
// larger; crops whose borders lie halfway between pixels.
TEST(FrameCode, AgreesWithTheEvaluationOfTheSamePixels) {
  const TemporaryFolder folder;
  constexpr std::pair<int, int> kSizes[] = {{32, 32},  {64, 64},  {96, 96},   {128, 128}, {80, 80},
                                            {41, 57},  {50, 37},  {120, 160}, {240, 320}, {97, 131},
                                            {20, 20},  {33, 32},  {500, 375}, {100, 36},  {36, 36},
                                            {37, 220}, {180, 44}, {73, 73}};
  for (const int channels : {3, 1}) {
    for (const ImageFit fit : {ImageFit::kCrop, ImageFit::kStretch}) {
      const ImagePreprocessing image = plain(32, channels, fit);
      const FrameCode code(image);
      Difference difference;
      for (const auto& [height, width] : kSizes) {
        SCOPED_TRACE(fmt::format("{}x{}, {} channels", height, width, channels));
        const Picture picture = make_picture(height, width, 3);
        const auto expected = read_image_file(folder.write("a.ppm", picture.file()), image);
        ASSERT_TRUE(expected);
        Difference of_picture;
        compare(code.run(picture.frame()), *expected, of_picture);
        EXPECT_LE(of_picture.largest, 1);
        if (height == 32 && width == 32) {
          EXPECT_EQ(of_picture.largest, 0);
        }
        difference.bytes += of_picture.bytes;
        difference.of += of_picture.of;
      }
      EXPECT_LE(difference.bytes, difference.of / 200) << "one byte in 200";
    }
  }
}

TEST(FrameCode, TakesFramesOfGrayAndOfLongerRows) {
  const TemporaryFolder folder;
  for (const int channels : {1, 3}) {
    const ImagePreprocessing image = plain(24, channels, ImageFit::kCrop);
    const FrameCode code(image);
    const Picture gray = make_picture(60, 45, 1);
    Difference difference;
    compare(code.run(gray.frame()),
            read_image_file(folder.write("a.pgm", gray.file()), image).value(), difference);
    EXPECT_LE(difference.largest, 1);

    // A part of a larger frame.
    const Picture whole = make_picture(60, 45, 3);
    mcunet_frame part = whole.frame();
    part.pixels += 3 * (45 * 10 + 7);
    part.height = 40;
    part.width = 30;
    std::vector<std::uint8_t> rows;
    for (int y = 0; y < part.height; ++y) {
      const std::uint8_t* row = part.pixels + y * part.row_bytes;
      rows.insert(rows.end(), row, row + 3 * part.width);
    }
    mcunet_frame copy = part;
    copy.pixels = rows.data();
    copy.row_bytes = 3 * part.width;
    EXPECT_EQ(code.run(part), code.run(copy));
  }
}

// All 256 values, normalized and quantized as in an evaluation.
TEST(FrameCode, QuantizesAsTheEvaluationDoes) {
  for (const auto& [mean, deviation] : {std::pair{127.5, 127.5}, {0.0, 255.0}, {123.7, 58.4}}) {
    const ImagePreprocessing image{.shape = {16, 16, 1}, .mean = mean, .deviation = deviation};
    Picture all = make_picture(16, 16, 1);
    for (int i = 0; i < 256; ++i) all.pixels[std::size_t(i)] = static_cast<std::uint8_t>(i);
    const std::vector<std::int8_t> input = FrameCode(image).run(all.frame());
    for (int i = 0; i < 256; ++i) {
      const float real =
          (static_cast<float>(i) - static_cast<float>(mean)) / static_cast<float>(deviation);
      EXPECT_EQ(input[std::size_t(i)],
                engine::quantize_value(real, {1.0F / 128, 0}, engine::ValueRange{}));
    }
  }
}

TEST(FrameCode, HasThePrefixOfItsModel) {
  const engine::ModelNames names("vww");
  const engine::CompiledGraph compiled =
      engine::compile_graph(image_graph({16, 16, 3}), {.names = names});
  const engine::GeneratedModel model(
      compiled, "prefixed_frame_code", "", "",
      generate_preprocessing(compiled.graph, ImagePreprocessing{.shape = {16, 16, 3}}, names)
          .files);
  EXPECT_NE(model.symbol<void(const mcunet_frame*, std::int8_t*)>("vww_frame_to_input"), nullptr);
  const FeatureCode in_rows =
      generate_preprocessing(compiled.graph, ImagePreprocessing{.shape = {16, 16, 3}}, names, true);
  const auto text_of = [](const FeatureCode& code) {
    std::string text;
    for (const engine::GeneratedFile& file : code.files) text += file.contents;
    return text;
  };
  EXPECT_THAT(text_of(in_rows), testing::HasSubstr("vww_frame_rows_to_input("));
  EXPECT_THAT(text_of(in_rows), testing::Not(testing::HasSubstr("vww_frame_to_input(")));
  EXPECT_THAT(input_notes(ImagePreprocessing{.shape = {16, 16, 3}}, names),
              testing::Contains(HasSubstr("vww_frame.h")));
}

TEST(FrameCode, IsDescribedInModelJsonAndInWords) {
  MCUNET_REQUIRE_CROSS_COMPILER();
  const TemporaryFolder folder;
  const ImagePreprocessing image{.shape = {32, 32, 3}, .fit = ImageFit::kStretch, .bits = 12};
  compile_image_model(image, "stm32f412", folder / "model");
  EXPECT_EQ(read_model_preprocessing(folder / "model"), datasets::Preprocessing(image));
  for (const char* file : {"model/model.h", "model/frame.h"}) {
    EXPECT_THAT(read_file(folder / file), HasSubstr("//   the whole image, stretched\n")) << file;
  }
  EXPECT_THAT(read_file(folder / "model/model.h"), HasSubstr("frame_to_input()"));
  // Nothing of it is in a program that does not call it.
  EXPECT_THAT(read_file(folder / "model/build/firmware.map"), HasSubstr("frame.o"));
  const CompileResult without = compile_model(
      folder / "model/model.tflite", deploy::load_device("stm32f412"), {}, folder / "plain");
  const CompileResult with = compile_image_model(image, "stm32f412", folder / "model");
  EXPECT_EQ(with.firmware.text_bytes, without.firmware.text_bytes);
  EXPECT_EQ(with.code_bytes(), without.code_bytes());
  EXPECT_EQ(read_model_preprocessing(folder / "plain"), std::nullopt);
  EXPECT_FALSE(std::filesystem::exists(folder / "plain/frame.c"));
}

// What is compiled for a device makes the bytes of the host's evaluation, of real and of whole numbers.
TEST(SeriesCode, MakesTheBytesOfTheEvaluation) {
  const datasets::SeriesPreprocessing series{
      .window = 64,
      .samples = 32,
      .channels = {{"x", 0.1, 0.7}, {"y", -250, 1e4}, {"z */ \\", 1e-20, 3e4}}};
  const engine::CompiledGraph compiled = engine::compile_graph(image_graph({1, 32, 3}));
  const FeatureCode code = generate_preprocessing(compiled.graph, series);
  const engine::GeneratedModel model(compiled, "series_code", "", "", code.files);
  RandomStream random(3);
  std::vector<float> values;
  std::vector<std::int16_t> counts;
  for (int i = 0; i < 64 * 3; ++i) {
    counts.push_back(static_cast<std::int16_t>(random.index(65536)));
    values.push_back(static_cast<float>(random.uniform() * 4 - 2));
  }
  const auto expected = [&](const std::vector<float>& of) {
    std::vector<std::int8_t> input(32 * 3);
    compute_series(series, make_series_tables(series), of, input);
    return input;
  };
  std::vector<std::int8_t> input(32 * 3);
  model.symbol<void(const float*, std::int8_t*)>("series_to_input")(values.data(), input.data());
  EXPECT_EQ(input, expected(values));
  model.symbol<void(const std::int16_t*, std::int8_t*)>("series_counts_to_input")(counts.data(),
                                                                                  input.data());
  EXPECT_EQ(input, expected({counts.begin(), counts.end()}));
  EXPECT_THAT(input_notes(series, engine::ModelNames("gait")),
              testing::Contains(HasSubstr("gait_series_to_input()")));
  EXPECT_EQ(error_of([&] {
              generate_preprocessing(image_graph({32, 32, 3}), series);
            }),
            "series are int8 of 1x32x3, but the network takes in int8 of 32x32x3");
}

TEST(FrameCode, RefusesNetworksThatTakeInSomethingElse) {
  const engine::Graph graph = image_graph({32, 32, 3});
  EXPECT_EQ(error_of([&] {
              generate_preprocessing(graph, ImagePreprocessing{.shape = {32, 48, 3}});
            }),
            "images are int8 of 32x48x3, but the network takes in int8 of 32x32x3");
}

}  // namespace
}  // namespace mcunet::pipeline
