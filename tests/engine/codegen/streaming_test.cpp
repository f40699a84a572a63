// Steps of several operators, compiled on the host, beside the reference executor.
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "core/error_text.hpp"
#include "generated_model.hpp"
#include "mcunet/engine/planning/row_bands.hpp"
#include "mcunet/engine/planning/streaming_schedule.hpp"
#include "mcunet/engine/quantization/random_weights.hpp"
#include "mcunet/engine/tflite/reader.hpp"
#include "narrowed.hpp"
#include "random_chain.hpp"
#include "random_graphs.hpp"
#include "residual_block.hpp"
#include "shared_data.hpp"

namespace mcunet::engine {
namespace {

CompiledGraph in_steps(const Graph& graph, const std::vector<Step>& steps, ScratchGrowth growth) {
  CompiledGraph compiled;
  compiled.graph = graph;
  compiled.schedule = make_schedule(graph, steps, {});
  compiled.arena = plan_arena(graph, compiled.schedule, {.growth = growth});
  return compiled;
}

void expect_exact(const CompiledGraph& compiled, const std::string& name) {
  const GeneratedModel model(compiled, "streaming-" + name);
  for (std::uint64_t trial = 0; trial < 2; ++trial) {
    const std::vector<TensorBytes> inputs = random_inputs(compiled.graph, trial);
    ASSERT_EQ(model.run(inputs), execute(compiled.graph, inputs)) << name;
  }
}

TEST(Streaming, RandomChainsInRandomStepsAreExact) {
  RandomStream random(1);
  int groups = 0;
  for (int trial = 0; trial < 20; ++trial) {
    const Graph graph = with_random_weights(RandomChain(random).make(14), random);
    const std::vector<Step> steps = random_steps(graph, random);
    for (const Step& step : steps) groups += step.op_count > 1 ? 1 : 0;
    expect_exact(
        in_steps(graph, steps, trial % 2 == 0 ? ScratchGrowth::kNone : ScratchGrowth::kWithinArena),
        std::to_string(trial));
  }
  EXPECT_GT(groups, 40);
}

// The input is handed over as it is asked for.
constexpr char kCamera[] = R"(
#include "model.h"
#include <string.h>
enum { kRow = MODEL_INPUT_WIDTH * MODEL_INPUT_CHANNELS };
int8_t image[MODEL_INPUT_BYTES];
int next_row;
int is_in_order = 1;
void model_input_rows(int8_t* to, int first_row, int rows) {
  is_in_order = is_in_order && first_row == next_row && first_row + rows <= MODEL_INPUT_HEIGHT;
  next_row = first_row + rows;
  memcpy(to, image + first_row * kRow, (size_t)(rows * kRow));
}
)";

void expect_exact_in_rows(const CompiledGraph& compiled, const std::string& name) {
  const GeneratedModel model(compiled, "streaming-" + name, "", kCamera);
  for (std::uint64_t trial = 0; trial < 2; ++trial) {
    const std::vector<TensorBytes> inputs = random_inputs(compiled.graph, trial);
    std::memcpy(model.symbol<std::byte>("image"), inputs[0].data(), inputs[0].size());
    *model.symbol<int>("next_row") = 0;
    model.symbol<void()>("model_invoke")();
    const TensorBytes expected = execute(compiled.graph, inputs)[0];
    const void* output = model.symbol<const void*(int)>("model_output")(0);
    EXPECT_EQ(std::memcmp(output, expected.data(), expected.size()), 0) << name;
    EXPECT_EQ(*model.symbol<int>("is_in_order"), 1) << name;
  }
}

TEST(Streaming, InputsInRowsAreExact) {
  RandomStream random(3);
  int pulling = 0;
  for (int trial = 0; trial < 100 && pulling < 8; ++trial) {
    const Graph graph = with_random_weights(RandomChain(random).make(8), random);
    std::vector<Step> steps = random_steps(graph, random);
    if (!can_pull(graph, steps.front())) continue;
    ++pulling;
    steps.front().pulls_input = true;
    steps.front().overlaps =
        steps.front().overlaps && find_overlap(graph, steps.front()).input != kNoId;
    expect_exact_in_rows(in_steps(graph, steps, ScratchGrowth::kNone),
                         "rows-" + std::to_string(trial));
  }
  EXPECT_EQ(pulling, 8);
}

// A frame that stays where it is.
constexpr char kFrame[] = R"(
#include "model.h"
uint8_t frame[MODEL_INPUT_HEIGHT * MODEL_PIXEL_ROW_BYTES];
int most_rows;
const uint8_t* model_pixel_rows(int first_row, int rows) {
  if (rows > most_rows) most_rows = rows;
  return frame + first_row * MODEL_PIXEL_ROW_BYTES;
}
)";

