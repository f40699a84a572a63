#include "tflite/remedies.hpp"

#include <algorithm>
#include <array>

namespace mcunet::engine {
namespace {

struct Remedy {
  tflite::BuiltinOperator code;
  std::string_view text;
};

constexpr std::string_view kReplace =
    "express it with supported operators (docs/compiler.md lists them), or cut the model before it and "
    "compute the rest in the application";
constexpr std::string_view kSvdf =
    "its state is not supported: keep it in variables (VAR_HANDLE), or pass it in as an input and out as an output";
constexpr std::string_view kUnroll =
    "unroll the layer (unroll=True in Keras), use LSTM layers of tf_keras, or convolutions";
constexpr std::string_view kControl =
    "control flow is not supported: unroll it (unroll=True in Keras); LSTM layers are supported as "
    "tf_keras converts them, which Keras 3 makes loops of";
constexpr std::string_view kFunction =
    "TensorFlow Lite has no int8 form of it: compute it in the application, or use another function and train again";
constexpr std::string_view kSquare = "write it as a product, x * x";
constexpr std::string_view kPostprocess =
    "cut the model before it and compute it in the application from the outputs";

constexpr std::array kRemedies = {
    Remedy{tflite::BuiltinOperator_SVDF, kSvdf},
    Remedy{tflite::BuiltinOperator_LSTM, kUnroll},
    Remedy{tflite::BuiltinOperator_RNN, kUnroll},
    Remedy{tflite::BuiltinOperator_UNIDIRECTIONAL_SEQUENCE_RNN, kUnroll},
    Remedy{tflite::BuiltinOperator_BIDIRECTIONAL_SEQUENCE_LSTM, kUnroll},
    Remedy{tflite::BuiltinOperator_BIDIRECTIONAL_SEQUENCE_RNN, kUnroll},
    Remedy{tflite::BuiltinOperator_WHILE, kControl},
    Remedy{tflite::BuiltinOperator_IF, kControl},
    Remedy{tflite::BuiltinOperator_SQUARE, kSquare},
    Remedy{tflite::BuiltinOperator_SIGN, kFunction},
    Remedy{tflite::BuiltinOperator_SIN, kFunction},
    Remedy{tflite::BuiltinOperator_COS, kFunction},
    Remedy{tflite::BuiltinOperator_POW, kFunction},
    Remedy{tflite::BuiltinOperator_ARG_MAX, kPostprocess},
    Remedy{tflite::BuiltinOperator_ARG_MIN, kPostprocess},
    Remedy{tflite::BuiltinOperator_TOPK_V2, kPostprocess},
    Remedy{tflite::BuiltinOperator_NON_MAX_SUPPRESSION_V4, kPostprocess},
    Remedy{tflite::BuiltinOperator_NON_MAX_SUPPRESSION_V5, kPostprocess},
    Remedy{tflite::BuiltinOperator_CUSTOM, kPostprocess},
};

}  // namespace

std::string_view remedy_for(tflite::BuiltinOperator code) {
  const auto* found =
      std::find_if(kRemedies.begin(), kRemedies.end(),
                   [code](const Remedy& candidate) { return candidate.code == code; });
  return found == kRemedies.end() ? kReplace : found->text;
}

}  // namespace mcunet::engine
