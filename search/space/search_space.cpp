#include "mcunet/search/space/search_space.hpp"

#include <gmpxx.h>

#include <algorithm>

#include "mcunet/core/names.hpp"

namespace mcunet::search::space {
namespace {

constexpr double kMaxChannels = 4096;

std::vector<Field> fields_of_stage(Stage& stage) {
  return {required(field("channels", stage.channels, between(1, kMaxChannels))),
          field("stride", stage.stride, between(1, 4)),
          field("depths", stage.depths, between(1, 16)),
          field("kernels", stage.kernels, between(1, 15)),
          field("expand_ratios", stage.expand_ratios, between(1, 16))};
}

template <typename T>
void require_distinct(const ConfigNode& node, const std::vector<T>& values) {
  std::vector<T> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    node.fail("holds a value twice");
  }
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
          field("feature_mix_channels", space.feature_mix_channels, between(0, kMaxChannels)),
          field("classes", space.classes, between(1, 100'000)),
          field("boxes_per_cell", space.boxes_per_cell, between(0, 64)),
          field("channel_divisor", space.channel_divisor, between(1, 64))};
}

SearchSpace read_search_space(const ConfigNode& node) {
  SearchSpace space;
  read_fields(node, fields_of(space));
  const ConfigNode& stages = *node.find("stages");
  if (space.stages.empty() || space.stages.size() > 16) stages.fail("must be 1 to 16 stages");
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
    const mpz_class per_block =
        static_cast<unsigned long>(stage.kernels.size() * stage.expand_ratios.size());
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
