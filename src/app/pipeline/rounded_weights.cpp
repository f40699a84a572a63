#include "rounded_weights.hpp"

#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>

#include <vector>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/weights.hpp"
#include "mcunet/engine/quantization/quantizer.hpp"

namespace mcunet::pipeline {
namespace {

// [out, …]
void round_channels(at::Tensor weight, int bits) {
  const at::Tensor rows = weight.flatten(1).to(at::kCPU, at::kFloat).contiguous();
  const auto size = static_cast<std::size_t>(rows.size(1));
  std::vector<double> scales;
  for (std::int64_t c = 0; c < rows.size(0); ++c) {
    const double scale =
        engine::weight_scale({rows.data_ptr<float>() + c * rows.size(1), size}, bits);
    scales.push_back(scale > 0 ? scale : 1);
  }
  const at::Tensor scale = at::tensor(scales).to(at::kFloat).unsqueeze(1);
  const double most = engine::max_weight(bits);
  weight.copy_((rows / scale).round().clamp(-most, most).mul(scale).view(weight.sizes()));
}

}  // namespace

void round_weights(const engine::Graph& graph, const supernet::FixedNetwork& network) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> weights;
  for (const supernet::ConvBatchNorm& unit : network->units()) weights.push_back(unit->weight);
  weights.push_back(network->layers().head_weight);
  std::size_t next = 0;
  for (const engine::Op& op : graph.ops) {
    if (!engine::has_weights(op)) continue;
    if (next < weights.size()) round_channels(weights[next], op.weight_bits);
    ++next;
  }
  if (next != weights.size()) {
    throw Error("{} layers with weights in the network, {} in its graph", weights.size(), next);
  }
}

}  // namespace mcunet::pipeline
