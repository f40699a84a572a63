#include "torch_compat.hpp"

#include <torch/version.h>

#include <cstdlib>

namespace mcunet::supernet {
namespace {

bool limit_onednn() {
#if TORCH_VERSION_MAJOR < 2
  return setenv("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16", /*overwrite=*/0) == 0;
#else
  return false;
#endif
}

const bool kLimited = limit_onednn();

}  // namespace

bool is_onednn_limited() { return kLimited; }

}  // namespace mcunet::supernet
