#include "tflite/model_kind.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace mcunet::engine {
namespace {

// What a description shows of a name that may have any length.
constexpr std::size_t kShownName = 100;

struct Accelerator {
  std::string_view custom_code;
  std::string_view description;
};

constexpr std::array kAccelerators = {
    Accelerator{"ethos-u",
                "is compiled for Arm's Ethos-U: give the .tflite that Vela made it from"},
    Accelerator{"edgetpu-custom-op",
                "is compiled for the Edge TPU: give the .tflite that its compiler made it from"},
};

// How many operators compute in a type, by their first input that is no constant.
struct TypeCounts {
  int int8 = 0, uint8 = 0, int16 = 0, real = 0;
  bool has_quantized_weights = false;  // of operators in float
  bool has_half_weights = false;
};

class Census {
 public:
  Census(const tflite::Model& model, const tflite::SubGraph& subgraph)
      : model_(model), subgraph_(subgraph) {}

  TypeCounts count() {
    if (subgraph_.operators() == nullptr) return {};
    for (const tflite::Operator* op : *subgraph_.operators()) {
      if (op->inputs() != nullptr) count(*op);
    }
    return counts_;
  }

 private:
  const tflite::Tensor* tensor(std::int32_t index) const {
    const auto* tensors = subgraph_.tensors();
    const bool is_there =
        tensors != nullptr && index >= 0 && static_cast<std::uint32_t>(index) < tensors->size();
    return is_there ? tensors->Get(static_cast<std::uint32_t>(index)) : nullptr;
  }

  bool is_constant(const tflite::Tensor& tensor) const {
    const auto* buffers = model_.buffers();
    if (buffers == nullptr || tensor.buffer() >= buffers->size()) return false;
    const auto* data = buffers->Get(tensor.buffer())->data();
    return data != nullptr && data->size() > 0;
  }

  tflite::BuiltinOperator code_of(const tflite::Operator& op) const {
    const auto* codes = model_.operator_codes();
    return codes == nullptr || op.opcode_index() >= codes->size()
               ? tflite::BuiltinOperator_CUSTOM
               : builtin_code(*codes->Get(op.opcode_index()));
  }

  void count(const tflite::Operator& op) {
    const tflite::BuiltinOperator code = code_of(op);
    if (code == tflite::BuiltinOperator_QUANTIZE) return;
    const tflite::Tensor* first = nullptr;
    bool has_int8_constant = false;
    for (std::int32_t index : *op.inputs()) {
      const tflite::Tensor* input = tensor(index);
      if (input == nullptr) continue;
      if (!is_constant(*input)) {
        if (first == nullptr) first = input;
      } else if (input->type() == tflite::TensorType_FLOAT16) {
        counts_.has_half_weights = true;
      } else if (input->type() == tflite::TensorType_INT8 ||
                 input->type() == tflite::TensorType_INT4) {
        has_int8_constant = true;
      }
    }
    if (code == tflite::BuiltinOperator_DEQUANTIZE || first == nullptr) return;
    counts_.int8 += first->type() == tflite::TensorType_INT8 ? 1 : 0;
    counts_.uint8 += first->type() == tflite::TensorType_UINT8 ? 1 : 0;
    counts_.int16 += first->type() == tflite::TensorType_INT16 ? 1 : 0;
    if (first->type() != tflite::TensorType_FLOAT32) return;
    ++counts_.real;
    counts_.has_quantized_weights = counts_.has_quantized_weights || has_int8_constant;
  }

  const tflite::Model& model_;
  const tflite::SubGraph& subgraph_;
  TypeCounts counts_;
};

std::string describe_types(const TypeCounts& counts) {
  if (counts.int8 > 0) return "";
  if (counts.int16 > 0) {
    return "has activations of int16: convert it with int8 activations (TFLITE_BUILTINS_INT8)";
  }
  if (counts.uint8 > 0) {
    return "computes in uint8, as TensorFlow 1 quantized: "
           "convert it with TensorFlow 2, which quantizes to int8";
  }
  if (counts.real == 0) return "";
  constexpr std::string_view kHow =
      "quantize it to int8 with TFLiteConverter: optimizations = [Optimize.DEFAULT], a "
      "representative_dataset, supported_ops = [TFLITE_BUILTINS_INT8]";
  if (counts.has_quantized_weights) {
    return fmt::format(
        "is quantized in its weights only and computes in float (dynamic range quantization): {}",
        kHow);
  }
  return fmt::format("is a float model{}: {}",
                     counts.has_half_weights ? " with weights of float16" : "", kHow);
}

}  // namespace

// Old writers know the one-byte code only; codes above 126 do not fit it.
tflite::BuiltinOperator builtin_code(const tflite::OperatorCode& code) {
  const auto deprecated = static_cast<tflite::BuiltinOperator>(code.deprecated_builtin_code());
  return std::max(deprecated, code.builtin_code());
}

std::string describe(const tflite::OperatorCode& code) {
  const tflite::BuiltinOperator builtin = builtin_code(code);
  if (builtin == tflite::BuiltinOperator_CUSTOM && code.custom_code() != nullptr) {
    return fmt::format("CUSTOM {}", code.custom_code()->string_view().substr(0, kShownName));
  }
  const std::string name = tflite::EnumNameBuiltinOperator(builtin);
  return name.empty() ? fmt::format("operator code {}", static_cast<int>(builtin)) : name;
}

std::string describe_foreign_model(const tflite::Model& model) {
  if (model.operator_codes() != nullptr) {
    for (const tflite::OperatorCode* code : *model.operator_codes()) {
      const auto* custom = code->custom_code();
      if (custom == nullptr) continue;
      for (const Accelerator& accelerator : kAccelerators) {
        if (custom->string_view() == accelerator.custom_code) {
          return std::string(accelerator.description);
        }
      }
    }
  }
  return describe_types(Census(model, *model.subgraphs()->Get(0)).count());
}

}  // namespace mcunet::engine
