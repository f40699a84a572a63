// Convolutions of maps in parts: SPACE_TO_BATCH_ND, a convolution, BATCH_TO_SPACE_ND.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error_text.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/random.hpp"
#include "mcunet/engine/reference/reference_executor.hpp"
#include "mcunet/engine/tflite/reader.hpp"
#include "tflite/model_builder.hpp"

namespace mcunet::engine {
namespace {

using testing::HasSubstr;
using Dims = std::vector<std::int32_t>;

constexpr Quantization kOfInput = {0.5F, 3};
constexpr Quantization kOfOutput = {0.25F, -7};
constexpr std::int32_t kChannels = 3;

struct Case {
  std::int32_t height = 12;
  std::int32_t width = 10;
  Dims block = {2, 2};         // rows, columns
  Dims border = {2, 2, 2, 2};  // top, bottom, left, right
  Dims crop = {0, 0, 0, 0};
  Dims told_block = {};   // of the first operator in the file; empty: block
  Dims told_border = {};  // empty: border
  Dims block_after = {};  // of the last one; empty: block
  Dims kernel = {3, 3};
  bool is_depthwise = false;
  bool is_line = false;  // three dimensions, four of them for the convolution alone
  tflite::Padding padding = tflite::Padding_VALID;
  std::int32_t convolutions = 1;  // in between

  std::int32_t part_height() const { return (height + border[0] + border[1]) / block[0]; }
  std::int32_t part_width() const { return (width + border[2] + border[3]) / block[1]; }
};

// Writes files as TensorFlow does where the batch is not fixed: of one part, however many there are.
class File {
 public:
  explicit File(const Case& c) : c_(c) {}

  // SPACE_TO_BATCH_ND, the convolution, BATCH_TO_SPACE_ND.
  Graph in_parts() {
    const std::int32_t input = map(c_.height, c_.width, kOfInput);
    std::int32_t parts = map(c_.part_height(), c_.part_width(), kOfInput);
    const Dims& divided_by = c_.told_block.empty() ? c_.block : c_.told_block;
    const Dims& border = c_.told_border.empty() ? c_.border : c_.told_border;
    add(tflite::BuiltinOperator_SPACE_TO_BATCH_ND, {input, pairs(divided_by, 1), pairs(border, 2)},
        parts);
    std::int32_t height = c_.part_height();
    std::int32_t width = c_.part_width();
    for (std::int32_t i = 0; i < c_.convolutions; ++i) {
      if (c_.is_line) {
        const std::int32_t row = tensor({1, 1, width, kChannels}, kOfInput);
        add(tflite::BuiltinOperator_EXPAND_DIMS, {parts, integers({1}, {})}, row);
        parts = row;
      }
      height -= c_.kernel[0] - 1;
      width -= c_.kernel[1] - 1;
      const std::int32_t convolved = tensor({1, height, width, kChannels}, kOfOutput);
      convolve(parts, convolved);
      parts = convolved;
    }
    if (c_.is_line) {
      const std::int32_t line = map(1, width, kOfOutput);
      add(tflite::BuiltinOperator_RESHAPE, {parts, integers({-1, width, kChannels}, {3})}, line);
      parts = line;
    }
    const std::int32_t output = map(height * c_.block[0] - c_.crop[0] - c_.crop[1],
                                    width * c_.block[1] - c_.crop[2] - c_.crop[3], kOfOutput);
    const Dims& joined_by = c_.block_after.empty() ? c_.block : c_.block_after;
    add(tflite::BuiltinOperator_BATCH_TO_SPACE_ND, {parts, pairs(joined_by, 1), pairs(c_.crop, 2)},
        output);
    return read_tflite(builder_.finish({input}, {output}), "memory");
  }

