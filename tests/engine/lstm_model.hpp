#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "small_graphs.hpp"
#include "tflite/model_builder.hpp"

namespace mcunet::engine {

// A `.tflite` file of one LSTM, of two steps, three features and four cells, and what may be wrong with one.
struct LstmModel {
  DataType type = DataType::kInt8;  // of the input, the hidden state and the output
  std::vector<std::int32_t> input = {1, 2, 3};
  std::vector<std::int32_t> output = {1, 2, 4};
  std::vector<std::int32_t> weights = {4, 3};    // of the gates, for the input
  std::vector<std::int32_t> recurrent = {4, 4};  // and for the hidden state
  std::int32_t biases = 4;
  DataType bias_type = DataType::kInt32;
  float weight_scale = 0.01F;
  std::vector<std::int32_t> hidden = {1, 4};
  std::vector<std::int32_t> cells = {1, 4};
  DataType cell_type = DataType::kInt16;
  Quantization cell = {1.0F / 4096, 0};
  bool are_variables = true;  // the states
  tflite::ActivationFunction activation = tflite::ActivationFunction_TANH;
  float clip = 0;
  bool is_time_major = false;
  bool has_options = true;
  // Of the 24 operands, one that is another tensor: by position, and its index. Tensor 0 is the input, -1 none.
  std::int32_t changed = -1;
  std::int32_t to = -1;
  std::int32_t operands = 24;
  int operators = 1;                        // with the same states
  std::vector<std::int32_t> reversed = {};  // axes along which its output is reversed afterwards

