#include "mcunet/engine/codegen/code_writer.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "codegen/kernel_files.hpp"
#include "codegen/step_writer.hpp"
#include "codegen/templates.hpp"
#include "mcunet/core/text_template.hpp"
#include "mcunet/engine/planning/row_bands.hpp"

namespace mcunet::engine {
namespace {

std::string c_type(DataType type) {
  return type == DataType::kFloat32 ? "float" : type == DataType::kUint8 ? "uint8_t" : "int8_t";
}

// The type that all have, or void.
std::string common_type(const Graph& graph, std::span<const TensorId> tensors) {
  const DataType first = graph.tensors[tensors.front()].type;
  const bool is_common = std::all_of(tensors.begin(), tensors.end(),
                                     [&](TensorId id) { return graph.tensors[id].type == first; });
  return is_common ? c_type(first) : "void";
}

// The arena is of bytes and aligned for all types.
std::string cast_to(const std::string& type) {
  return type == "int8_t" || type == "void" ? "" : fmt::format("({}*)(void*)", type);
}

std::string addresses(const std::vector<std::int64_t>& offsets) {
  std::vector<std::string> texts;
  for (const std::int64_t offset : offsets) texts.push_back(fmt::format("arena + {}", offset));
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::string describe(const Shape& shape) {
  return fmt::format("{}x{}x{}", shape.height, shape.width, shape.channels);
}

// Of the operators' names and sizes alone: no name that a file gave to something reaches the code.
std::string title_of(const Graph& graph, const Step& step) {
  const auto ops = ops_of(graph, step);
  return fmt::format("{}: {} -> {}", describe(graph, step),
                     describe(graph.input_of(ops.front()).shape),
                     describe(graph.output_of(ops.back()).shape));
}

// Twenty bytes a line.
std::string byte_lines(const std::vector<unsigned char>& bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const bool ends_line = i % 20 == 19 || i + 1 == bytes.size();
    fmt::format_to(std::back_inserter(text), "{}{},{}", i % 20 == 0 ? "    " : " ", bytes[i],
                   ends_line ? "\n" : "");
  }
  return text;
}

// What the templates call a side of the network: `side` is "input" or "output".
void add_border(const CompiledGraph& compiled, const std::string& side,
                std::span<const TensorId> tensors, TemplateValues& values) {
  const Graph& graph = compiled.graph;
  const Tensor& first = graph.tensors[tensors[0]];
  const bool is_float = first.type == DataType::kFloat32;
  const Quantization q = is_float ? Quantization{1, 0} : graph.info_of(tensors[0]).quantization;
  const std::string common = common_type(graph, tensors);
  std::vector<std::int64_t> offsets;
  std::vector<std::int64_t> sizes;
  for (const TensorId id : tensors) {
    if (compiled.arena.requests.tensor_buffer[id] == kNoId) continue;  // it comes in rows
    offsets.push_back(compiled.offset_of(id));
    sizes.push_back(graph.tensors[id].bytes());
  }
  values.texts.insert({{side + "_count", std::to_string(tensors.size())},
                       {side + "_type", c_type(first.type)},
                       {side + "_height", std::to_string(first.shape.height)},
                       {side + "_width", std::to_string(first.shape.width)},
                       {side + "_channels", std::to_string(first.shape.channels)},
                       {side + "_bytes", std::to_string(first.bytes())},
                       {side + "_scale", float_text(q.scale)},
                       {side + "_zero_point", std::to_string(q.zero_point)},
                       {side + "_cast", cast_to(c_type(first.type))},
                       {side + "s_type", common},
                       {side + "s_cast", cast_to(common)},
                       {side + "_addresses", addresses(offsets)},
                       {side + "_sizes", fmt::format("{}", fmt::join(sizes, ", "))}});
}

void add_steps(const CompiledGraph& compiled, const std::vector<StepCode>& steps,
               TemplateValues& values) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Step& step = compiled.schedule.steps[i];
    const Op& last = ops_of(compiled.graph, step).back();
    std::vector<TemplateValues> stages;
    for (std::size_t stage = 0; stage < steps[i].stages.size(); ++stage) {
      const Step alone{step.first_op + static_cast<OpId>(stage)};
      stages.push_back({.texts = {{"stage", std::to_string(stage)},
                                  {"title", title_of(compiled.graph, alone)},
                                  {"body", steps[i].stages[stage]}}});
    }
    values.sections["steps"].push_back(
        {.texts = {{"index", std::to_string(i)},
                   {"title", title_of(compiled.graph, step)},
                   {"body", steps[i].body},
                   {"result_offset", std::to_string(compiled.offset_of(last.output))},
                   {"result_bytes", std::to_string(compiled.graph.output_of(last).bytes())}},
         .sections = {{"stages", std::move(stages)}}});
    for (const FlashArray& array : steps[i].arrays) {
      values.sections["arrays"].push_back({.texts = {{"name", array.name},
                                                     {"bytes", std::to_string(array.bytes.size())},
                                                     {"values", byte_lines(array.bytes)}}});
    }
  }
}

