#include "mixed_widths.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "mcunet/core/error.hpp"
#include "mcunet/core/json_numbers.hpp"
#include "mcunet/engine/graph/weights.hpp"

namespace mcunet::pipeline {
namespace {

using Json = nlohmann::ordered_json;

// A layer that has a choice.
struct Choice {
  std::size_t op = 0;
  std::size_t layer = 0;  // in MixedWidths::layers
  double loss_per_byte = 0;
};

std::string kib(std::int64_t bytes) {
  return fmt::format("{:.1f}", static_cast<double>(bytes) / 1024);
}

}  // namespace

MixedWidths choose_widths(const engine::Graph& narrow, engine::CodeCore core,
                          std::int64_t flash_limit_bytes, const LossWith& loss_with) {
  MixedWidths result{.flash_limit_bytes = flash_limit_bytes};
  const double base = loss_with(std::nullopt);
  engine::Graph graph = narrow;
  std::vector<Choice> choices;
  for (std::size_t id = 0; id < narrow.ops.size(); ++id) {
    const engine::Op& op = narrow.ops[id];
    if (!engine::has_weights(op)) continue;
    const std::int64_t weights = engine::weight_layout(narrow, op).elements();
    LayerWidth layer{.layer = fmt::format("{}_{}", engine::name_of(op.kind), id),
                     .bytes_8 = engine::bytes_of_elements(weights, 8),
                     .bytes_4 = engine::bytes_of_elements(weights, 4)};
    if (op.weight_bits == 4) {
      graph.ops[id].weight_bits = 8;
      layer.loss = loss_with(id) - base;
      const auto saved = static_cast<double>(layer.bytes_8 - layer.bytes_4);
      choices.push_back({id, result.layers.size(), *layer.loss / saved});
    }
    result.layers.push_back(std::move(layer));
  }
  std::stable_sort(choices.begin(), choices.end(), [](const Choice& a, const Choice& b) {
    return a.loss_per_byte < b.loss_per_byte;
  });
  const auto set_bits = [&](const Choice& choice, int bits) {
    graph.ops[choice.op].weight_bits = static_cast<std::int8_t>(bits);
    result.layers[choice.layer].bits = bits;
    result.flash_bytes = engine::estimate_flash(graph, core).total();
  };
  result.flash_bytes = engine::estimate_flash(graph, core).total();
  auto next = choices.begin();
  for (; next != choices.end() && !result.fits(); ++next) set_bits(*next, 4);
  if (!result.fits()) return result;
  while (next != choices.begin()) {
    --next;
    set_bits(*next, 8);
    if (!result.fits()) set_bits(*next, 4);
  }
  return result;
}

void set_widths(const MixedWidths& widths, engine::Graph& graph) {
  std::size_t next = 0;
  for (engine::Op& op : graph.ops) {
    if (!engine::has_weights(op)) continue;
    if (next < widths.layers.size()) {
      op.weight_bits = static_cast<std::int8_t>(widths.layers[next].bits);
    }
    ++next;
  }
  if (next == widths.layers.size()) return;
  throw Error("there are bits for {} layers, the network has {}", widths.layers.size(), next);
}

Json to_json(const MixedWidths& widths) {
  Json layers = Json::array();
  for (const LayerWidth& layer : widths.layers) {
    layers.push_back({{"layer", layer.layer},
                      {"bytes_8", layer.bytes_8},
                      {"bytes_4", layer.bytes_4},
                      {"loss", layer.loss ? Json(*layer.loss) : Json()},
                      {"bits", layer.bits}});
  }
  return {{"flash_limit_bytes", widths.flash_limit_bytes},
          {"flash_bytes", widths.flash_bytes},
          {"layers", layers}};
}

MixedWidths mixed_widths_from_json(const Json& json) {
  constexpr double kMost = std::numeric_limits<float>::max();
  MixedWidths widths{.flash_limit_bytes = count_at(json, "flash_limit_bytes"),
                     .flash_bytes = count_at(json, "flash_bytes")};
  for (const Json& entry : json.at("layers")) {
    LayerWidth layer{.layer = entry.at("layer"),
                     .bytes_8 = count_at(entry, "bytes_8"),
                     .bytes_4 = count_at(entry, "bytes_4"),
                     .bits = static_cast<int>(count_at(entry, "bits"))};
    if (!entry.at("loss").is_null()) layer.loss = number_at(entry, "loss", -kMost, kMost);
    if (layer.bits != 4 && layer.bits != 8) {
      throw Error("{} has weights of {} bits", layer.layer, layer.bits);
    }
    widths.layers.push_back(std::move(layer));
  }
  return widths;
}

std::vector<std::vector<std::string>> table_of(const MixedWidths& widths) {
  std::vector<std::vector<std::string>> rows = {
      {"layer", "bytes at 8 bits", "at 4 bits", "loss by 4 bits", "bits"}};
  for (const LayerWidth& layer : widths.layers) {
    rows.push_back({layer.layer, std::to_string(layer.bytes_8), std::to_string(layer.bytes_4),
                    layer.loss ? fmt::format("{:+.4f}", *layer.loss) : "not measured",
                    std::to_string(layer.bits)});
  }
  return rows;
}

std::string describe(const MixedWidths& widths) {
  const auto wide = std::count_if(widths.layers.begin(), widths.layers.end(),
                                  [](const LayerWidth& layer) { return layer.bits == 8; });
  return fmt::format("{} of {} layers have weights of 8 bits: {} of {} KiB of flash", wide,
                     widths.layers.size(), kib(widths.flash_bytes), kib(widths.flash_limit_bytes));
}

}  // namespace mcunet::pipeline
