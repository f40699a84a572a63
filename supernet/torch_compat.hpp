#pragma once

// What differs between the versions of libtorch, and what must be known about one of them.
namespace mcunet::supernet {

// oneDNN 2.6, which comes with libtorch 1.13, dies of an illegal instruction in bfloat16
// convolutions on some processors with AMX. Its tiles are kept out of use, unless
// ONEDNN_MAX_CPU_ISA says otherwise, from the start of every program that links this: oneDNN reads
// the variable once, at the first convolution. Returns whether the variable is set.
bool is_onednn_limited();

}  // namespace mcunet::supernet