std::vector<unsigned char> as_numbers(const TensorBytes& bytes) {
  std::vector<unsigned char> numbers(bytes.size());
  std::transform(bytes.begin(), bytes.end(), numbers.begin(),
                 [](std::byte byte) { return std::to_integer<unsigned char>(byte); });
  return numbers;
}

// What is kept between inferences: as one byte that fills it at first, or with an array that it begins as. What
// operators keep themselves does not move into the arena and back.
TemplateValues state_values(const CompiledGraph& compiled) {
  const Graph& graph = compiled.graph;
  TemplateValues all{.texts = {{"state_bytes", std::to_string(graph.state_bytes())}},
                     .sections = {{"state", {}}}};
  for (std::size_t i = 0; i < graph.states.size(); ++i) {
    const TensorBytes& initial = graph.states[i];
    TemplateValues state{.texts = {{"state_index", std::to_string(i)},
                                   {"state_size", std::to_string(initial.size())}},
                         .sections = {{"filled", {}}, {"copied", {}}, {"moved", {}}}};
    if (const TensorId input = graph.state_inputs()[i]; graph.state_in_place(input) == kNoId) {
      const TensorId output = graph.state_outputs()[i];
      state.sections["moved"].push_back(
          {.texts = {{"state_input", std::to_string(compiled.offset_of(input))},
                     {"state_output", std::to_string(compiled.offset_of(output))}}});
    }
    state.sections[is_uniform(initial) ? "filled" : "copied"].push_back(
        {.texts = {{"state_fill", std::to_string(std::to_integer<int>(initial[0]))},
                   {"state_values", byte_lines(as_numbers(initial))}}});
    all.sections["state"].push_back(std::move(state));
  }
  return all;
}

TemplateValues pixel_values(const CompiledGraph& compiled, PixelFormat format) {
  const Shape& input = compiled.graph.tensors[compiled.graph.inputs[0]].shape;
  const RowBands bands = plan_row_bands(compiled.graph, compiled.schedule.steps.front());
  const std::int32_t rows = std::min(bands.input->rows_per_band, input.height);
  return {.texts = {{"pixel_format", std::string(name_of(format))},
                    {"pixel_row_bytes", std::to_string(bytes_of_pixels(format, input.width))},
                    {"pixel_rows", std::to_string(rows)}}};
}

