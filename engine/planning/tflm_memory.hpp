#pragma once

#include <cstdint>

#include "mcunet/engine/graph/graph.hpp"
#include "mcunet/engine/planning/memory_planner.hpp"

// What a network needs beside its tensors in TensorFlow Lite Micro with the kernels of CMSIS-NN: the
// library of the paper's baselines. All of it lies in one arena, tensors and scratch at its head, what
// the interpreter keeps of the network at its tail. Modelled are its memory planner, the buffers that
// the kernels ask for on a core with the DSP extension, built by GCC, and the structures that are
// allocated for good; not its code, its stack, nor the memory that it uses for preparing alone.
namespace mcunet::engine {

// Buffers at multiples of 16 bytes, the largest first, each at the lowest place that is free
// (tensorflow/lite/micro/memory_planner/greedy_memory_planner.cc).
inline constexpr PlannerOptions kTflmPlanner{.alignment = 16, .is_greedy = true};

// Bytes of scratch that the operator's kernel asks for: the functions *_get_buffer_size of CMSIS-NN, of
// MEAN and what it has no kernel for TensorFlow Lite Micro's own.
std::int64_t cmsis_nn_scratch_bytes(const Graph& graph, const Op& op);

// Bytes of what is kept for the whole run: a multiplier and a shift per output channel of convolutions, a
// structure per tensor, constants included, three per operator, and the interpreter's own. The arena of a
// 32-bit core. Throws Error for activations of four bits, which the library does not have.
std::int64_t tflm_persistent_bytes(const Graph& graph);

}  // namespace mcunet::engine
