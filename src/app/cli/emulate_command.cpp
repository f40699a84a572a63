#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>

#include "commands.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/deploy/emulator.hpp"
#include "mcunet/deploy/firmware.hpp"
#include "mcunet/deploy/npy.hpp"
#include "mcunet/deploy/reference_model.hpp"
#include "text_table.hpp"

namespace mcunet::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using deploy::EmulationResult;
using deploy::Int8Bytes;
using deploy::ModelDescription;

struct EmulateArguments {
  std::string folder;
  std::vector<std::string> inputs;
  std::string out;
  deploy::EmulatorOptions options;
  bool json = false;
};

// The inputs of all files, one after another, each with a name.
struct NamedInputs {
  std::vector<std::string> names;
  std::vector<Int8Bytes> inputs;
};

Int8Bytes read_bytes(const std::string& file) {
  const std::string contents = read_file(file);
  const std::string extension = fs::path(file).extension();
  if (extension == ".npy") return deploy::parse_npy(contents, file).values;
  if (extension != ".bin") throw Error("{}: must be a .bin or .npy file", file);
  return {contents.begin(), contents.end()};
}

NamedInputs read_inputs(const std::vector<std::string>& files, std::int64_t input_bytes) {
  NamedInputs result;
  for (const std::string& file : files) {
    const Int8Bytes bytes = read_bytes(file);
    const auto size = static_cast<std::int64_t>(bytes.size());
    if (size == 0 || size % input_bytes != 0) {
      throw Error("{}: has {} bytes, which is no multiple of an input's {}", file, size,
                  input_bytes);
    }
    for (std::int64_t at = 0; at < size; at += input_bytes) {
      result.names.push_back(size == input_bytes ? file
                                                 : fmt::format("{}[{}]", file, at / input_bytes));
      result.inputs.emplace_back(bytes.begin() + at, bytes.begin() + at + input_bytes);
    }
  }
  return result;
}

// Whether each inference gave what the reference executor gives; nothing if there is no
// model.tflite.
std::vector<std::optional<bool>> compare(const fs::path& folder, const ModelDescription& model,
                                         const NamedInputs& inputs, const EmulationResult& result) {
  std::vector<std::optional<bool>> exact(inputs.inputs.size());
  const fs::path file = folder / "model.tflite";
  if (!fs::exists(file)) return exact;
  const deploy::ReferenceModel reference(file, model.borders);
  for (std::size_t i = 0; i < exact.size(); ++i) {
    exact[i] = reference.run(inputs.inputs[i]) == result.inferences[i].outputs;
  }
  return exact;
}

// A tensor's values as numbers of its type.
std::vector<double> values_of(const Int8Bytes& bytes, const deploy::ModelTensor& tensor) {
  std::vector<double> values(static_cast<std::size_t>(tensor.elements()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    float real = 0;
    if (tensor.type == engine::DataType::kFloat32) {
      std::memcpy(&real, bytes.data() + i * sizeof(real), sizeof(real));
      values[i] = real;
    } else {
      const bool is_unsigned = tensor.type == engine::DataType::kUint8;
      values[i] = is_unsigned ? static_cast<std::uint8_t>(bytes[i]) : bytes[i];
    }
  }
  return values;
}

Json outputs_to_json(const ModelDescription& model, const std::vector<Int8Bytes>& outputs) {
  Json list = Json::array();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const deploy::ModelTensor& tensor = model.outputs[i];
    const std::vector<double> values = values_of(outputs[i], tensor);
    if (tensor.type == engine::DataType::kFloat32) {
      list.push_back(values);
    } else {
      list.push_back(std::vector<int>(values.begin(), values.end()));
    }
  }
  return list;
}

Json to_json(const ModelDescription& model, const NamedInputs& inputs,
             const EmulationResult& result, const std::vector<std::optional<bool>>& exact) {
  Json json = {{"board", result.board}, {"inferences", Json::array()}};
  for (std::size_t i = 0; i < inputs.names.size(); ++i) {
    json["inferences"].push_back({{"input", inputs.names[i]},
                                  {"outputs", outputs_to_json(model, result.inferences[i].outputs)},
                                  {"instructions", result.inferences[i].instructions},
                                  {"exact", exact[i] ? Json(*exact[i]) : Json(nullptr)}});
  }
  json["stack_bytes"] = result.stack_bytes;
  json["steps"] = Json::array();
  for (const deploy::StepInstructions& step : result.steps) {
    json["steps"].push_back({{"name", step.name}, {"instructions", step.instructions}});
  }
  return json;
}

