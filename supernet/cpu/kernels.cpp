#include "cpu/kernels.hpp"

#include <numeric>

namespace mcunet::supernet::cpu {
namespace {

enum class InstructionSet { kBaseline, kAvx2, kAvx512 };

InstructionSet detect() {
#ifdef MCUNET_X86_KERNELS
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512cd")) {
    return InstructionSet::kAvx512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return InstructionSet::kAvx2;
  }
#endif
  return InstructionSet::kBaseline;
}

InstructionSet instruction_set() {
  static const InstructionSet set = detect();
  return set;
}

}  // namespace

std::int64_t row_group(std::int64_t channels) {
  return kVectorWidth / std::gcd(channels, kVectorWidth);
}

std::int64_t depthwise_scratch(const DepthwiseShape& shape) {
  const std::int64_t rows = 2 * shape.kernel_rows;
  const std::int64_t columns = 2 * shape.kernel;
  const std::int64_t pixels = (shape.height + rows) * (shape.width + columns) +
                              (shape.output_height + rows) * (shape.output_width + columns);
  return (pixels + shape.taps()) * kVectorWidth;
}

#ifdef MCUNET_X86_KERNELS
template <>
const Kernels<float>& kernels<float>() {
  switch (instruction_set()) {
    case InstructionSet::kAvx512:
      return avx512::kFloat32;
    case InstructionSet::kAvx2:
      return avx2::kFloat32;
    case InstructionSet::kBaseline:
      break;
  }
  return baseline::kFloat32;
}

template <>
const Kernels<Bfloat16>& kernels<Bfloat16>() {
  switch (instruction_set()) {
    case InstructionSet::kAvx512:
      return avx512::kBfloat16;
    case InstructionSet::kAvx2:
      return avx2::kBfloat16;
    case InstructionSet::kBaseline:
      break;
  }
  return baseline::kBfloat16;
}
#else
template <>
const Kernels<float>& kernels<float>() {
  return baseline::kFloat32;
}

template <>
const Kernels<Bfloat16>& kernels<Bfloat16>() {
  return baseline::kBfloat16;
}
#endif

}  // namespace mcunet::supernet::cpu