  // The convolution alone, of one part.
  Graph of_part() {
    const std::int32_t input = tensor({1, c_.part_height(), c_.part_width(), kChannels}, kOfInput);
    const std::int32_t output = tensor(
        {1, c_.part_height() - c_.kernel[0] + 1, c_.part_width() - c_.kernel[1] + 1, kChannels},
        kOfOutput);
    convolve(input, output);
    return read_tflite(builder_.finish({input}, {output}), "memory");
  }

 private:
  std::int32_t tensor(const Dims& dims, const Quantization& quantization) {
    return builder_.add_activation("t" + std::to_string(next_++), DataType::kInt8, dims,
                                   quantization);
  }
  std::int32_t map(std::int32_t height, std::int32_t width, const Quantization& quantization) {
    return tensor(c_.is_line ? Dims{1, width, kChannels} : Dims{1, height, width, kChannels},
                  quantization);
  }
  std::int32_t integers(const Dims& values, const Dims& dims) {
    return builder_.add_integers("integers" + std::to_string(next_++), values, dims);
  }
  // `count` values for each axis, of a line those of its only one.
  std::int32_t pairs(const Dims& values, std::int32_t count) {
    const Dims used = c_.is_line ? Dims(values.end() - count, values.end()) : values;
    const auto axes = static_cast<std::int32_t>(used.size()) / count;
    return integers(used, count == 1 ? Dims{axes} : Dims{axes, count});
  }
  void add(tflite::BuiltinOperator code, const Dims& inputs, std::int32_t output) {
    builder_.add_operator(code, 1, inputs, output, tflite::BuiltinOptions_NONE, {});
  }
  void convolve(std::int32_t input, std::int32_t output) {
    Constant weights{.name = "weights", .scales = {0.125F}};
    weights.dims = {c_.is_depthwise ? 1 : kChannels, c_.kernel[0], c_.kernel[1], kChannels};
    RandomStream random(7);
    for (std::int64_t i = 0; i < weights.elements(); ++i) {
      weights.data.push_back(static_cast<std::byte>(random.index(21) - 10));
    }
    const std::vector<std::int32_t> inputs = {input, builder_.add_constant(weights), -1};
    if (c_.is_depthwise) {
      builder_.add_operator(
          tflite::BuiltinOperator_DEPTHWISE_CONV_2D, 3, inputs, output,
          tflite::BuiltinOptions_DepthwiseConv2DOptions,
          tflite::CreateDepthwiseConv2DOptions(builder_.fbb(), c_.padding, 1, 1, 1).Union());
    } else {
      builder_.add_operator(tflite::BuiltinOperator_CONV_2D, 3, inputs, output,
                            tflite::BuiltinOptions_Conv2DOptions,
                            tflite::CreateConv2DOptions(builder_.fbb(), c_.padding, 1, 1).Union());
    }
  }

