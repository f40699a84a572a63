#pragma once

#include <torch/csrc/autograd/variable.h>

#include <utility>

// What differs between the versions of libtorch, and what must be known about one of them.
namespace mcunet::supernet {

// oneDNN 2.6, which comes with libtorch 1.13, dies of an illegal instruction in bfloat16
// convolutions on some processors with AMX. Its tiles are kept out of use, unless
// ONEDNN_MAX_CPU_ISA says otherwise, from the start of every program that links this: oneDNN reads
// the variable once, at the first convolution. Returns whether the variable is set.
bool is_onednn_limited();

// The threads that this thread's calls of MKL have, where libtorch multiplies by MKL, which the packages of PyPI do:
// it counts its own, beside OpenMP's. Returns what it was before; 0 stands for what the process has.
int set_mkl_threads(int threads);

// What owns a node of autograd's graph: a std::shared_ptr, later an intrusive one.
using NodePointer =
    decltype(torch::autograd::impl::grad_accumulator(std::declval<const at::Tensor&>()));

}  // namespace mcunet::supernet