// "3: 0.82  7: 0.11": the largest values of an output by index, as real numbers.
std::string describe_top(const Int8Bytes& output, const deploy::ModelTensor& tensor) {
  constexpr std::size_t kShown = 3;
  std::vector<double> real = values_of(output, tensor);
  if (tensor.type != engine::DataType::kFloat32) {
    for (double& value : real) value = tensor.scale * (value - tensor.zero_point);
  }
  std::vector<std::size_t> order(real.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t shown = std::min(kShown, order.size());
  std::partial_sort(
      order.begin(), order.begin() + static_cast<std::ptrdiff_t>(shown), order.end(),
      [&](std::size_t a, std::size_t b) { return real[a] != real[b] ? real[a] > real[b] : a < b; });
  std::string text;
  for (std::size_t i = 0; i < shown; ++i) {
    text += fmt::format("{}{}: {:.3g}", text.empty() ? "" : "  ", order[i], real[order[i]]);
  }
  return text;
}

void print_result(const ModelDescription& model, const NamedInputs& inputs,
                  const EmulationResult& result, const std::vector<std::optional<bool>>& exact,
                  std::int64_t reserved_stack) {
  TextTable steps({"step", "name", "instructions", "%"});
  std::int64_t total = 0;
  for (const auto& step : result.steps) total += step.instructions;
  for (std::size_t i = 0; i < result.steps.size(); ++i) {
    const deploy::StepInstructions& step = result.steps[i];
    const double share = 100.0 * static_cast<double>(step.instructions) /
                         static_cast<double>(std::max<std::int64_t>(total, 1));
    steps.add_row({std::to_string(i), step.name, std::to_string(step.instructions),
                   fmt::format("{:.1f}", share)});
  }
  fmt::print("{}\n", steps.to_string());

  TextTable table({"input", "instructions", "largest outputs", "exact"});
  for (std::size_t i = 0; i < inputs.names.size(); ++i) {
    table.add_row({inputs.names[i], std::to_string(result.inferences[i].instructions),
                   describe_top(result.inferences[i].outputs[0], model.outputs[0]),
                   exact[i] ? (*exact[i] ? "yes" : "NO") : "-"});
  }
  fmt::print("{}\n", table.to_string());
  fmt::print("stack        {:>12} bytes at most\nboard        {} (instructions, not cycles)\n",
             result.stack_bytes, result.board);
  if (result.stack_bytes > reserved_stack) {
    fmt::print("The device's linker script promises only {} bytes of stack.\n", reserved_stack);
  }
}

// The first output of every inference, one row each.
void write_outputs(const fs::path& file, const EmulationResult& result) {
  Int8Bytes rows;
  for (const deploy::Inference& inference : result.inferences) {
    rows.insert(rows.end(), inference.outputs[0].begin(), inference.outputs[0].end());
  }
  const std::vector<std::int64_t> shape = {
      static_cast<std::int64_t>(result.inferences.size()),
      static_cast<std::int64_t>(result.inferences[0].outputs[0].size())};
  deploy::write_npy(file, shape, rows);
}

int run_emulate(const EmulateArguments& arguments) {
  const ModelDescription model = deploy::read_model_description(arguments.folder);
  if (!arguments.out.empty() && model.outputs[0].type != engine::DataType::kInt8) {
    throw Error("--out: holds int8, the outputs of {} are {}", arguments.folder,
                engine::name_of(model.outputs[0].type));
  }
  const NamedInputs inputs = read_inputs(arguments.inputs, model.inputs[0].bytes());
  const EmulationResult result =
      deploy::emulate(arguments.folder, inputs.inputs, arguments.options);
  const std::vector<std::optional<bool>> exact = compare(arguments.folder, model, inputs, result);
  if (!arguments.out.empty()) write_outputs(arguments.out, result);
  if (arguments.json) {
    fmt::print("{}\n", to_json(model, inputs, result, exact).dump());
  } else {
    print_result(model, inputs, result, exact,
                 deploy::read_project_device(arguments.folder).stack_bytes());
  }
  const auto wrong = std::count(exact.begin(), exact.end(), std::optional<bool>(false));
  if (wrong == 0) return kDone;
  fmt::print(stderr, "mcunet: {} of {} outputs differ from the reference executor's\n", wrong,
             exact.size());
  return kFailed;
}

}  // namespace

void add_emulate_command(CLI::App& program, Run& run) {
  auto arguments = std::make_shared<EmulateArguments>();
  CLI::App* command = program.add_subcommand("emulate", "Run firmware on an emulated board");
  command->footer(
      "DIR is what `mcunet compile` wrote. Counts are of instructions, not of cycles; if DIR "
      "holds\n"
      "model.tflite, outputs are compared with the reference executor's.\n\n"
      "  mcunet emulate out/ --input image.bin recordings.npy --json");
  command->add_option("DIR", arguments->folder, "Folder of a firmware project")->required();
  command
      ->add_option("--input", arguments->inputs,
                   "Raw values (.bin) or int8 arrays (.npy), any number of inputs in each")
      ->required();
  command->add_option("--out", arguments->out, "File for the first output of all inputs (.npy)");
  command->add_option("--board", arguments->options.board,
                      "mps2-an385, mps2-an386, mps2-an500 or netduinoplus2 [by the device's core]");
  command
      ->add_option("--timeout", arguments->options.timeout_seconds,
                   "Seconds for all inputs together [600]")
      ->check(CLI::PositiveNumber);
  command->add_flag("--json", arguments->json, "Print one JSON object and nothing else");
  command->callback([arguments, &run] { run = [arguments] { return run_emulate(*arguments); }; });
}

}  // namespace mcunet::cli