  std::vector<std::byte> file() const {
    TfliteModelBuilder builder;
    const Quantization quantization = {1.0F / 128, 3};
    const std::int32_t in = builder.add_activation("in", type, input, {0.05F, -7});
    std::vector<std::int32_t> inputs = {in};
    const auto add = [&](const char* name, DataType of, const std::vector<std::int32_t>& dims) {
      Constant constant{.name = name, .type = of, .dims = dims, .scales = {weight_scale}};
      const std::int64_t bytes = constant.elements() * bits_per_element(of) / 8;
      for (std::int64_t i = 0; i < bytes; ++i) {
        constant.data.push_back(static_cast<std::byte>(of == DataType::kInt8 ? i * 37 % 120 : 0));
      }
      inputs.push_back(builder.add_constant(constant));
    };
    for (int gate = 0; gate < 4; ++gate) add("weights", DataType::kInt8, weights);
    for (int gate = 0; gate < 4; ++gate) add("recurrent", DataType::kInt8, recurrent);
    inputs.insert(inputs.end(), 3, -1);
    for (int gate = 0; gate < 4; ++gate) add("biases", bias_type, {biases});
    inputs.insert(inputs.end(), 2, -1);
    const auto state = [&](const char* name, DataType of, const std::vector<std::int32_t>& dims,
                           const Quantization& q) {
      inputs.push_back(are_variables ? builder.add_variable(name, of, dims, q)
                                     : builder.add_activation(name, of, dims, q));
    };
    state("hidden", type, hidden, quantization);
    state("cells", cell_type, cells, cell);
    inputs.insert(inputs.end(), 4, -1);
    if (changed >= 0) inputs[static_cast<std::size_t>(changed)] = to;
    inputs.resize(static_cast<std::size_t>(operands), -1);
    std::vector<std::int32_t> outputs;
    for (int i = 0; i < operators; ++i) {
      outputs.push_back(builder.add_activation("out", type, output, quantization));
      const auto options = tflite::CreateUnidirectionalSequenceLSTMOptions(
          builder.fbb(), activation, clip, /*proj_clip=*/0, is_time_major);
      builder.add_operator(tflite::BuiltinOperator_UNIDIRECTIONAL_SEQUENCE_LSTM, 1, inputs,
                           outputs.back(),
                           has_options ? tflite::BuiltinOptions_UnidirectionalSequenceLSTMOptions
                                       : tflite::BuiltinOptions_NONE,
                           has_options ? options.Union() : flatbuffers::Offset<void>());
    }
    if (!reversed.empty()) {
      const std::int32_t axes =
          builder.add_integers("axes", reversed, {static_cast<std::int32_t>(reversed.size())});
      const std::int32_t turned = builder.add_activation("turned", type, output, {0.01F, 5});
      builder.add_operator(tflite::BuiltinOperator_REVERSE_V2, 1, {outputs.back(), axes}, turned,
                           tflite::BuiltinOptions_NONE, {});
      outputs = {turned};
    }
    return builder.finish({in}, outputs);
  }
};

// What is wrong with such a file, and what is said of it.
struct WrongLstm {
  const char* message;
  LstmModel model;
};
inline std::vector<WrongLstm> wrong_lstms() {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  return {
      {"is quantized in its weights only", {.type = DataType::kFloat32}},
      {"has activations of int16", {.type = DataType::kInt16}},
      {"peephole connections are not supported", {.changed = 10, .to = 1}},
      {"a projection is not supported", {.changed = 16, .to = 1}},
      {"layer normalization is not supported", {.changed = 23, .to = 1}},
      {"its activation must be TANH, is 1", {.activation = tflite::ActivationFunction_RELU}},
      {"a batch of 2 is not supported, only of 1",
       {.input = {2, 2, 3}, .output = {2, 2, 4}, .hidden = {2, 4}, .cells = {2, 4}}},
      {"a batch of 2 is not supported, only of 1", {.is_time_major = true}},
      {"its input has 2 dimensions instead of 3", {.input = {2, 3}, .output = {2, 4}}},
      {"its options are missing", {.has_options = false}},
      {"has 20 inputs", {.operands = 20}},
      {"input 3 is missing", {.changed = 3}},
      {"input 18 is missing", {.changed = 18}},
      {"there is no tensor 999", {.changed = 14, .to = 999}},
      {"there is no tensor 999", {.changed = 19, .to = 999}},
      {"'in': is not constant", {.changed = 2, .to = 0}},
      {"'in': is no variable", {.changed = 18, .to = 0}},
      {"'hidden': is no variable", {.are_variables = false}},
      {"'weights': is no variable", {.changed = 19, .to = 1}},
      {"is kept twice", {.operators = 2}},
      {"input weights 'weights': are int8 of 4x5, not int8 of 4x3", {.weights = {4, 5}}},
      {"recurrent weights 'recurrent': are int8 of 4x3, not int8 of 4x4", {.recurrent = {4, 3}}},
      {"biases 'biases': are int32 of 5, not int32 of 4", {.biases = 5}},
      {"biases 'biases': are int16 of 4, not int32 of 4", {.bias_type = DataType::kInt16}},
      {"need one positive scale", {.weight_scale = -1}},
      {"a scale of nan", {.weight_scale = nan}},
      {"a factor of", {.weight_scale = 1e20F}},
      {"are not as many hidden states of int8 as cells", {.cells = {1, 5}}},
      {"are not as many hidden states of int8 as cells",
       {.output = {1, 2, 2}, .hidden = {2, 2}, .cells = {2, 2}}},
      {"its shape is not 1x2x4", {.output = {1, 2, 5}}},
      {"are cells of int8, and must be int16", {.cell_type = DataType::kInt8}},
      {"the scale of cells must be a power of two", {.cell = {0.001F, 0}}},
      {"the scale of cells must be a power of two", {.cell = {16, 0}}},
      {"the scale of cells must be a power of two", {.cell = {0, 0}}},
      {"the scale of cells must be a power of two", {.cell = {1.0F / 4096, 1}}},
      {"its cells are clipped to -1", {.clip = -1}},
      {"its cells are clipped to nan", {.clip = nan}},
  };
}

}  // namespace mcunet::engine