// Parts of the code that not every network has, as sections of one element or none.
void add_options(const CompiledGraph& compiled, TemplateValues& values) {
  const auto add = [&](const char* name, bool is_there, TemplateValues element = {}) {
    auto& section = values.sections[name];
    if (is_there) section.push_back(std::move(element));
  };
  const bool pulls_input = compiled.schedule.steps.front().pulls_input;
  const std::optional<PixelFormat>& format = compiled.options.input_format;
  add("pulled_input", pulls_input);
  add("pulled_values", pulls_input && !format);
  add("pulled_pixels", format.has_value(),
      format ? pixel_values(compiled, *format) : TemplateValues{});
  add("whole_inputs", !pulls_input);
  const bool has_state = !compiled.graph.states.empty();
  add("has_state", has_state, has_state ? state_values(compiled) : TemplateValues{});
  // A network without a name of its own is alone in its program.
  add("shares_arena", !compiled.options.names.is_default());
  add("staging", !compiled.arena.staging_offsets.empty(),
      {.texts = {{"staging_count", std::to_string(compiled.arena.staging_offsets.size())},
                 {"staging_addresses", addresses(compiled.arena.staging_offsets)}}});
  auto& notes = values.sections["input_notes"];
  for (const std::string& note : compiled.options.input_notes) {
    notes.push_back({.texts = {{"input_note", note}}});
  }
  TemplateValues kernels;
  for (const std::string& name : kernel_functions()) {
    kernels.sections["kernels"].push_back({.texts = {{"kernel", name}}});
  }
  add("all_kernels", compiled.options.links_all_kernels, std::move(kernels));
  const std::vector<std::string>& names = compiled.options.class_names;
  TemplateValues classes{.texts = {{"class_count", std::to_string(names.size())}}};
  for (std::size_t i = 0; i < names.size(); ++i) {
    classes.sections["class"].push_back(
        {.texts = {{"class_index", std::to_string(i)}, {"class_name", c_string(names[i])}}});
  }
  add("classes", !names.empty(), std::move(classes));
}

TemplateValues values_of(const CompiledGraph& compiled, const std::vector<StepCode>& steps) {
  TemplateValues values = {.texts = compiled.options.names.template_texts(),
                           .sections = {{"arrays", {}}}};
  values.texts["arena_bytes"] = std::to_string(compiled.arena.plan.arena_bytes);
  values.texts["step_count"] = std::to_string(steps.size());
  add_border(compiled, "input", compiled.graph.given_inputs(), values);
  add_border(compiled, "output", compiled.graph.told_outputs(), values);
  add_steps(compiled, steps, values);
  add_options(compiled, values);
  return values;
}

}  // namespace

// In three digits so that what follows is not taken for more of them; ? so that no trigraph comes about.
std::string c_string(std::string_view bytes) {
  std::string text = "\"";
  for (const char c : bytes) {
    if (c == '"' || c == '\\' || c == '?') {
      text += {'\\', c};
    } else if (c >= ' ' && c <= '~') {
      text += c;
    } else {
      text += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
    }
  }
  return text + '"';
}

GeneratedCode generate_code(const CompiledGraph& compiled) {
  GeneratedCode code{.constant_bytes = compiled.graph.uneven_state_bytes()};
  std::vector<StepCode> steps;
  std::vector<std::string> kernels = {"mcunet_kernels.h"};
  for (std::size_t i = 0; i < compiled.schedule.steps.size(); ++i) {
    steps.push_back(generate_step(compiled, static_cast<std::int32_t>(i)));
    kernels.insert(kernels.end(), steps.back().kernels.begin(), steps.back().kernels.end());
    for (const FlashArray& array : steps.back().arrays) {
      code.constant_bytes += static_cast<std::int64_t>(array.bytes.size());
    }
  }
  if (compiled.options.input_format) {
    kernels.push_back(fmt::format("{}_to_input.c", name_of(*compiled.options.input_format)));
  }
  if (compiled.options.links_all_kernels) {
    for (const std::string& name : kernel_functions()) kernels.push_back(name + ".c");
  }
  const TemplateValues values = values_of(compiled, steps);
  const ModelNames& names = compiled.options.names;
  for (const auto& [path, file] : {std::pair{names.prefix() + ".h", "model.h.in"},
                                   {names.prefix() + ".c", "model.c.in"},
                                   {names.part("weights") + ".h", "weights.h.in"},
                                   {names.part("weights") + ".c", "weights.c.in"}}) {
    code.files.push_back({path, fill_template(*find_file(embedded_templates(), file), values)});
  }
  for (GeneratedFile& file : kernel_sources(kernels)) code.files.push_back(std::move(file));
  return code;
}

std::vector<GeneratedFile> kernel_sources(const std::vector<std::string>& names) {
  const std::set<std::string> needed = with_dependencies(names);
  std::vector<GeneratedFile> files;
  for (const EmbeddedFile& file : embedded_kernels()) {
    if (!needed.contains(std::string(file.name))) continue;
    files.push_back({fmt::format("kernels/{}", file.name), std::string(file.contents)});
  }
  return files;
}

}  // namespace mcunet::engine
