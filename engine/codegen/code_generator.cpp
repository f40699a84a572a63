#include "mcunet/engine/codegen/code_generator.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "codegen/kernel_files.hpp"
#include "codegen/step_writer.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/dead_channels.hpp"
#include "mcunet/engine/graph/graph_passes.hpp"
#include "mcunet/engine/graph/graph_validator.hpp"
#include "mcunet/engine/planning/plan_validator.hpp"
#include "mcunet/engine/reference/reference_executor.hpp"

namespace mcunet::engine {
namespace {

std::string describe(const Shape& shape) {
  return fmt::format("{}x{}x{}", shape.height, shape.width, shape.channels);
}

// Twelve bytes a line.
std::string array_text(const FlashArray& array) {
  std::string text =
      fmt::format("MODEL_FLASH const unsigned char {}[{}] = {{", array.name, array.bytes.size());
  for (std::size_t i = 0; i < array.bytes.size(); ++i) {
    text += fmt::format("{}{},", i % 20 == 0 ? "\n    " : " ", array.bytes[i]);
  }
  return text + "\n};\n\n";
}

std::string weights_header(const std::vector<StepCode>& steps) {
  std::string text =
      "// What the kernels read from flash: packed weights with their biases and multipliers, "
      "tables.\n"
      "#ifndef MODEL_WEIGHTS_H_\n#define MODEL_WEIGHTS_H_\n\n"
      "// Kernels read words.\n"
      "#define MODEL_FLASH __attribute__((aligned(4)))\n\n";
  for (const StepCode& step : steps) {
    for (const FlashArray& array : step.arrays) {
      text += fmt::format("extern const unsigned char {}[{}];\n", array.name, array.bytes.size());
    }
  }
  return text + "\n#endif  // MODEL_WEIGHTS_H_\n";
}

std::string weights_source(const std::vector<StepCode>& steps) {
  std::string text = "#include \"weights.h\"\n\n";
  for (const StepCode& step : steps) {
    for (const FlashArray& array : step.arrays) text += array_text(array);
  }
  return text;
}

std::string c_type(DataType type) {
  return type == DataType::kFloat32 ? "float" : type == DataType::kUint8 ? "uint8_t" : "int8_t";
}

// The type that all have, or void.
std::string common_type(const Graph& graph, const std::vector<TensorId>& tensors) {
  const DataType first = graph.tensors[tensors.front()].type;
  const bool is_common = std::all_of(tensors.begin(), tensors.end(),
                                     [&](TensorId id) { return graph.tensors[id].type == first; });
  return is_common ? c_type(first) : "void";
}

std::string border_macros(const Graph& graph, const std::string& name, TensorId tensor) {
  const Shape& shape = graph.tensors[tensor].shape;
  const bool is_float = graph.tensors[tensor].type == DataType::kFloat32;
  const Quantization q = is_float ? Quantization{1, 0} : graph.info_of(tensor).quantization;
  return fmt::format(
      "#define MODEL_{0}_TYPE {1}\n"
      "#define MODEL_{0}_HEIGHT {2}\n#define MODEL_{0}_WIDTH {3}\n#define MODEL_{0}_CHANNELS {4}\n"
      "#define MODEL_{0}_BYTES {5}\n"
      "// real value = scale * (value - zero point)\n"
      "#define MODEL_{0}_SCALE {6}\n#define MODEL_{0}_ZERO_POINT ({7})\n\n",
      name, c_type(graph.tensors[tensor].type), shape.height, shape.width, shape.channels,
      graph.tensors[tensor].bytes(), float_text(q.scale), q.zero_point);
}

std::string staging_declarations(const CompiledGraph& compiled) {
  if (compiled.staging_offsets.empty()) return "";
  return fmt::format(
      "// Memory in which to prepare the inputs. It lies in the arena beside them, aligned to 8\n"
      "// bytes, and is lost in model_invoke().\n"
      "#define MODEL_STAGING_BUFFERS {}\n"
      "void* model_staging(int index);\n\n",
      compiled.staging_offsets.size());
}

std::string staging_function(const CompiledGraph& compiled) {
  if (compiled.staging_offsets.empty()) return "";
  std::string addresses;
  for (const std::int64_t offset : compiled.staging_offsets) {
    addresses += fmt::format("{}arena + {}", addresses.empty() ? "" : ", ", offset);
  }
  return fmt::format(
      "static int8_t* const staging[MODEL_STAGING_BUFFERS] = {{{}}};\n\n"
      "void* model_staging(int index) {{ return staging[index]; }}\n\n",
      addresses);
}

std::string model_header(const CompiledGraph& compiled) {
  const Graph& graph = compiled.graph;
  std::string text =
      "// A neural network as C: copy the input's values to model_input(), call model_invoke(),\n"
      "// read model_output(). All memory that it needs is the arena in model.c.\n"
      "#ifndef MODEL_H_\n#define MODEL_H_\n\n#include <stdint.h>\n\n"
      "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
  text += fmt::format("#define MODEL_ARENA_BYTES {}\n#define MODEL_STEPS {}\n",
                      compiled.plan.arena_bytes, compiled.schedule.steps.size());
  text += fmt::format("#define MODEL_INPUTS {}\n#define MODEL_OUTPUTS {}\n\n", graph.inputs.size(),
                      graph.outputs.size());
  text += "// Values are NHWC. Input 0:\n" + border_macros(graph, "INPUT", graph.inputs[0]);
  text += "// Output 0:\n" + border_macros(graph, "OUTPUT", graph.outputs[0]);
  text += fmt::format(
      "// Where to write an input; inputs and outputs share memory with what lies between them, "
      "so\n"
      "// write the input anew before each call of model_invoke().\n"
      "MODEL_INPUT_TYPE* model_input(void);\n{}* model_input_at(int index);\n"
      "int model_input_bytes(int index);\n"
      "const {}* model_output(int index);\nint model_output_bytes(int index);\n\n"
      "void model_invoke(void);\n\n",
      common_type(graph, graph.inputs), common_type(graph, graph.outputs));
  text += staging_declarations(compiled);
  text +=
      "extern const char* const model_step_names[MODEL_STEPS];\n\n"
      "// Called after each step, if defined; to be defined by the application.\n"
      "#ifdef MODEL_PROFILE\nvoid model_step_done(int step);\n#endif\n"
      "#ifdef MODEL_TRACE\n"
      "void model_step_output(int step, const void* output, int32_t bytes);\n#endif\n\n"
      "#ifdef __cplusplus\n}\n#endif\n\n#endif  // MODEL_H_\n";
  return text;
}

std::string address_table(const CompiledGraph& compiled, const std::vector<TensorId>& tensors) {
  std::string text;
  for (TensorId tensor : tensors) {
    text += fmt::format("arena + {}, ", compiled.offset_of(tensor));
  }
  text.resize(text.size() - 2);
  return text;
}

// The arena is of bytes and aligned for all types.
std::string cast_to(const std::string& type) {
  return type == "int8_t" || type == "void" ? "" : fmt::format("({}*)(void*)", type);
}

std::string size_table(const Graph& graph, const std::vector<TensorId>& tensors) {
  std::string text;
  for (TensorId tensor : tensors) text += fmt::format("{}, ", graph.tensors[tensor].bytes());
  text.resize(text.size() - 2);
  return text;
}

std::string border_functions(const CompiledGraph& compiled) {
  const Graph& graph = compiled.graph;
  const std::string first = c_type(graph.tensors[graph.inputs[0]].type);
  const std::string input = common_type(graph, graph.inputs);
  const std::string output = common_type(graph, graph.outputs);
  return fmt::format(
      "static int8_t* const inputs[MODEL_INPUTS] = {{{}}};\n"
      "static int8_t* const outputs[MODEL_OUTPUTS] = {{{}}};\n"
      "static const int32_t input_bytes[MODEL_INPUTS] = {{{}}};\n"
      "static const int32_t output_bytes[MODEL_OUTPUTS] = {{{}}};\n\n"
      "MODEL_INPUT_TYPE* model_input(void) {{ return {}inputs[0]; }}\n"
      "{}* model_input_at(int index) {{ return {}inputs[index]; }}\n"
      "int model_input_bytes(int index) {{ return input_bytes[index]; }}\n"
      "const {}* model_output(int index) {{ return {}outputs[index]; }}\n"
      "int model_output_bytes(int index) {{ return output_bytes[index]; }}\n",
      address_table(compiled, graph.inputs), address_table(compiled, graph.outputs),
      size_table(graph, graph.inputs), size_table(graph, graph.outputs), cast_to(first), input,
      cast_to(input), output, cast_to(output));
}

std::string step_title(const Graph& graph, const Step& step) {
  const auto ops = ops_of(graph, step);
  return fmt::format("{}: {} -> {}", describe(graph, step),
                     describe(graph.input_of(ops.front()).shape),
                     describe(graph.output_of(ops.back()).shape));
}

std::string model_source(const CompiledGraph& compiled, const std::vector<StepCode>& steps) {
  std::string text =
      "#include \"model.h\"\n\n#include <string.h>\n\n#include \"kernels/mcunet_kernels.h\"\n"
      "#include \"weights.h\"\n\n"
      "#ifdef MODEL_ARENA_SECTION\n#define ARENA_SECTION , section(MODEL_ARENA_SECTION)\n#else\n"
      "#define ARENA_SECTION\n#endif\n"
      "static int8_t arena[MODEL_ARENA_BYTES] __attribute__((aligned(8) ARENA_SECTION));\n\n"
      "#if defined(MODEL_TRACE)\n"
      "#define STEP_DONE(step, output, bytes) model_step_output(step, output, bytes)\n"
      "#elif defined(MODEL_PROFILE)\n"
      "#define STEP_DONE(step, output, bytes) model_step_done(step)\n#else\n"
      "#define STEP_DONE(step, output, bytes) ((void)0)\n#endif\n\n";
  std::string names;
  std::string calls;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const std::string title = step_title(compiled.graph, compiled.schedule.steps[i]);
    const Op& last = ops_of(compiled.graph, compiled.schedule.steps[i]).back();
    text += fmt::format("// {}\nstatic void step_{}(void) {{\n{}}}\n\n", title, i, steps[i].body);
    names += fmt::format("    \"{}\",\n", title);
    calls += fmt::format("  step_{0}();\n  STEP_DONE({0}, arena + {1}, {2});\n", i,
                         compiled.offset_of(last.output), compiled.graph.output_of(last).bytes());
  }
  text += "const char* const model_step_names[MODEL_STEPS] = {\n" + names + "};\n\n";
  text += staging_function(compiled) + border_functions(compiled);
  if (compiled.options.links_all_kernels) {
    text += "\nstatic void (*const all_kernels[])(void) = {\n";
    for (const std::string& name : kernel_functions()) {
      text += fmt::format("    (void (*)(void))mcunet_{},\n", name);
    }
    text += "};\n";
    calls =
        "  // Keeps the linker from dropping what is never called.\n"
        "  __asm__ volatile(\"\" : : \"r\"(all_kernels));\n" +
        calls;
  }
  return text + "\nvoid model_invoke(void) {\n" + calls + "}\n";
}

void check_types(const Graph& graph, Borders borders) {
  for (const Tensor& tensor : graph.tensors) {
    if (tensor.type == DataType::kInt16 || tensor.type == DataType::kInt32) {
      throw Error("a tensor within the network is neither int8, uint8 nor float");
    }
  }
  if (borders == Borders::kInvoke) return;
  for (const auto* tensors : {&graph.inputs, &graph.outputs}) {
    for (TensorId id : *tensors) {
      if (graph.tensors[id].type == DataType::kInt8) continue;
      throw Error("'{}' has no int8 form that the caller could deal in; let invoke convert it",
                  graph.info_of(id).name);
    }
  }
}

Graph run_passes(const Graph& graph, const CompileOptions& options) {
  Graph result = graph;
  if (options.borders == Borders::kCaller) result = strip_float_borders(retype_uint8(result));
  if (options.fuses_padding) result = fold_padding(result);
  check_types(result, options.borders);
  if (options.folds_dead_channels) {
    result = fold_dead_channels(result, contents_of_zeros(result));
  }
  if (result.ops.empty()) throw Error("the network has no operator to generate code for");
  return result;
}

}  // namespace