// Red, green and blue of each pixel, in doubles.
std::vector<std::array<double, 3>> colors_of(PixelFormat format, const TensorBytes& frame) {
  const auto byte = [&](std::size_t i) { return std::to_integer<int>(frame[i]); };
  std::vector<std::array<double, 3>> colors;
  for (std::size_t i = 0; i < frame.size(); i += format == PixelFormat::kGray ? 1 : 2) {
    const double gray = byte(i);
    if (format == PixelFormat::kGray) {
      colors.push_back({gray, gray, gray});
    } else if (format == PixelFormat::kRgb565) {
      const int pixel = byte(i) + 256 * byte(i + 1);
      const int parts[] = {pixel / 2048, pixel / 32 % 64, pixel % 32};
      colors.push_back({parts[0] * 8.0 + parts[0] / 4, parts[1] * 4.0 + parts[1] / 16,
                        parts[2] * 8.0 + parts[2] / 4});
    } else {
      const std::size_t pair = i / 4 * 4;
      const double y = 1.164 * std::max(byte(i) - 16, 0);
      const double u = byte(pair + 1) - 128;
      const double v = byte(pair + 3) - 128;
      colors.push_back({y + 1.596 * v, y - 0.391 * u - 0.813 * v, y + 2.018 * u});
    }
  }
  for (auto& color : colors) {
    for (double& level : color) level = std::clamp(std::floor(level + 0.5), 0.0, 255.0);
  }
  return colors;
}

TEST(Streaming, PixelsBecomeTheInputAsTheyAreRead) {
  RandomStream random(6);
  for (const PixelFormat format : kPixelFormats) {
    for (const std::int32_t channels : {1, 3}) {
      SCOPED_TRACE(fmt::format("{} {}", name_of(format), channels));
      Graph shapes;
      TensorId map = add_input(shapes, {18, 10, channels});
      map = append_op(shapes, {.kind = OpKind::kConv2d, .window = centred_window(3, 2)}, {map}, 6);
      shapes.outputs = {append_op(
          shapes, {.kind = OpKind::kDepthwiseConv2d, .window = centred_window(5, 1)}, {map}, 6)};
      const Graph graph = with_random_weights(shapes, random);
      CompileOptions options{.schedule = options_of(SchedulePolicy::kStreaming),
                             .input_format = format};
      options.schedule.pulls_input = true;
      const GeneratedModel model(compile_graph(graph, options), "streaming-pixels", "", kFrame);
      TensorBytes frame(static_cast<std::size_t>(bytes_of_pixels(format, 18 * 10)));
      for (std::byte& byte : frame) byte = static_cast<std::byte>(random.index(256));
      std::memcpy(model.symbol<std::byte>("frame"), frame.data(), frame.size());
      model.symbol<void()>("model_invoke")();

      std::vector<TensorBytes> converted(1);
      for (const auto& [red, green, blue] : colors_of(format, frame)) {
        const double gray = std::floor((9798 * red + 19235 * green + 3735 * blue) / 32768 + 0.5);
        const double levels[] = {channels == 1 ? gray : red, green, blue};
        for (std::int32_t c = 0; c < channels; ++c) {
          converted[0].push_back(static_cast<std::byte>(static_cast<int>(levels[c]) - 128));
        }
      }
      ASSERT_EQ(converted[0].size(), static_cast<std::size_t>(18 * 10 * channels));
      std::vector<std::int8_t> bytes(frame.size());
      std::memcpy(bytes.data(), frame.data(), frame.size());
      const std::vector<std::int8_t> input = input_of_pixels(format, bytes, channels);
      int apart = 0;  // where the coefficients of three digits round otherwise
      for (std::size_t i = 0; i < input.size(); ++i) {
        const int expected = std::to_integer<std::int8_t>(converted[0][i]);
        ASSERT_LE(std::abs(input[i] - expected), format == PixelFormat::kYuv422 ? 1 : 0) << i;
        apart += input[i] != expected ? 1 : 0;
      }
      EXPECT_LT(apart, 18 * 10 * channels / 10);
      std::memcpy(converted[0].data(), input.data(), input.size());
      const TensorBytes expected = execute(graph, converted)[0];
      const void* output = model.symbol<const void*(int)>("model_output")(0);
      EXPECT_EQ(std::memcmp(output, expected.data(), expected.size()), 0);
    }
  }
}

