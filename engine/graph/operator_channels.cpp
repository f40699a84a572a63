// How channels pass through operators: what the removal of dead channels relies on.
#include "graph/operator_rules.hpp"

namespace mcunet::engine {

ChannelFlow channels_mix(const Graph&, const Op&) { return ChannelFlow::kMix; }
ChannelFlow channels_multiply(const Graph&, const Op&) { return ChannelFlow::kMultiply; }
ChannelFlow channels_pass(const Graph&, const Op&) { return ChannelFlow::kPass; }
ChannelFlow channels_opaque(const Graph&, const Op&) { return ChannelFlow::kOpaque; }

ChannelFlow channels_of_reduction(const Graph& graph, const Op& op) {
  const bool keeps_channels =
      !graph.details_of(op).reduced[2] &&
      graph.output_of(op).shape.channels == graph.input_of(op).shape.channels;
  return keeps_channels ? ChannelFlow::kPass : ChannelFlow::kOpaque;
}

ChannelFlow channels_of_pad(const Graph& graph, const Op& op) {
  const OpDetails& details = graph.details_of(op);
  const bool pads_channels = details.channels_before != 0 || details.channels_after != 0;
  return pads_channels ? ChannelFlow::kOpaque : ChannelFlow::kPad;
}

ChannelFlow channels_of_reshape(const Graph& graph, const Op& op) {
  const bool keeps_channels =
      graph.output_of(op).shape.channels == graph.input_of(op).shape.channels;
  return keeps_channels ? ChannelFlow::kPass : ChannelFlow::kOpaque;
}

ChannelFlow channels_of_concatenation(const Graph& graph, const Op& op) {
  return graph.details_of(op).axis == Axis::kChannels ? ChannelFlow::kConcatenate
                                                      : ChannelFlow::kStack;
}

}  // namespace mcunet::engine
