#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "mcunet/engine/graph/graph.hpp"
#include "mcunet/engine/graph/weights.hpp"
#include "mcunet/engine/planning/resources.hpp"

// Which kernels the code of an operator calls, and what code they take.
namespace mcunet::engine {

inline constexpr std::string_view kKernelNames[] = {
#define KERNEL(name, ...) #name,
#include "planning/kernels.inc"
};
inline constexpr std::size_t kKernels = std::size(kKernelNames);

// A source of engine/kernels, by its place in kernels.inc.
enum class Kernel : std::uint8_t {};

// "conv2d_1x1_s4": its file without extension, its function without prefix.
constexpr std::string_view name_of(Kernel kernel) {
  return kKernelNames[static_cast<std::size_t>(kernel)];
}

// The kernel whose name these parts are. One that is not there does not compile.
consteval Kernel kernel_named(std::string_view stem, std::string_view middle = "",
                              std::string_view end = "") {
  const std::size_t size = stem.size() + middle.size() + end.size();
  for (std::size_t i = 0; i < kKernels; ++i) {
    const std::string_view name = kKernelNames[i];
    if (name.size() == size && name.starts_with(stem) && name.ends_with(end) &&
        name.substr(stem.size(), middle.size()) == middle) {
      return static_cast<Kernel>(i);
    }
  }
  throw "no such kernel";
}

// What the choice of a kernel depends on besides the operator.
struct KernelOptions {
  bool specializes = true;   // else the general kernels
  bool accumulates = false;  // it takes its rows into sums, band by band (row_bands.hpp)
};

// The kernels of an operator, in the order in which its code names them.
class KernelCalls {
 public:
  KernelCalls() = default;  // none: the values stay where they are, or are copied
  KernelCalls(Kernel kernel) : kernels_{kernel}, count_(1) {}  // NOLINT(google-explicit-*)
  KernelCalls(Kernel first, Kernel second) : kernels_{first, second}, count_(2) {}

  Kernel operator[](std::size_t index) const { return kernels_[index]; }
  const Kernel* begin() const { return kernels_.data(); }
  const Kernel* end() const { return kernels_.data() + count_; }
  bool calls(Kernel kernel) const { return std::find(begin(), end(), kernel) != end(); }

 private:
  std::array<Kernel, 2> kernels_{};
  std::size_t count_ = 0;
};

KernelCalls kernels_of(const Graph& graph, const Op& op, const KernelOptions& options = {});

// Whether the operator's code describes its layer as one of these kernels takes it.
bool has_dense_pointwise(const Op& op);                    // conv2d_1x1
bool is_dilated(const Op& op);                             // conv2d_dilated
bool has_window_kernel(const Graph& graph, const Op& op);  // depthwise_conv2d_<window>
bool has_few_outputs(const Graph& graph, const Op& op);    // fully_connected_few: without scratch
bool has_broadcast(const Graph& graph, const Op& op);      // add_broadcast, sub_broadcast, …
bool is_mean_apart(const Graph& graph, const Op& op);   // mean_apart: axes that are not neighbours
bool is_transposing(const Graph& graph, const Op& op);  // transpose; else the values stay in order

// The shapes that an elementwise operator combines, constant or not, in the order of its code: where it
// commutes, what is repeated comes second.
struct ElementwiseSides {
  std::array<Shape, 2> shapes;
  bool is_swapped = false;
};
ElementwiseSides sides_of(const Graph& graph, const Op& op);

// Bytes of an operator's weights as its kernel reads them, with biases and multipliers.
std::int64_t packed_weight_bytes(const Graph& graph, const Op& op, const WeightLayout& layout);

using KernelSet = std::bitset<kKernels>;

// Adds a kernel and what it calls.
void add_kernel(Kernel kernel, KernelSet& kernels);

// Bytes of code and constants.
std::int64_t code_bytes(const KernelSet& kernels, CodeCore core);

}  // namespace mcunet::engine
