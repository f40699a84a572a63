#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "codegen/step_code.hpp"
#include "kernels/requantize.h"
#include "mcunet/engine/arithmetic/quantized_arithmetic.hpp"
#include "planning/kernels.hpp"

// What the code of every step is made with: addresses of its tensors, layer descriptions, calls.
// Then, per operator, the function that writes its steps. In a step of several operators it writes what
// one of them does for a band of rows; so whoever depends on the number of rows takes it from here.
namespace mcunet::engine {

class StepWriter {
 public:
  // For an operator of a step: its first one, or any of several.
  StepWriter(const CompiledGraph& compiled, std::int32_t step, std::int32_t op = 0);

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

  // In the arena or, of a state that the operator keeps itself, beside it.
  std::string input_address(int index = 0) const;
  std::string output_address() const;
  // The rows that the step, or the operator in a band, works on: of its input, of its output, and
  // those of the padding above. As C.
  std::string input_rows() const;
  std::string output_rows() const;
  std::string pad_rows() const;
  // As many elements of the output as its rows have of so many each; `whole` if they are all of it.
  std::string in_rows(std::int64_t per_row) const {
    return in_rows(per_row, output().height * per_row);
  }
  std::string in_rows(std::int64_t per_row, std::int64_t whole) const;
  bool is_in_bands() const { return is_in_bands_; }
  bool is_in_place() const {
    return compiled_.offset_of(graph_.inputs_of(op_)[0]) == compiled_.offset_of(op_.output);
  }
  // Whether the operator of a band takes its rows into sums, which lie there, and whether it has them all.
  bool is_accumulating() const;
  std::string sums_address() const;
  std::string has_all_rows() const;
  std::string scratch_address() const;
  // Of the kernel.
  std::int64_t scratch_bytes() const;

  // Adds bytes to the flash; returns the name of their array.
  std::string add_array(const std::string& what, std::vector<unsigned char> bytes);
  // A constant description of type `type`, named `layer`.
  void layer(const std::string& type, const std::vector<std::string>& members);
  // Calls one of the operator's kernels.
  void call(const std::vector<std::string>& arguments, std::size_t kernel = 0);
  // The names of the operator's kernels; of none, empty.
  std::string_view kernel(std::size_t index = 0) const { return name_of(kernels_[index]); }
  void statements(const std::string& text) { code_.body += text; }

  StepCode take() { return std::move(code_); }

 private:
  std::string address(std::int64_t offset) const;
  std::int64_t band_buffer_bytes() const;

  const CompiledGraph& compiled_;
  const Graph& graph_;
  const Step& run_;
  const Op& op_;
  std::int32_t step_;
  bool is_in_bands_;
  KernelCalls kernels_;
  StepCode code_;
};

// A member of an initializer: ".pixels = 64".
std::string member(const char* name, std::int64_t value);
std::string member(const char* name, const std::string& value);

// A literal of type float: "0.5f".
std::string float_text(float value);

// A member that has members of its own.
std::string nested_member(const char* name, const std::vector<std::string>& members);

// The initializer of struct mcunet_output.
std::string output_member(const mcunet_output& output);

// Of a function of one value: a table, which the reference executor fills in. A second operand is one constant
// value.
void write_lookup(StepWriter& step);

// One function per operator, in files by family.
#define OPERATOR(kind, stem, ...) void write_##stem(StepWriter& step);
#include "mcunet/engine/graph/operators.inc"

}  // namespace mcunet::engine
