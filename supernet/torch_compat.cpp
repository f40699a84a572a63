#include "torch_compat.hpp"

#include <torch/version.h>

#include <cstdlib>

// MKL's own; null where there is none.
extern "C" __attribute__((weak)) int MKL_Set_Num_Threads_Local(int threads);

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

int set_mkl_threads(int threads) {
  return MKL_Set_Num_Threads_Local == nullptr ? 0 : MKL_Set_Num_Threads_Local(threads);
}

}  // namespace mcunet::supernet