  Case c_;
  TfliteModelBuilder builder_;
  int next_ = 0;
};

std::size_t at(const Shape& shape, std::int32_t y, std::int32_t x, std::int32_t channel) {
  return static_cast<std::size_t>((y * shape.width + x) * shape.channels + channel);
}

// Part by part: every block-th row and column of the map and its border, convolved on their own.
TensorBytes convolved_in_parts(const Case& c, const TensorBytes& map) {
  const Graph part = File(c).of_part();
  const Shape& from = part.tensors[part.inputs[0]].shape;
  const Shape& to = part.tensors[part.outputs[0]].shape;
  const Shape whole = {c.height, c.width, kChannels};
  const Shape result = {to.height * c.block[0] - c.crop[0] - c.crop[1],
                        to.width * c.block[1] - c.crop[2] - c.crop[3], kChannels};
  TensorBytes output(static_cast<std::size_t>(result.elements()));
  for (std::int32_t row = 0; row < c.block[0]; ++row) {
    for (std::int32_t column = 0; column < c.block[1]; ++column) {
      TensorBytes input(static_cast<std::size_t>(from.elements()),
                        static_cast<std::byte>(kOfInput.zero_point));
      for (std::int32_t i = 0; i < from.elements(); ++i) {
        const std::int32_t y = i / kChannels / from.width * c.block[0] + row - c.border[0];
        const std::int32_t x = i / kChannels % from.width * c.block[1] + column - c.border[2];
        if (y < 0 || y >= c.height || x < 0 || x >= c.width) continue;
        input[static_cast<std::size_t>(i)] = map[at(whole, y, x, i % kChannels)];
      }
      const TensorBytes values = execute(part, std::vector<TensorBytes>{input})[0];
      for (std::int32_t i = 0; i < to.elements(); ++i) {
        const std::int32_t y = i / kChannels / to.width * c.block[0] + row - c.crop[0];
        const std::int32_t x = i / kChannels % to.width * c.block[1] + column - c.crop[2];
        if (y < 0 || y >= result.height || x < 0 || x >= result.width) continue;
        output[at(result, y, x, i % kChannels)] = values[static_cast<std::size_t>(i)];
      }
    }
  }
  return output;
}

TEST(Parts, AreOneConvolutionWhoseTapsLieApart) {
  const std::vector<Case> cases = {
      {},
      {.height = 8, .width = 8},                                        // no smaller than it was
      {.block = {4, 4}, .border = {4, 4, 5, 5}, .crop = {0, 1, 1, 2}},  // pads and takes off
      {.height = 9, .width = 9, .block = {3, 2}, .border = {3, 3, 2, 3}, .crop = {0, 0, 0, 1}},
      {.block = {2, 2}, .border = {0, 0, 0, 0}, .is_depthwise = true},
      {.block = {1, 5}, .border = {1, 1, 5, 5}, .is_depthwise = true},
      {.height = 1,
       .width = 20,
       .block = {1, 4},
       .border = {0, 0, 8, 0},
       .kernel = {1, 3},
       .is_line = true},
      {.height = 1,
       .width = 21,
       .block = {1, 2},
       .border = {0, 0, 4, 1},
       .crop = {0, 0, 0, 1},
       .kernel = {1, 3},
       .is_depthwise = true,
       .is_line = true},
  };
  RandomStream random(1);
  for (const Case& c : cases) {
    SCOPED_TRACE(&c - cases.data());
    const Graph graph = File(c).in_parts();
    ASSERT_EQ(graph.ops.size(), 1u);
    EXPECT_EQ(graph.ops[0].window.dilation_width, c.block[1]);
    TensorBytes map(static_cast<std::size_t>(c.height * c.width * kChannels));
    for (std::byte& value : map) value = static_cast<std::byte>(random.index(256));
    EXPECT_EQ(execute(graph, std::vector<TensorBytes>{map})[0], convolved_in_parts(c, map));
  }
}

TEST(Parts, OtherwiseSayWhatIsWrong) {
  const std::vector<std::pair<Case, const char*>> cases = {
      {{.told_border = {2, 1, 2, 2}},
       "a map of 12x10 with its border cannot be divided into blocks of 2x2"},
      {{.told_block = {0, 2}}, "a block of 0"},
      {{.told_border = {-2, 2, 2, 2}}, "a border of -2 is out of range"},
      {{.border = {0, 0, 2, 2}, .crop = {1, 1, 0, 0}},
       "takes off more than SPACE_TO_BATCH_ND adds"},
      {{.block_after = {2, 1}}, "joins blocks of 2x1 that were divided as 2x2"},
      {{.padding = tflite::Padding_SAME}, "without strides, dilation and padding"},
      {{.convolutions = 0}, "supported only behind SPACE_TO_BATCH_ND and a convolution"},
      {{.convolutions = 2}, "is the second convolution of a map in parts"},
      {{.told_block = {2, 2, 2}}, "has a block of 3 values"},
      {{.told_border = {2, 2}}, "and a border of 2"},
  };
  for (const auto& [c, message] : cases) {
    EXPECT_THAT(error_of([&] { File(c).in_parts(); }), HasSubstr(message));
  }
}

}  // namespace
}  // namespace mcunet::engine