std::string_view name_of(Borders borders) {
  return borders == Borders::kInvoke ? "invoke" : "caller";
}

Borders borders_named(std::string_view name) {
  for (const Borders borders : {Borders::kCaller, Borders::kInvoke}) {
    if (name == name_of(borders)) return borders;
  }
  throw Error("borders: must be caller or invoke, is {}", name);
}

namespace {

void plan_arena(CompiledGraph& compiled) {
  const std::vector<std::int64_t>& staging = compiled.options.staging_bytes;
  const auto requested = [&] {
    return staging.empty() ? compiled.requests.buffers
                           : with_staging(compiled.graph, compiled.requests, staging);
  };
  PlannerOptions options;
  if (!staging.empty()) options.alignment = kStagingAlignment;
  compiled.plan = plan_memory(requested(), options);
  if (compiled.options.adapts_scratch) {
    grow_scratch(compiled.graph, compiled.schedule, compiled.requests, compiled.plan);
  }
  for (const PlanViolation& violation :
       validate_plan(requested(), compiled.plan, options.alignment)) {
    throw Error("the planner made an invalid plan: {}", violation.message);
  }
  const auto end =
      compiled.plan.offsets.begin() + static_cast<std::ptrdiff_t>(compiled.requests.buffers.size());
  compiled.staging_offsets.assign(end, compiled.plan.offsets.end());
  compiled.plan.offsets.erase(end, compiled.plan.offsets.end());
}

}  // namespace

