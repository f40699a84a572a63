#include "gradient_buckets.hpp"

#include <ATen/Functions.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/utils/lambda_post_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <unordered_map>
#include <unordered_set>

#include "torch_compat.hpp"

namespace mcunet::supernet {

using torch::autograd::Node;
using torch::autograd::variable_list;

// The ends of the graph, one for each parameter: where autograd adds to its gradient.
struct GradientBuckets::Accumulators {
  std::vector<NodePointer> nodes;  // kept, as tensors do not keep them
  std::unordered_map<const Node*, std::size_t> bucket_of;
};

GradientBuckets::GradientBuckets(std::span<const at::Tensor> parameters, ProcessGroup& group,
                                 std::optional<std::int64_t> bucket_bytes)
    : group_(group), accumulators_(std::make_unique<Accumulators>()) {
  if (group.ranks() == 1) return;
  std::int64_t all_bytes = 0;
  for (const at::Tensor& parameter : parameters) {
    all_bytes += static_cast<std::int64_t>(parameter.nbytes());
  }
  const std::int64_t least = bucket_bytes.value_or(std::min(all_bytes / 8, std::int64_t{1} << 20));
  const auto first_of_bucket = [&](std::size_t end) {
    std::size_t first = end;
    for (std::int64_t bytes = 0; first > 0 && (first == end || bytes < least); --first) {
      bytes += static_cast<std::int64_t>(parameters[first - 1].nbytes());
    }
    return first;
  };
  for (std::size_t end = parameters.size(); end > 0;) {
    const std::size_t first = first_of_bucket(end);
    std::int64_t elements = 0;
    for (std::size_t i = first; i < end; ++i) elements += parameters[i].numel();
    Bucket& bucket = buckets_.emplace_back();
    bucket.flat = at::zeros({elements}, parameters[first].options().requires_grad(false));
    std::int64_t offset = 0;
    for (std::size_t i = first; i < end; ++i) {
      at::Tensor parameter = parameters[i];
      const NodePointer node = torch::autograd::impl::grad_accumulator(parameter);
      parameter.mutable_grad() =
          bucket.flat.narrow(0, offset, parameter.numel()).view(parameter.sizes());
      offset += parameter.numel();
      const std::size_t index = buckets_.size() - 1;
      accumulators_->bucket_of.emplace(node.get(), index);
      node->add_post_hook(std::make_unique<torch::autograd::utils::LambdaPostHook>(
          [this, index](const variable_list& outputs, const variable_list&) {
            if (is_last_pass_ && --buckets_[index].left == 0) start_complete();
            return outputs;
          }));
      accumulators_->nodes.push_back(node);
    }
    end = first;
  }
}

GradientBuckets::~GradientBuckets() = default;

void GradientBuckets::expect_last_pass(const at::Tensor& loss) {
  if (buckets_.empty()) return;
  for (Bucket& bucket : buckets_) bucket.left = 0;
  std::unordered_set<const Node*> seen;
  std::vector<Node*> open = {loss.grad_fn().get()};
  while (!open.empty()) {
    Node* const node = open.back();
    open.pop_back();
    if (node == nullptr || !seen.insert(node).second) continue;
    const auto accumulator = accumulators_->bucket_of.find(node);
    if (accumulator != accumulators_->bucket_of.end()) ++buckets_[accumulator->second].left;
    for (const torch::autograd::Edge& edge : node->next_edges()) {
      open.push_back(edge.function.get());
    }
  }
  is_last_pass_ = true;
  start_complete();
}

// In order, so that all ranks start the same one after the other.
void GradientBuckets::start_complete() {
  while (next_ < buckets_.size() && buckets_[next_].left == 0) {
    buckets_[next_].wait = group_.start_sum(buckets_[next_].flat);
    ++next_;
  }
}

void GradientBuckets::finish() {
  for (Bucket& bucket : buckets_) bucket.left = 0;
  start_complete();
  for (Bucket& bucket : buckets_) bucket.wait();
  next_ = 0;
  is_last_pass_ = false;
}

std::int64_t GradientBuckets::bytes() const {
  std::int64_t bytes = 0;
  for (const Bucket& bucket : buckets_) bytes += static_cast<std::int64_t>(bucket.flat.nbytes());
  return bytes;
}

}  // namespace mcunet::supernet
