#include "mcunet/search/space/search_space.hpp"

#include <fmt/format.h>
#include <gmpxx.h>

#include <algorithm>

#include "mcunet/core/names.hpp"
#include "mcunet/search/space/network_space.hpp"

namespace mcunet::search::space {
namespace {

constexpr double kMaxChannels = 4096;
constexpr std::size_t kMostStages = 64;  // a network that is a space has one for each block

template <typename T>
void require_distinct(const ConfigNode& node, const std::vector<T>& values) {
  std::vector<T> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    node.fail("holds a value twice");
  }
}

void read_bits(const ConfigNode& node, std::vector<int>& bits) {
  if (node.kind == ConfigNode::Kind::kNull) return;
  read_value(node, bits);
  for (const int value : bits) {
    if (value != 4 && value != 8) node.fail(fmt::format("must be 4, 8 or both, one is {}", value));
  }
  require_distinct(node, bits);
}

std::vector<Field> fields_of_stage(Stage& stage) {
  return {required(field("channels", stage.channels, between(1, kMaxChannels))),
          field("stride", stage.stride, between(1, 4)),
          field("depths", stage.depths, between(1, 16)),
          field("kernels", stage.kernels, between(1, 15)),
          field("expand_ratios", stage.expand_ratios, between(1, 16)),
          {"weight_bits", [&stage](const ConfigNode& node) { read_bits(node, stage.weight_bits); },
           [&stage] {
             return stage.weight_bits.empty() ? ConfigNode{} : write_value(stage.weight_bits);
           }},
          silent(field("shortcuts", stage.shortcuts), stage.shortcuts)};
}

// That of every stage, whose own key it overrides; written out there.
Field elastic_weight_bits(std::vector<Stage>& stages) {
  auto read = [&stages](const ConfigNode& node) {
    for (Stage& stage : stages) read_bits(node, stage.weight_bits);
  };
  return {"elastic_weight_bits", std::move(read), [] { return ConfigNode{}; }};
}

Field batch_norm(SearchSpace& space) {
  const SearchSpace usual;
  const bool is_usual = space.batch_norm_epsilon == usual.batch_norm_epsilon &&
                        space.batch_norm_momentum == usual.batch_norm_momentum;
  return silent(
      section("batch_norm", {field("epsilon", space.batch_norm_epsilon, between(1e-12, 1)),
                             field("momentum", space.batch_norm_momentum, between(0, 1))}),
      is_usual);
}

void check_stage(const ConfigNode& node, const Stage& stage) {
  if (const ConfigNode* depths = node.find("depths")) require_distinct(*depths, stage.depths);
  if (const ConfigNode* expands = node.find("expand_ratios")) {
    require_distinct(*expands, stage.expand_ratios);
  }
  if (const ConfigNode* kernels = node.find("kernels")) {
    require_distinct(*kernels, stage.kernels);
    for (int kernel : stage.kernels) {
      if (kernel % 2 == 0) kernels->fail("must be odd numbers");
    }
  }
}

}  // namespace

int Stage::max_depth() const { return *std::max_element(depths.begin(), depths.end()); }

std::size_t Stage::block_choices() const {
  return kernels.size() * expand_ratios.size() * std::max<std::size_t>(1, weight_bits.size());
}

bool SearchSpace::has_elastic_weight_bits() const {
  return std::any_of(stages.begin(), stages.end(),
                     [](const Stage& stage) { return !stage.weight_bits.empty(); });
}

SearchSpace SearchSpace::at(double width, int resolution) const {
  SearchSpace result = *this;
  result.widths = {width};
  result.resolutions = {resolution};
  return result;
}

int SearchSpace::outputs() const {
  constexpr int kBoxValues = 5;  // place, size and objectness
  return boxes_per_cell == 0 ? classes : boxes_per_cell * (kBoxValues + classes);
}

int SearchSpace::max_blocks() const {
  int blocks = 0;
  for (const Stage& stage : stages) blocks += stage.max_depth();
  return blocks;
}

std::vector<Field> fields_of(SearchSpace& space) {
  return {name_field("name", space.name),
          field("widths", space.widths, between(0.01, 8)),
          choice("form", space.form, {{"square", Form::kSquare}, {"line", Form::kLine}}),
          field("resolutions", space.resolutions, between(16, 1024)),
          field("image_channels", space.image_channels, between(1, 64)),
          field("stem_channels", space.stem_channels, between(1, kMaxChannels)),
          field("first_block_channels", space.first_block_channels, between(1, kMaxChannels)),
          required(section_list("stages", space.stages, fields_of_stage)),
          elastic_weight_bits(space.stages),
          field("feature_mix_channels", space.feature_mix_channels, between(0, kMaxChannels)),
          field("classes", space.classes, between(1, 100'000)),
          field("boxes_per_cell", space.boxes_per_cell, between(0, 64)),
          field("channel_divisor", space.channel_divisor, between(1, 64)),
          batch_norm(space)};
}

SearchSpace read_search_space(const ConfigNode& node) {
  if (is_network(node)) {
    return network_space(network_from_json(to_json_text(node), node.origin), node.origin);
  }
  SearchSpace space;
  read_fields(node, fields_of(space));
  const ConfigNode& stages = *node.find("stages");
  if (space.stages.empty() || space.stages.size() > kMostStages) {
    stages.fail(fmt::format("must be 1 to {} stages", kMostStages));
  }
  for (std::size_t i = 0; i < space.stages.size(); ++i)
    check_stage(stages.items[i], space.stages[i]);
  if (const ConfigNode* widths = node.find("widths")) require_distinct(*widths, space.widths);
  if (const ConfigNode* sides = node.find("resolutions"))
    require_distinct(*sides, space.resolutions);
  return space;
}

std::string count_networks(const SearchSpace& space) {
  mpz_class total = static_cast<unsigned long>(space.widths.size() * space.resolutions.size());
  for (const Stage& stage : space.stages) {
    const mpz_class per_block = static_cast<unsigned long>(stage.block_choices());
    mpz_class networks = 0;
    for (int depth : stage.depths) {
      mpz_class power;
      mpz_pow_ui(power.get_mpz_t(), per_block.get_mpz_t(), static_cast<unsigned long>(depth));
      networks += power;
    }
    total *= networks;
  }
  return total.get_str();
}

}  // namespace mcunet::search::space
