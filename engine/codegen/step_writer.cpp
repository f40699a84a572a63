#include "codegen/step_writer.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "mcunet/engine/planning/row_bands.hpp"

namespace mcunet::engine {

StepWriter::StepWriter(const CompiledGraph& compiled, std::int32_t step, std::int32_t op)
    : compiled_(compiled),
      graph_(compiled.graph),
      run_(compiled.schedule.steps[step]),
      op_(compiled.graph.ops[run_.first_op + op]),
      step_(step),
      is_in_bands_(run_.is_in_bands()),
      kernels_(kernels_of(graph_, op_,
                          {.specializes = compiled.options.specializes_kernels,
                           .accumulates = is_accumulating()})) {
  for (const Kernel kernel : kernels_)
    code_.kernels.push_back(fmt::format("{}.c", name_of(kernel)));
}

// Nibbles are computed as bytes from -128 on, and saturate there.
mcunet_output StepWriter::output_struct() const {
  const ValueRange bounds = range();
  const std::int32_t zero_point = output_quantization().zero_point;
  if (!has_int4_output()) return {zero_point, bounds.min, bounds.max};
  const ValueRange all = value_range(DataType::kInt4);
  const std::int32_t shift = -128 - all.min;
  return {zero_point + shift, bounds.min + shift, bounds.max == all.max ? 127 : bounds.max + shift};
}

std::int32_t StepWriter::input_zero_point(int index) const {
  const bool is_int4 = graph_.input_of(op_, index).type == DataType::kInt4;
  return input_quantization(index).zero_point + (is_int4 ? 8 : 0);
}

std::string StepWriter::address(std::int64_t offset) const {
  return fmt::format("arena + {}", offset);
}

std::string StepWriter::input_address(int index) const {
  if (is_in_bands_) return fmt::format("band->inputs[{}]", index);
  const TensorId input = graph_.inputs_of(op_)[index];
  if (const std::int32_t state = graph_.state_in_place(input); state != kNoId) {
    return fmt::format("state_{}", state);
  }
  return address(compiled_.offset_of(input) + compiled_.schedule.moved_in(graph_, run_, input));
}

std::string StepWriter::output_address() const {
  return is_in_bands_ ? "band->output" : address(compiled_.offset_of(op_.output));
}

std::string StepWriter::input_rows() const {
  return is_in_bands_ ? "band->input_rows" : std::to_string(input().height);
}

std::string StepWriter::output_rows() const {
  return is_in_bands_ ? "band->rows" : std::to_string(output().height);
}

std::string StepWriter::pad_rows() const {
  return is_in_bands_ ? "band->pad_top" : std::to_string(op_.window.padding.top);
}

std::string StepWriter::in_rows(std::int64_t per_row, std::int64_t whole) const {
  return is_in_bands_ ? fmt::format("band->rows * {}", per_row) : std::to_string(whole);
}

bool StepWriter::is_accumulating() const { return is_in_bands_ && accumulates(graph_, op_); }

std::string StepWriter::sums_address() const {
  const std::int32_t buffer = compiled_.arena.requests.step_scratch_buffer[step_];
  const auto op = static_cast<std::size_t>(&op_ - &graph_.ops[run_.first_op]);
  const std::int64_t sums = plan_row_bands(graph_, run_).stages[op].buffer_offset;
  return fmt::format("(int32_t*)(void*)({})", address(compiled_.arena.plan.offsets[buffer] + sums));
}

std::string StepWriter::has_all_rows() const {
  return fmt::format("band->first_row + band->rows == {}", band_height(graph_, op_));
}

std::string StepWriter::scratch_address() const {
  const std::int32_t buffer = compiled_.arena.requests.step_scratch_buffer[step_];
  if (buffer == kNoId) return "0";
  return address(compiled_.arena.plan.offsets[buffer] + band_buffer_bytes());
}

std::int64_t StepWriter::scratch_bytes() const {
  return compiled_.arena.requests.step_scratch_bytes[step_] - band_buffer_bytes();
}

// They come before the kernels' scratch.
std::int64_t StepWriter::band_buffer_bytes() const {
  return is_in_bands_ ? plan_row_bands(graph_, run_).buffer_bytes : 0;
}

std::string StepWriter::add_array(const std::string& what, std::vector<unsigned char> bytes) {
  std::string name = fmt::format("{}_{}_{}", options().names.prefix(), what, step_);
  if (is_in_bands_) name += fmt::format("_{}", &op_ - &graph_.ops[run_.first_op]);
  code_.arrays.push_back({name, std::move(bytes)});
  return name;
}

void StepWriter::layer(const std::string& type, const std::vector<std::string>& members) {
  code_.body +=
      fmt::format("  {}const struct {} layer = {{\n", is_in_bands_ ? "" : "static ", type);
  for (const std::string& member : members) code_.body += "      " + member + ",\n";
  code_.body += "  };\n";
}

void StepWriter::call(const std::vector<std::string>& arguments, std::size_t kernel) {
  code_.body += fmt::format("  mcunet_{}({});\n", this->kernel(kernel), fmt::join(arguments, ", "));
}

std::string member(const char* name, std::int64_t value) {
  return fmt::format(".{} = {}", name, value);
}

std::string member(const char* name, const std::string& value) {
  return fmt::format(".{} = {}", name, value);
}

std::string float_text(float value) {
  const std::string digits = fmt::format("{:.9g}", value);
  const bool is_whole = digits.find_first_of(".e") == std::string::npos;
  return digits + (is_whole ? ".0f" : "f");
}

std::string nested_member(const char* name, const std::vector<std::string>& members) {
  std::string text = fmt::format(".{} = {{\n", name);
  for (const std::string& member : members) text += "          " + member + ",\n";
  return text + "      }";
}

std::string output_member(const mcunet_output& output) {
  return fmt::format(".output = {{.zero_point = {}, .min = {}, .max = {}}}", output.zero_point,
                     output.min, output.max);
}

}  // namespace mcunet::engine
