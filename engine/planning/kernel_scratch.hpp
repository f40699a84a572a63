#pragma once

#include <cstdint>

#include "mcunet/engine/graph/graph.hpp"
#include "mcunet/engine/planning/schedule.hpp"

// What this engine's kernels need beside their tensors, and what they make of more
// (engine/kernels/scratch.h).
namespace mcunet::engine {

struct RowBands;

// Bytes that the operator's kernel works with at least.
std::int64_t least_scratch_bytes(const Graph& graph, const Op& op);

// The same for a band of so many rows of the output.
std::int64_t least_scratch_bytes(const Graph& graph, const Op& op, std::int32_t band_rows);

// Of a step in bands: the most that one of its kernels has.
std::int64_t kernel_scratch_bytes(const Graph& graph, const Step& step, const RowBands& bands);

// A way in which a kernel is faster, given the scratch for it.
enum class FasterWay : std::uint8_t {
  kNone,
  kFourColumns,  // a convolution: every weight that is loaded serves four positions instead of one
  kWholePlanes,  // a depthwise one: all rows of two channels at once, no ring of a window's rows
};

// kNone also where the memory for it is part of the least.
FasterWay faster_way(const Graph& graph, const Op& op);

// The same for bands of so many rows of the output.
FasterWay faster_way(const Graph& graph, const Op& op, std::int32_t band_rows);

// Bytes of scratch with which the kernel is fastest; more is of no use.
std::int64_t fastest_scratch_bytes(const Graph& graph, const Op& op);

// Of a step, with what it holds of tensors within it.
std::int64_t fastest_scratch_bytes(const Graph& graph, const Step& step);

// What a ring of rows costs more than whole planes, in instructions for each row of one channel.
inline constexpr double kRingPerInputRow = 25;
inline constexpr double kRingPerOutputRow = 60;

// Instructions of an inference that the faster way saves on a core with the DSP extension: an
// estimate, which orders the layers that want memory.
double saved_instructions(const Graph& graph, const Op& op);

}  // namespace mcunet::engine
