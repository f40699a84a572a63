#pragma once

#include <string>
#include <vector>

#include "mcunet/core/config.hpp"
#include "mcunet/search/space/network.hpp"

// The networks that one supernet holds. Elastic are the kernel and the expansion of each block, the
// depth of each stage, and, where a set has several values, width multiplier and resolution; the bits of
// a block's weights, where a stage has a choice of these, which change nothing of the supernet.
namespace mcunet::search::space {

struct Stage {
  int channels = 0;  // at width 1
  int stride = 1;    // of its first block
  std::vector<int> depths = {2, 3, 4};
  std::vector<int> kernels = {3, 5, 7};
  std::vector<double> expand_ratios = {3, 4, 6};
  // Bits of a block's weights, 4 or 8; empty: those that the job has for all networks.
  std::vector<int> weight_bits;
  bool shortcuts = true;  // around blocks whose input and output are alike

  int max_depth() const;
  // Of one of its blocks.
  std::size_t block_choices() const;
};

// The mobile space: stem 3x3 of stride 2, a block without expansion, the stages, and a classifier of
// what is pooled or a detector; on a line 1x3, 1xk and so on. Channels are scaled by the width and rounded by make_divisible.
struct SearchSpace {
  std::string name = "unnamed";
  std::vector<double> widths = {1.0};
  Form form = Form::kSquare;
  std::vector<int> resolutions = {224};
  int image_channels = 3;
  int stem_channels = 32;
  int first_block_channels = 16;
  std::vector<Stage> stages;
  int feature_mix_channels = 0;  // of a 1x1 convolution before the head; 0: none
  int classes = 1000;
  // Of a detector: the boxes that each place of the last map tells of (YOLOv2). 0: a classifier.
  int boxes_per_cell = 0;
  int channel_divisor = 8;
  double batch_norm_epsilon = 1e-5;
  double batch_norm_momentum = 0.1;

  // Of a network's outputs: classes, or those of boxes.
  int outputs() const;

  // The space at one width and one resolution, everything else alike.
  SearchSpace at(double width, int resolution) const;

  // Blocks of the deepest network.
  int max_blocks() const;

  // Whether a stage has a choice of weight_bits.
  bool has_elastic_weight_bits() const;
};

// The keys of configs/spaces/NAME.yaml.
std::vector<Field> fields_of(SearchSpace& space);

// Of these keys, or of a network JSON (network_space.hpp). Throws Error, through the node's place, for keys
// and values that make no search space.
SearchSpace read_search_space(const ConfigNode& node);

// The number of distinct networks as decimal digits, for it passes 64 bits.
std::string count_networks(const SearchSpace& space);

}  // namespace mcunet::search::space