TEST(Streaming, RefusesInputsThatPixelsDoNotMake) {
  const auto error = [](const Shape& shape, PixelFormat format, bool pulls_input) {
    Graph graph;
    const TensorId input = add_input(graph, shape);
    graph.outputs = {append_op(graph, {.kind = OpKind::kConv2d}, {input}, 4)};
    RandomStream random(1);
    CompileOptions options{.schedule = options_of(SchedulePolicy::kStreaming),
                           .input_format = format};
    options.schedule.pulls_input = pulls_input;
    return error_of([&] { compile_graph(with_random_weights(graph, random), options); });
  };
  EXPECT_EQ(error({8, 8, 4}, PixelFormat::kGray, true),
            "pixels become inputs of 1 or 3 channels, but the network takes in 4");
  EXPECT_EQ(error({8, 7, 3}, PixelFormat::kYuv422, true),
            "pixels of yuv422 come in pairs, but the input's rows have 7");
  EXPECT_EQ(error({8, 8, 3}, PixelFormat::kGray, false), "an input of pixels must come in rows");
  Graph features;
  features.outputs = {
      append_op(features, {.kind = OpKind::kFullyConnected}, {add_input(features, {1, 1, 8})}, 4)};
  CompileOptions in_rows{.schedule = options_of(SchedulePolicy::kStreaming)};
  in_rows.schedule.pulls_input = true;
  RandomStream random(1);
  const Graph layer = with_random_weights(features, random);
  EXPECT_EQ(error_of([&] { compile_graph(layer, in_rows); }),
            "the input cannot come in rows: fully_connected needs all of it at once");
  EXPECT_EQ(error_of([] { pixel_format_named("bayer"); }),
            "pixels: must be rgb565, yuv422 or gray, are bayer");
}

TEST(Streaming, WeightsOfFourBitsAreExact) {
  RandomStream random(2);
  for (int trial = 0; trial < 4; ++trial) {
    const Graph graph = narrowed(with_random_weights(RandomChain(random).make(10), random));
    expect_exact(in_steps(graph, random_steps(graph, random), ScratchGrowth::kNone),
                 "narrow-" + std::to_string(trial));
  }
}

TEST(Streaming, ActivationsOfFourBitsAreExact) {
  RandomStream random(4);
  int narrow_groups = 0;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    const Graph graph = random_narrow_network(seed);
    const std::vector<Step> steps = random_steps(graph, random);
    for (const Step& step : steps) {
      const std::span<const Op> ops = ops_of(graph, step);
      narrow_groups += step.op_count > 1 && graph.output_of(ops[0]).type == DataType::kInt4 ? 1 : 0;
    }
    expect_exact(in_steps(graph, steps, ScratchGrowth::kNone), "int4-" + std::to_string(seed));
  }
  EXPECT_GT(narrow_groups, 6);
}

// Of four bits to four, of the image to four, and of four to eight.
TEST(Streaming, ActivationsOfFourBitsFollowTheirInput) {
  int followers = 0;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    const Graph graph = random_narrow_network(seed);
    std::vector<Step> steps;
    for (OpId id = 0; id < static_cast<OpId>(graph.ops.size()); ++id) {
      Step& step = steps.emplace_back(Step{.first_op = id});
      step.overlaps = find_overlap(graph, step).input != kNoId;
      followers += step.overlaps ? 1 : 0;
    }
    expect_exact(in_steps(graph, steps, ScratchGrowth::kNone), "follow-" + std::to_string(seed));
  }
  EXPECT_GT(followers, 12);
}