CompiledGraph compile_graph(const Graph& graph, const CompileOptions& options) {
  validate_graph(graph);
  CompiledGraph compiled;
  compiled.options = options;
  compiled.graph = run_passes(graph, options);
  ScheduleOptions schedule = options.schedule;
  // Only specialised kernels work in place.
  schedule.in_place_depthwise = schedule.in_place_depthwise && options.specializes_kernels;
  make_schedule(compiled.graph, schedule, compiled.schedule);
  request_memory(compiled.graph, compiled.schedule, ScratchPolicy::kOwn, compiled.requests);
  plan_arena(compiled);
  return compiled;
}

GeneratedCode generate_code(const CompiledGraph& compiled) {
  GeneratedCode code;
  std::vector<StepCode> steps;
  std::vector<std::string> kernels = {"mcunet_kernels.h"};
  for (std::size_t i = 0; i < compiled.schedule.steps.size(); ++i) {
    steps.push_back(generate_step(compiled, static_cast<std::int32_t>(i)));
    kernels.insert(kernels.end(), steps.back().kernels.begin(), steps.back().kernels.end());
    for (const FlashArray& array : steps.back().arrays) {
      code.constant_bytes += static_cast<std::int64_t>(array.bytes.size());
    }
  }
  if (compiled.options.links_all_kernels) {
    for (const std::string& name : kernel_functions()) kernels.push_back(name + ".c");
  }
  code.files = {{"model.h", model_header(compiled)},
                {"model.c", model_source(compiled, steps)},
                {"weights.h", weights_header(steps)},
                {"weights.c", weights_source(steps)}};
  for (GeneratedFile& file : kernel_sources(kernels)) code.files.push_back(std::move(file));
  return code;
}

std::vector<GeneratedFile> kernel_sources(const std::vector<std::string>& names) {
  const std::set<std::string> needed = with_dependencies(names);
  std::vector<GeneratedFile> files;
  for (const EmbeddedFile& file : embedded_files()) {
    if (!needed.contains(std::string(file.name))) continue;
    files.push_back({fmt::format("kernels/{}", file.name), std::string(file.contents)});
  }
  return files;
}

}  // namespace mcunet::engine
