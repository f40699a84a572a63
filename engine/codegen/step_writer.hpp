#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "codegen/step_code.hpp"
#include "kernels/requantize.h"
#include "mcunet/engine/arithmetic/quantized_arithmetic.hpp"

// What the code of every step is made with: addresses of its tensors, layer descriptions, calls.
// Then, per operator, the function that writes its steps.
namespace mcunet::engine {

class StepWriter {
 public:
  StepWriter(const CompiledGraph& compiled, std::int32_t step);

  const Graph& graph() const { return graph_; }
  const Op& op() const { return op_; }
  const OpDetails& details() const { return graph_.details_of(op_); }
  const CompileOptions& options() const { return compiled_.options; }

  const Shape& input(int index = 0) const { return graph_.input_of(op_, index).shape; }
  const Shape& output() const { return graph_.output_of(op_).shape; }
  const Quantization& input_quantization(int index = 0) const {
    return graph_.info_of(graph_.inputs_of(op_)[index]).quantization;
  }
  const Quantization& output_quantization() const {
    return graph_.info_of(op_.output).quantization;
  }
  // Of the fused activation.
  ValueRange range() const {
    return activation_range(op_.activation, output_quantization(), graph_.output_of(op_).type);
  }
  // As kernels take it: see mcunet_kernels.h about four bits.
  mcunet_output output_struct() const;
  std::int32_t input_zero_point(int index = 0) const;
  bool has_int4_input() const { return graph_.input_of(op_).type == DataType::kInt4; }
  bool has_int4_output() const { return graph_.output_of(op_).type == DataType::kInt4; }

  std::string input_address(int index = 0) const {
    return address(compiled_.offset_of(graph_.inputs_of(op_)[index]));
  }
  std::string output_address() const { return address(compiled_.offset_of(op_.output)); }
  bool is_in_place() const {
    return compiled_.offset_of(graph_.inputs_of(op_)[0]) == compiled_.offset_of(op_.output);
  }
  std::string scratch_address() const;
  std::int64_t scratch_bytes() const { return compiled_.arena.requests.step_scratch_bytes[step_]; }

  // Adds bytes to the flash; returns the name of their array.
  std::string add_array(const std::string& what, std::vector<unsigned char> bytes);
  // A `static const` description of type `type`, named `layer`.
  void layer(const std::string& type, const std::vector<std::string>& members);
  void call(const std::string& function, const std::vector<std::string>& arguments,
            const std::string& file);
  // Beside that of the function called.
  void need_file(const std::string& file) { code_.kernels.push_back(file); }
  void statements(const std::string& text) { code_.body += text; }

  StepCode take() { return std::move(code_); }

 private:
  std::string address(std::int64_t offset) const;

  const CompiledGraph& compiled_;
  const Graph& graph_;
  const Op& op_;
  std::int32_t step_;
  StepCode code_;
};

// A member of an initializer: ".pixels = 64".
std::string member(const char* name, std::int64_t value);

// A literal of type float: "0.5f".
std::string float_text(float value);

// A member that has members of its own.
std::string nested_member(const char* name, const std::vector<std::string>& members);

// The initializer of struct mcunet_output.
std::string output_member(const mcunet_output& output);

// One function per operator, in files by family.
#define OPERATOR(kind, stem, ...) void write_##stem(StepWriter& step);
#include "mcunet/engine/graph/operators.inc"

}  // namespace mcunet::engine