TEST(Streaming, ASumOfATensorAndAConstantRow) {
  for (const OpKind kind : {OpKind::kAdd, OpKind::kSub, OpKind::kMul}) {
    int constants = 0;
    for (std::uint64_t seed = 0; seed < 100 && constants < 3; ++seed) {
      Graph graph = random_graph(kind, seed);
      const TensorId last = graph.outputs[0];
      const Op relu{.kind = OpKind::kRelu, .has_bias = false};
      const TensorId output = append_op(graph, relu, std::span(&last, 1), graph.tensors[last]);
      edit_info(graph, output).quantization = {0.05F, -3};
      graph.outputs = {output};
      const ConstantId operand = graph.details_of(graph.ops[0]).operand;
      if (operand == kNoId || !works_in_bands(graph, graph.ops[0])) continue;
      ++constants;
      expect_exact(in_steps(graph, {{0, 2, 1}}, ScratchGrowth::kNone),
                   fmt::format("constant-{}-{}", name_of(kind), seed));
    }
    EXPECT_EQ(constants, 3) << name_of(kind);
  }
}

TEST(Streaming, RealModelsAreExactInLessMemory) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  for (const char* name : {"mcunet_vww", "mlperf_ic_resnet", "mlperf_kws"}) {
    const Graph graph = read_tflite(data / "tflite" / fmt::format("{}.tflite", name));
    CompileOptions options{.scratch_growth = ScratchGrowth::kWithinArena};
    const std::int64_t in_place = compile_graph(graph, options).arena.plan.arena_bytes;
    options.schedule = options_of(SchedulePolicy::kStreaming);
    const CompiledGraph compiled = compile_graph(graph, options);
    EXPECT_LT(compiled.arena.plan.arena_bytes, in_place);
    expect_exact(compiled, name);
    options.schedule.pulls_input = true;
    const CompiledGraph pulling = compile_graph(graph, options);
    if (std::string(name) == "mcunet_vww") {  // whose image is most of what it needs
      EXPECT_LT(pulling.arena.plan.arena_bytes, compiled.arena.plan.arena_bytes);
    }
    expect_exact_in_rows(pulling, std::string(name) + "-rows");
    RecordProperty(fmt::format("{}_arena_bytes", name),
                   std::to_string(compiled.arena.plan.arena_bytes));
  }
}

// Of the order in which operators stand, all that is left is in the names of steps.
// General kernels do not work in place.
TEST(Streaming, IsExactWithoutSpecialisedKernels) {
  RandomStream random(9);
  const Graph graph = with_random_weights(
      make_residual_block({.height = 12, .width = 10, .expanded_channels = 32}), random);
  CompileOptions options{.schedule = options_of(SchedulePolicy::kStreaming)};
  std::int64_t arena = 0;
  for (const bool specializes : {true, false}) {
    options.specializes_kernels = specializes;
    const CompiledGraph compiled = compile_graph(graph, options);
    EXPECT_LT(compiled.schedule.steps.size(), graph.ops.size());
    expect_exact(compiled, specializes ? "special" : "general");
    EXPECT_GT(compiled.arena.plan.arena_bytes, arena);
    arena = compiled.arena.plan.arena_bytes;
  }
}

TEST(Streaming, StepsAreNamedAfterTheirOperators) {
  const Graph graph = make_residual_block({});
  RandomStream random(1);
  const CompiledGraph compiled =
      in_steps(with_random_weights(graph, random), {{0, 4, 2}}, ScratchGrowth::kNone);
  const GeneratedModel model(compiled, "streaming-names");
  const auto* names = model.symbol<const char* const>("model_step_names");
  ASSERT_NE(names, nullptr);
  EXPECT_STREQ(names[0], "conv_2d 1x1 + depthwise_conv_2d 5x5 + conv_2d 1x1 + add: 8x6x4 -> 8x6x4");
}

}  // namespace
}  // namespace mcunet::engine
