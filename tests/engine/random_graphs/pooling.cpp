// Random layers of pools and reductions.
#include <algorithm>

#include "random_graphs/random_graph.hpp"

namespace mcunet::engine {

void RandomGraph::build_pool() {
  const Shape shape = random_shape();
  const Quantization q = random_quantization();
  const TensorId input = new_input(shape, q);
  choose_window(shape);
  choose_activation();
  finish({&input, 1}, infer_of(input), q);
}

// A maximum or minimum keeps its input's.
Quantization RandomGraph::reduced_quantization(TensorId input) {
  const Quantization& q = quantization_of(input);
  if (QuantizationRule(traits_of(op_.kind).quantization).keeps) return q;
  return random_quantization(op_.kind == OpKind::kSum ? q.scale * 5 : q.scale / 2);
}

void RandomGraph::build_any_reduction(TensorId input, OpDetails& details) {
  constexpr std::array<std::array<bool, 3>, 3> kReduced = {
      {{true, false, true}, {false, true, true}, {false, false, true}}};
  details.reduced = kReduced[random_.index(kReduced.size())];
  finish({&input, 1}, infer_of(input), reduced_quantization(input));
}

// Keeps the reduced axes or drops them.
void RandomGraph::build_reduction() {
  const TensorId input = moved_input();
  OpDetails& details = edit_details(graph_, op_);
  if (is_rare_) return build_any_reduction(input, details);
  const std::int32_t choice = between(0, 3);
  details.reduced = {choice != 2, choice != 3, choice == 1};
  const Shape kept = infer_of(input);
  const Quantization q = chance(2) ? quantization_of(input) : reduced_quantization(input);
  if (chance(2)) return finish({&input, 1}, kept, q);
  const auto removed = std::count(details.reduced.begin(), details.reduced.end(), true);
  // In every choice, what stays is already in its place or moves over elements of size 1.
  Shape output = {1, 1, kept.channels};
  if (choice == 2) output = {1, kept.height, kept.channels};
  if (choice == 3) output = {1, kept.width, kept.channels};
  finish({&input, 1}, output, q, 4 - static_cast<std::int32_t>(removed));
}

void RandomGraph::build_average_pool_2d() { build_pool(); }
void RandomGraph::build_max_pool_2d() { build_pool(); }
void RandomGraph::build_mean() { build_reduction(); }
void RandomGraph::build_reduce_max() { build_reduction(); }
void RandomGraph::build_sum() { build_reduction(); }
void RandomGraph::build_reduce_min() { build_reduction(); }

}  // namespace mcunet::engine
