#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "mcunet/engine/planning/memory_planner.hpp"
#include "mcunet/engine/planning/schedule.hpp"

// From a schedule to the buffers that it needs: activations over their lifetimes, and the scratch
// memory of the kernels.
namespace mcunet::engine {

// How the kernels' scratch memory is counted.
enum class ScratchPolicy {
  // One area beside the arena, of the largest need, plus the first convolution's weights widened to
  // 16 bits. Reproduces the peaks that the authors published for TinyEngine on STM32H743.
  kTinyEngine,
  // As this engine's kernels need it: in the arena, alive during its own step only. What a step of
  // several operators holds of the tensors between them lies there in either case.
  kOwn,
  // As the kernels of CMSIS-NN ask TensorFlow Lite Micro for it: in the arena likewise, and beside it
  // what the interpreter keeps of the network. Of operators that run one by one.
  kTflm,
};

inline constexpr std::array kScratchPolicies = {ScratchPolicy::kTinyEngine, ScratchPolicy::kOwn,
                                                ScratchPolicy::kTflm};
std::string_view name_of(ScratchPolicy policy);

// Bytes of scratch for one operator.
//   kTinyEngine: depthwise 2 (H + 2p)(W + 2p); convolution 4 k² Cin, two columns of 16 bits.
//   kOwn: the least that the kernel works with, as engine/kernels/scratch.h has it.
//   kTflm: as the library's functions *_get_buffer_size have it (engine/planning/tflm_memory.hpp).
std::int64_t scratch_bytes(const Graph& graph, const Op& op, ScratchPolicy policy);

struct MemoryRequests {
  // Of tensors, in the graph's order; then of the scratch of steps that need some.
  std::vector<BufferRequest> buffers;
  // Per tensor: its buffer, or kNoId if it has none (Lifetime::has_buffer).
  std::vector<std::int32_t> tensor_buffer;
  std::size_t tensor_buffers = 0;                // how many of `buffers` are tensors'
  std::vector<std::int64_t> step_scratch_bytes;  // per step
  // Per step: its scratch among the buffers, or kNoId.
  std::vector<std::int32_t> step_scratch_buffer;
  // Beside the arena, for the whole run: scratch, or what an interpreter keeps.
  std::int64_t fixed_bytes = 0;
};

// Refills `requests`, keeping its memory. Throws Error for what the library of the policy does not have.
void request_memory(const Graph& graph, const Schedule& schedule, ScratchPolicy policy,
                    MemoryRequests& requests);

// The buffers one step later, with what `staging_bytes` asks for before them: step 0 is when the
// caller prepares the graph's inputs, which are alive from then on.
std::vector<BufferRequest> with_staging(const Graph& graph, const MemoryRequests& requests,
                                        std::span<const std::int64_t> staging_bytes);

// Of offsets, once there is staging: samples and spectra are read as words.
inline constexpr std::int64_t kStagingAlignment = 8;

}  // namespace mcunet::engine
