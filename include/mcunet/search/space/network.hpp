#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mcunet/engine/graph/graph.hpp"

// One concrete network of the MobileNet family: what a sub-network stands for, what the network
// JSON of the published models holds, and what is lowered to a graph.
namespace mcunet::search::space {

// Rounds a channel count to the nearest multiple of `divisor`, but never by more than 10 % down.
int make_divisible(double channels, int divisor = 8);

// What a network takes in, and with it the form of all its windows.
enum class Form {
  kSquare,  // images of resolution x resolution, kernels of k x k
  kLine,    // series of 1 x resolution, kernels of 1 x k
};

// Rows of an input of so many columns, and of a kernel.
inline int rows_of(Form form, int columns) { return form == Form::kLine ? 1 : columns; }

// Padded by half the kernel at each end, as all layers of these networks are.
engine::Window centred_window(Form form, int kernel, int stride);

// Expansion 1x1, depthwise kxk, projection 1x1, with an activation after the first two. There is no
// expansion convolution if expand_ratio is 1.
struct InvertedResidual {
  int in_channels = 0;
  int mid_channels = 0;
  int out_channels = 0;
  int kernel = 3;
  int stride = 1;
  double expand_ratio = 1;
  bool has_residual = false;
  int weight_bits = 0;  // 4 or 8; 0: those of the other layers
};

// What tells the outputs by the last features.
enum class Head {
  kPooled,  // a linear layer, of their mean over the map
  kGrid,    // the same at each place of the map, a convolution of 1x1: for detectors
};

struct Network {
  std::string name;
  Form form = Form::kSquare;
  int resolution = 224;  // columns of the input
  int image_channels = 3;
  int stem_channels = 32;  // 3x3 convolution of stride 2
  int stem_kernel = 3;
  int stem_stride = 2;
  std::vector<InvertedResidual> blocks;
  std::optional<int> feature_mix_channels;  // 1x1 convolution before the head
  Head head = Head::kPooled;
  int outputs = 1000;  // channels: of a classifier one for each class
  engine::Activation activation = engine::Activation::kRelu6;
  double batch_norm_epsilon = 1e-5;
  double batch_norm_momentum = 0.1;
};

// Appends the network's inference graph to an empty one. Block 0 is the stem, block i the i-th
// inverted residual, the last one the head. Throws Error if the image is too small for the network.
void lower(const Network& network, engine::Graph& graph);
engine::Graph lower(const Network& network);

// The bits that the block of an operator of its graph states for its weights; 0 if it states none, or is
// the stem or the head.
int stated_weight_bits(const Network& network, const engine::Op& op);

// Gives the weights of the blocks that state their bits these, in the graph that the network was lowered
// to.
void set_stated_weight_bits(const Network& network, engine::Graph& graph);

// The network JSON of the published MCUNet models: first_conv, blocks, feature_mix_layer,
// classifier, bn, resolution; and of ours where it differs from these: form, head, weight_bits. Throws Error that names the source and the key.
Network network_from_json(std::string_view text, const std::string& source);
std::string network_to_json(const Network& network);

}  // namespace mcunet::search::space
