#include <nlohmann/json.hpp>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/json_text.hpp"
#include "mcunet/deploy/emulator.hpp"

namespace mcunet::deploy {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kMaxElements = std::int64_t{1} << 28;  // more than any device's memory

engine::DataType type_of(const std::string& name) {
  for (const auto type :
       {engine::DataType::kInt8, engine::DataType::kUint8, engine::DataType::kFloat32}) {
    if (name == engine::name_of(type)) return type;
  }
  throw Error("a tensor of type {}", name);
}

std::vector<ModelTensor> read_tensors(const Json& list) {
  std::vector<ModelTensor> tensors;
  for (const Json& entry : list) {
    ModelTensor tensor{.height = entry.at("height").get<std::int32_t>(),
                       .width = entry.at("width").get<std::int32_t>(),
                       .channels = entry.at("channels").get<std::int32_t>(),
                       .type = type_of(entry.value("type", "int8")),
                       .scale = entry.at("scale").get<double>(),
                       .zero_point = entry.at("zero_point").get<std::int32_t>()};
    if (tensor.height < 1 || tensor.width < 1 || tensor.channels < 1) {
      throw Error("a tensor has a side of less than 1");
    }
    // One after the other, so that no product is larger than its type.
    if (std::int64_t{tensor.height} * tensor.width > kMaxElements / tensor.channels) {
      throw Error("a tensor has more than {} elements", kMaxElements);
    }
    tensors.push_back(tensor);
  }
  if (tensors.empty()) throw Error("a network has an input and an output");
  return tensors;
}

std::optional<ModelFeatures> read_features(const Json& json) {
  const auto preprocessing = json.find("preprocessing");
  if (preprocessing == json.end() || !preprocessing->contains("sound")) return std::nullopt;
  const Json& section = preprocessing->at("sound");
  const ModelFeatures features{.sample_rate = section.at("sample_rate").get<std::int32_t>(),
                               .samples = section.at("samples").get<std::int32_t>()};
  if (features.sample_rate < 1 || features.samples < 1) throw Error("a clip has no samples");
  return features;
}

// The section of a detector; null if the model is none.
const Json* find_detector(const Json& json) {
  const auto postprocessing = json.find("postprocessing");
  if (postprocessing == json.end()) return nullptr;
  const auto detector = postprocessing->find("detector");
  return detector == postprocessing->end() ? nullptr : &*detector;
}

std::vector<std::string> read_classes(const Json& json, const std::vector<ModelTensor>& outputs) {
  if (const Json* detector = find_detector(json)) {
    return detector->at("classes").get<std::vector<std::string>>();
  }
  auto names = json.value("classes", std::vector<std::string>());
  if (!names.empty() && static_cast<std::int64_t>(names.size()) != outputs[0].elements()) {
    throw Error("it names {} classes of {} values", names.size(), outputs[0].elements());
  }
  return names;
}

std::optional<engine::PixelFormat> read_input_format(const Json& json) {
  if (!json.contains("input_format")) return std::nullopt;
  return engine::pixel_format_named(json.at("input_format").get<std::string>());
}

}  // namespace

ModelDescription read_model_description(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "model.json";
  const Json json = parse_json(read_file(file, kMaxTextBytes), file.string());
  try {
    std::vector<ModelTensor> outputs = read_tensors(json.at("outputs"));
    std::vector<std::string> classes = read_classes(json, outputs);
    return {.name = json.at("name").get<std::string>(),
            .inputs = read_tensors(json.at("inputs")),
            .outputs = std::move(outputs),
            .classes = std::move(classes),
            .steps = json.at("steps").get<std::vector<std::string>>(),
            .borders = engine::borders_named(json.value("borders", "caller")),
            .names = engine::ModelNames(json.value("prefix", "model")),
            .input_format = read_input_format(json),
            .features = read_features(json),
            .is_detector = find_detector(json) != nullptr,
            .state_bytes = json.value("state_bytes", std::int64_t{0})};
  } catch (const std::exception& error) {
    throw Error("{}: describes no generated network: {}", file.string(), error.what());
  }
}

}  // namespace mcunet::deploy
